package certify

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
)

// rowOf returns a row of the table, and caseOf its case.
func rowOf(name string) trace.Row {
	for _, r := range trace.Rows() {
		if r.Name == name {
			return r
		}
	}
	panic("there is no row " + name)
}

func caseOf(name string) gradcheck.Case { return rowOf(name).Case }

// faultOf returns the fault of a name.
func faultOf(t *testing.T, name string) Fault {
	for _, f := range Faults() {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("there is no fault %q", name)
	return Fault{}
}

// wantError checks that err says want.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error that says %q", err, want)
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
	// What each reference is there for: a fault that another one does not show.
	for _, test := range []struct {
		fault    string
		by       [3]bool
		contract bool
	}{
		{"dx: wrong sign", [3]bool{true, true, true}, false},
		{"dx: noise of 1e-7", [3]bool{true, true, false}, false},
		{"gradient: noise of 1e-7", [3]bool{true, true, false}, false},
		{"another function, and its derivative", [3]bool{true, true, false}, false},
		{"gradient: = in place of +=", [3]bool{false, false, false}, true},
	} {
		t.Run(test.fault, func(t *testing.T) {
			for _, tally := range tallies {
				if tally.Fault != test.fault {
					continue
				}
				for _, by := range gradcheck.References() {
					want := 0
					if test.by[by] {
						want = tally.Tried
					}
					if got := tally.By[by]; got != want {
						t.Errorf("the %s contradicts %d of %d, want %d", by, got, tally.Tried, want)
					}
				}
				if test.contract && tally.Contract != tally.Tried {
					t.Errorf("the contract catches %d of %d", tally.Contract, tally.Tried)
				}
			}
		})
	}
}

// TestOnlyCentralDifferencesTestForward: where Forward is wrong and Backward is correct
// for what it should be, the complex step alone would confirm the gradients.
func TestOnlyCentralDifferencesTestForward(t *testing.T) {
	planted, _ := Plant(faultOf(t, "Forward off by a factor of 1.01"), caseOf("Affine"))
	for _, a := range gradcheck.Layer(planted).Arrays {
		if step, compared := a.Error(gradcheck.ComplexStep); compared && step > gradcheck.ExactBound {
			t.Errorf("%s: error %v against the complex step, want at most %v", a.Name, step, gradcheck.ExactBound)
		}
		if difference, compared := a.Error(gradcheck.CentralDifference); compared && difference < 1e-3 {
			t.Errorf("%s: error %v against central differences, want at least 1e-3", a.Name, difference)
		}
	}
}

// TestPlantingIsNoFault: the check catches the fault, not the way it is planted.
func TestPlantingIsNoFault(t *testing.T) {
	nothing := func(array, int) {}
	for _, row := range trace.Rows() {
		for _, f := range []Fault{{Name: "none"}, inDX("nothing", nothing), inGradients("nothing", nothing)} {
			planted, _ := Plant(f, row.Case)
			t.Run(planted.Name, func(t *testing.T) {
				if err := gradcheck.Layer(planted).Err(); err != nil {
					t.Errorf("nothing is planted: %v", err)
				}
			})
		}
	}
}

// TestReasons: what the report says of a fault.
func TestReasons(t *testing.T) {
	for _, test := range []struct{ fault, want string }{
		{"dx: wrong sign", "(the sign)"},
		{"dx: 1/N missing", "(4 times too large, the number of samples: is 1/N missing?)"},
		{"dx: last row stale", "(nothing arrives in row 3)"},
		{"dx: shape of another", "Backward returns dx of shape (20), want (4, 5), the shape of x"},
		{"gradient: = in place of +=", "Grad added to: W[0 0] is"},
		{"dx: transposed", "(transposed)"},
		{"dx: off by a factor of 1.01", "(off by the factor 1.01)"},
		{"dx: one element off by 0.1 %", "dx[2 0] is"},
		{"gradient: one element off by 0.1 %", "(all other elements are right)"},
		{"gradient: forgotten", "(nothing arrives here)"},
		{"another function, and its derivative", "graph says"},
		{"Forward off by a factor of 1.01", "y["},
		{"Backward writes into dy", "Backward modifies dy"},
		{"Backward writes into x", "Backward modifies x"},
		{"Forward writes into x", "Forward modifies x"},
		{"Backward changes a parameter", "changes the value of W"},
		{"Backward differs the second time", "a second Backward of the same step returns another dx"},
		{"Forward without Keep disturbs Backward", "Forward without Keep writes state"},
		{"gradient: noise of 1e-5", "Affine, gradient: noise of 1e-5: gradient of parameter: W["},
		{"gradient: sum over the batch missing", "(the gradient of sample 3 alone: the sum over the batch is missing)"},
	} {
		t.Run(test.fault, func(t *testing.T) {
			planted, _ := Plant(faultOf(t, test.fault), caseOf("Affine"))
			wantError(t, gradcheck.Layer(planted).Err(), test.want)
		})
	}
}

