package gradcheck

import (
	"strings"
	"testing"
)

func TestEveryLayerPasses(t *testing.T) {
	for _, c := range Layers() {
		t.Run(c.Name, func(t *testing.T) {
			r := Layer(c)
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			if len(r.Arrays) == 0 {
				t.Error("nothing was compared")
			}
			for _, a := range r.Arrays {
				if heard := len(a.Against); heard != 3 && !(a.Result && heard == 1) {
					t.Errorf("%s: %d witnesses were heard", a.Name, heard)
				}
				if err, _ := a.Error(ComplexStep); err > 1e-14 {
					t.Errorf("%s: error %.1e against the complex step, more than 1e-14", a.Name, err)
				}
				if a.Batch > 1 && a.Float32 == nil && !strings.HasPrefix(a.Name, "at kinks") {
					t.Errorf("%s: float32 was not compared", a.Name)
				}
				t.Logf("%-8s %4d elements, coverage %v, %+v", a.Name, a.Elements, a.Coverage(), a.Against)
			}
			if r.Coverage() < 1 {
				t.Errorf("coverage %v: some gradients are 0 and prove nothing", r.Coverage())
			}
			if kinks := 20 * len(c.Kinks); r.Kinks() != kinks {
				t.Errorf("%d kinks, %d were planted", r.Kinks(), kinks)
			}
		})
	}
}

func TestEveryFaultIsCaught(t *testing.T) {
	mutants := Mutants()
	for _, m := range mutants {
		if !m.Caught() {
			t.Errorf("%s is not caught", m.Name)
		}
	}
	tallies := Tallies(mutants)
	if len(tallies) < 20 || len(tallies) != len(Faults()) || len(mutants) < 140 {
		t.Errorf("%d kinds of faults of %d were tried, %d times", len(tallies), len(Faults()), len(mutants))
	}
	// What each witness is there for: a fault that another one does not see.
	for _, test := range []struct {
		fault string
		by    [3]bool
	}{
		{"dx: wrong sign", [3]bool{true, true, true}},
		{"dx: noise of 1e-7", [3]bool{true, true, false}},
		{"gradient: noise of 1e-7", [3]bool{true, true, false}},
		{"another function, and its derivative", [3]bool{true, true, false}},
		{"gradient: = in place of +=", [3]bool{false, false, false}},
	} {
		for _, tally := range tallies {
			if tally.Fault != test.fault {
				continue
			}
			for w, want := range test.by {
				if seen := tally.By[w]; seen != 0 && !want || seen != tally.Tried && want {
					t.Errorf("%s: the %s sees %d of %d", test.fault, Witness(w), seen, tally.Tried)
				}
			}
		}
	}
	for _, tally := range tallies {
		if tally.Fault == "gradient: = in place of +=" && tally.Promises != tally.Tried {
			t.Errorf("%+v", tally)
		}
	}
}

// TestOnlyCentralDifferencesSeeForward: where Forward is wrong and Backward is right for what it
// should be, the complex step alone would confirm the gradients.
func TestOnlyCentralDifferencesSeeForward(t *testing.T) {
	planted, _ := Plant(Faults()[indexOf("Forward off by a factor of 1.01")], affine)
	r := Layer(planted)
	for _, a := range r.Arrays {
		if step, heard := a.Error(ComplexStep); heard && step > ExactBound {
			t.Errorf("%s: the complex step says %v", a.Name, step)
		}
		if difference, heard := a.Error(CentralDifference); heard && difference < 1e-3 {
			t.Errorf("%s: central differences say %v", a.Name, difference)
		}
	}
}

// TestPlantingIsNoFault: it is the fault that is caught, not the way it is
// planted.
func TestPlantingIsNoFault(t *testing.T) {
	nothing := func(array, int) {}
	for _, c := range Layers() {
		for _, f := range []Fault{{Name: "none"}, inDX("nothing", nothing), inGradients("nothing", nothing)} {
			planted, _ := Plant(f, c)
			if err := Layer(planted).Err(); err != nil {
				t.Errorf("%s is caught: %v", planted.Name, err)
			}
		}
	}
}

// TestReasons: what a fault is reported as.
func TestReasons(t *testing.T) {
	for fault, want := range map[string]string{
		"dx: wrong sign":                         "(the sign)",
		"dx: 1/N missing":                        "(4 times too large, the number of samples: is 1/N missing?)",
		"dx: last row stale":                     "(nothing arrives in row 3)",
		"dx: shape of another":                   "dx has the shape (20) of no x, which is (4, 5)",
		"gradient: = in place of +=":             "a second Backward adds",
		"dx: transposed":                         "(transposed)",
		"dx: off by a factor of 1.01":            "(off by the factor 1.01)",
		"dx: one element off by 0.1 %":           "dx[2 0] is",
		"gradient: one element off by 0.1 %":     "(all other elements are right)",
		"gradient: forgotten":                    "(nothing arrives here)",
		"another function, and its derivative":   "graph says",
		"Forward off by a factor of 1.01":        "y[",
		"Backward writes into dy":                "Backward modifies dy",
		"Backward writes into x":                 "Backward modifies x",
		"Forward writes into x":                  "Forward modifies x",
		"Backward changes a parameter":           "changes the value of W",
		"Backward differs the second time":       "a second Backward returns another dx",
		"Forward without Keep disturbs Backward": "Forward without Keep writes state",
		"gradient: noise of 1e-5":                "Affine, gradient: noise of 1e-5: W[",
		"gradient: sum over the batch missing":   "(the gradient of sample 3 alone: the sum over the batch is missing)",
	} {
		i := indexOf(fault)
		if i < 0 {
			t.Errorf("there is no fault %q", fault)
			continue
		}
		planted, _ := Plant(Faults()[i], Layers()[0])
		if err := Layer(planted).Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got %v", fault, want, err)
		}
	}
}

func indexOf(fault string) int {
	for i, f := range Faults() {
		if f.Name == fault {
			return i
		}
	}
	return -1
}
