package gradcheck

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestNetwork checks a small network; the command checks the book's.
func TestNetwork(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
	x, labels := Wake(net, 3, rng)
	r, err := Network("dense", net.Sequential, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if r.Coverage() != 1 || r.NonZero() != 1 || len(r.Arrays) != 5 || r.Arrays[1].Elements != 31*12 || r.Parameters != 31*12+12+12*5+5 {
		t.Errorf("coverage %v, %v: %+v", r.Coverage(), r.NonZero(), r.Arrays)
	}
	if r.Numerical <= 0 || r.Backprop <= 0 || r.Speedup() != r.Numerical.Seconds()/r.Backprop.Seconds() {
		t.Errorf("central differences took %v, backpropagation %v: %v times", r.Numerical, r.Backprop, r.Speedup())
	}

	// Each unit is awake on one sample at least and asleep on another.
	h := net.Layers()[0].Layer.Forward(nil, x)
	for j := range 12 {
		awake := 0
		for i := range 3 {
			if h.Data[i*12+j] > 0 {
				awake++
			}
		}
		if awake == 0 || awake == 3 {
			t.Errorf("unit %d is awake on %d of 3 samples", j, awake)
		}
	}
}

// TestNetworkFaults: every fault of a gradient is caught in every layer of the
// network that can have it.
func TestNetworkFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
	x, labels := Wake(net, 3, rng)
	r, err := Network("dense", net.Sequential, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	planted := map[string]bool{}
	for _, m := range r.Planted {
		planted[m.Name] = true
		if !m.Caught() {
			t.Errorf("%s is not caught", m.Name)
		}
		if strings.HasSuffix(m.Name, "noise of 1e-7") && !(m.Contradicts(ComplexStep) && m.Contradicts(Graph)) {
			t.Errorf("%s is not seen by the complex step", m.Name)
		}
	}
	for _, want := range []string{"Affine1, gradient: off by a factor of 1.01", "Affine1, gradient: last row stale", "Affine2, gradient: noise of 1e-7",
		"ReLU1, dx: wrong sign", "Affine2, dx: transposed", "Affine1, gradient: sum over the batch missing"} {
		if !planted[want] {
			t.Errorf("not planted: %s", want)
		}
	}
	if planted["Affine1, dx: wrong sign"] {
		t.Error("a fault was planted into the dx of the first layer, which nobody sees")
	}
}

// TestSleepingUnit: a unit that no sample wakes hides any fault in its row, and
// the coverage says so.
func TestSleepingUnit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
	x, labels := Wake(net, 3, rng)
	net.Params()[1].Value.Data[7] = -100
	r, err := Network("one asleep", net.Sequential, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if want := 11.0 / 12; r.Coverage() != want {
		t.Errorf("coverage %v, want %v", r.Coverage(), want)
	}
}

// TestSleepingRow: a stale row of a unit that sleeps is not caught, and the
// coverage says why.
func TestSleepingRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
	x, labels := Wake(net, 3, rng)
	net.Params()[1].Value.Data[11] = -100 // the last, whose row of W2 is the one left stale
	r, err := Network("one asleep", net.Sequential, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Planted, func(m Mutant) bool { return m.Name == "Affine2, gradient: last row stale" })
	if w2 := r.Planted[i].Arrays[2]; w2.Name != "W2" || w2.Against[Graph].wrong() {
		t.Errorf("a row of zeros was found stale: %+v", w2)
	}
	if w2 := r.Arrays[3]; w2.Name != "W2" || w2.Coverage() != 11.0/12 {
		t.Errorf("its coverage is %v: %+v", w2.Coverage(), w2)
	}
}

// TestNetworkOfAnyKind: nested layers, sigmoids and shared parameters; and
// networks that have no proof.
func TestNetworkOfAnyKind(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	type layer = nn.Layer[float64]
	first := nn.NewAffine[float64](6, 6, rng)
	net := nn.NewSequential(layer(first), layer(nn.NewSigmoid[float64]()),
		layer(nn.NewSequential(layer(nn.AffineOf(first.W, first.B)), layer(nn.NewSoftmax[float64]()))), layer(nn.NewAffine[float64](6, 4, rng)))
	x, labels := tensor.New[float64](5, 6), []int{0, 1, 2, 3, 0}
	fill(x, rng)
	r, err := Network("nested", net, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, a := range r.Arrays {
		got = append(got, a.Name)
	}
	if want := []string{"loss", "Affine1.W", "Affine1.b", "Affine2.W", "Affine2.b"}; !slices.Equal(got, want) {
		t.Errorf("arrays %v, want %v", got, want)
	}

	for want, call := range map[string]func() error{
		"there is no graph for a *gradcheck.hoarder": func() error {
			_, err := Network("", nn.NewSequential(layer(first), layer(&hoarder{})), x, labels)
			return err
		},
		"want (N, 6) or (6), got (5, 7)": func() error {
			_, err := Network("", net, tensor.New[float64](5, 7), labels)
			return err
		},
		"the network's result is (5, 4), which is no row of logits for each of 2 labels": func() error {
			_, err := Network("", net, x, []int{0, 1})
			return err
		},
		"the label of sample 1 is 4": func() error {
			_, err := Trace(net, x, []int{0, 4, 0, 0, 0})
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