// small checks a network of 31, 12 and 5 units, on samples that activate all but the
// inactive ones.
func small(t *testing.T, inactive ...int) (gradcheck.NetworkReport, *nn.Sequential[float64]) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
	x, labels := gradcheck.Wake(net, 3, rng)
	for _, unit := range inactive {
		net.Params()[1].Value.Data[unit] = -100
	}
	r, err := gradcheck.Network("dense", net.Sequential, net.Last, x, nn.Labels[float64](labels...))
	if err != nil {
		t.Fatal(err)
	}
	return r, net.Sequential
}

// TestNetworkFaults: every fault of a gradient is caught in every layer of the network
// that can have it.
func TestNetworkFaults(t *testing.T) {
	r, net := small(t)
	planted := map[string]bool{}
	for _, m := range NetworkMutants(r, net) {
		planted[m.Name] = true
		if !m.Caught() {
			t.Errorf("%s is not caught", m.Name)
		}
		if strings.HasSuffix(m.Name, "noise of 1e-7") && !(m.Contradicts(gradcheck.ComplexStep) && m.Contradicts(gradcheck.Graph)) {
			t.Errorf("the complex step or the graph does not contradict %s", m.Name)
		}
	}
	for _, test := range []struct {
		name string
		want bool
	}{
		{"Affine1, gradient: off by a factor of 1.01", true},
		{"Affine1, gradient: last row stale", true},
		{"Affine2, gradient: noise of 1e-7", true},
		{"ReLU1, dx: wrong sign", true},
		{"Affine2, dx: transposed", true},
		{"Affine1, gradient: sum over the batch missing", true},
		{"Affine1, dx: wrong sign", false}, // nobody uses the dx of the first layer
	} {
		if got := planted[test.name]; got != test.want {
			t.Errorf("planted %s: %t, want %t", test.name, got, test.want)
		}
	}
}

// TestInactiveRow: a stale row of an inactive unit is not caught, and the nonzero share
// says why.
func TestInactiveRow(t *testing.T) {
	r, net := small(t, 11) // the last, whose row of W2 the fault leaves stale
	for _, m := range NetworkMutants(r, net) {
		if m.Name != "Affine2, gradient: last row stale" {
			continue
		}
		if w2 := m.Arrays[2]; w2.Name != "W2" || w2.Cause != "" {
			t.Errorf("a row of zeros of %s, want W2, was found stale: %v", w2.Name, m.Err())
		}
	}
	if w2 := r.Arrays[3]; w2.Name != "W2" || w2.NonzeroShare() != 11.0/12 {
		t.Errorf("the nonzero share of %s is %v, want %v of W2", w2.Name, w2.NonzeroShare(), 11.0/12)
	}
}

// TestBookLoss: the gradients are wrong for the loss of the book by what it adds inside
// the logarithm, and correct for the one it means.
func TestBookLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 10, 0.01, rng)
	x, labels := gradcheck.Wake(net, 3, rng)
	targets := nn.Labels[float64](labels...)
	book, err := BookLoss(net.Sequential, x, targets)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := gradcheck.Network("ours", net.Sequential, net.Last, x, targets)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []gradcheck.Reference{gradcheck.Graph, gradcheck.ComplexStep} {
		t.Run(fmt.Sprint(by), func(t *testing.T) {
			for _, a := range book.Arrays {
				if off, _ := a.Error(by); !(off > 9e-7 && off < 3e-6) {
					t.Errorf("the book's loss: error %.2g of %s, want 1e-6 or so", off, a.Name)
				}
			}
			if off, _ := ours.Error(by); off > 1e-13 {
				t.Errorf("ours: error %.2g, want at most 1e-13", off)
			}
		})
	}
	if book.Err() == nil {
		t.Error("the book's loss passes")
	}
	if _, err := BookLoss(net, x, targets); err == nil {
		t.Error("a network that cannot be copied is no error")
	}
}
