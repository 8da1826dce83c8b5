package nn

import (
	"math"
	"reflect"
	"runtime"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func TestCentralDifferences(t *testing.T) {
	x := of([]float64{1, -2, 0.5}, 3)
	f := func() float64 { // x₀²·x₁ + e^x₂
		return x.Data[0]*x.Data[0]*x.Data[1] + math.Exp(x.Data[2])
	}
	want := []float64{-4, 1, math.Exp(0.5)}
	seen := 0
	for i, d := range CentralDifferences(f, x, DifferenceStep) {
		if i != seen {
			t.Fatalf("element %d after %d", i, seen)
		}
		seen++
		near(t, "derivative", d.Central(), want[i], 1e-8)
		near(t, "H", d.H, DifferenceStep, 1e-12)
		if d.Plus == d.Minus {
			t.Errorf("element %d was not moved", i)
		}
		sameBits(t, "x inside the loop", x, of([]float64{1, -2, 0.5}, 3))
	}
	if seen != 3 {
		t.Errorf("%d elements, want 3", seen)
	}
	sameBits(t, "x after the loop", x, of([]float64{1, -2, 0.5}, 3))
}

// For a parabola central differences are exact but for rounding, whatever the
// step; one-sided ones are off by h.
func TestCentralDifferencesAreCentral(t *testing.T) {
	x := of([]float64{3}, 1)
	for _, d := range CentralDifferences(func() float64 { return x.Data[0] * x.Data[0] }, x, 0.5) {
		if d.Minus != 6.25 || d.Plus != 12.25 || d.H != 0.5 || d.Central() != 6 {
			t.Errorf("%+v, central %v, want 6.25, 12.25, 0.5, 6", d, d.Central())
		}
	}
}

// Where v + h is rounded, H is what v really moved by.
func TestCentralDifferencesKnowTheStepTaken(t *testing.T) {
	x := tensor.Of([]float32{1024}, 1)
	for _, d := range CentralDifferences(func() float64 { return float64(x.Data[0]) }, x, 1e-4) {
		// float32 near 1024 are 2^-13 apart above and 2^-14 below.
		if d.H != 0x1p-13 && d.H != 0x1.8p-14 {
			t.Errorf("H = %x, want what 1024 ± 1e-4 is rounded to", d.H)
		}
		if d.Central() != 1 {
			t.Errorf("the derivative of v is %v, want exactly 1", d.Central())
		}
	}
}

func TestCentralDifferencesRestore(t *testing.T) {
	x := of([]float64{1, 2, 3}, 3)
	want := x.Clone()
	for i := range CentralDifferences(func() float64 { return 0 }, x, DifferenceStep) {
		if i == 1 {
			break
		}
	}
	sameBits(t, "x after a break", x, want)
	func() {
		defer func() { _ = recover() }()
		for range CentralDifferences(func() float64 { panic("f") }, x, DifferenceStep) {
		}
	}()
	sameBits(t, "x after a panic in f", x, want)
}

// The number of goroutines changes no bit, and neither do layers of another
// package in the network, which one goroutine then differentiates.
func TestLossDifferencesSameBits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rng := newRand(69)
	type layer = Layer[float64]
	shared := NewAffine[float64](5, 5, rng)
	inner := NewSequential(layer(AffineOf(shared.W, shared.B)), layer(NewSigmoid[float64]()))
	layers := []layer{NewAffine[float64](7, 5, rng), NewReLU[float64](), shared, NewSoftmax[float64](), inner, NewAffine[float64](5, 3, rng)}
	net := NewSequential(layers...)
	copy(net.Params()[1].Value.Data, random[float64](newRand(70), 5).Data)
	x, labels := random[float64](newRand(71), 4, 7), []int{0, 1, 2, 0}
	var values []*tensor.Tensor[float64]
	for _, p := range net.Params() {
		values = append(values, p.Value.Clone())
	}
	// By the definition, one parameter after another.
	var want, wantSome [][]Difference
	var at [][]int // the last first; all of the first parameter
	loss := func() float64 { return NewSoftmaxWithLoss[float64]().Forward(nil, net.Forward(nil, x), labels) }
	for _, p := range net.Params() {
		var all []Difference
		for _, d := range CentralDifferences(loss, p.Value, DifferenceStep) {
			all = append(all, d)
		}
		want = append(want, all)
		if len(want) == 1 {
			at, wantSome = append(at, nil), append(wantSome, all)
		} else {
			n := len(all)
			at, wantSome = append(at, []int{n - 1, 0}), append(wantSome, []Difference{all[n-1], all[0]})
		}
	}
	if len(want) != 6 {
		t.Fatalf("%d parameters, want 6: two are shared", len(want))
	}
	layers[1] = other{layers[1]}
	for _, threads := range []int{1, 2, 3, 8} { // 8 are more than the last b has elements
		runtime.GOMAXPROCS(threads)
		for name, net := range map[string]*Sequential[float64]{"the network": net, "one with a layer of another kind": NewSequential(layers...)} {
			if got := LossDifferences(net, x, labels, nil); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %d goroutines: %v, want %v", name, threads, got, want)
			}
			if got := LossDifferences(net, x, labels, at); !reflect.DeepEqual(got, wantSome) {
				t.Errorf("%s, %d goroutines, some elements: %v, want %v", name, threads, got, wantSome)
			}
		}
		mustPanic(t, "the label of sample 3 is 9", func() { LossDifferences(net, x, []int{0, 1, 2, 9}, nil) })
		mustPanic(t, "want (N, 7)", func() { LossDifferences(net, tensor.New[float64](4, 6), labels, nil) })
	}
	for i, p := range net.Params() {
		sameBits(t, p.Name+" afterwards", p.Value, values[i])
	}
}

// other is a layer of a kind that a network cannot copy.
type other struct{ Layer[float64] }

// An evaluation allocates nothing: ten times the parameters take as many
// allocations.
func TestLossDifferencesALossAllocatesNothing(t *testing.T) {
	allocations := func(inputs int) float64 {
		net := NewTwoLayerNet[float64](inputs, 5, 3, 1, newRand(72))
		x, labels := random[float64](newRand(73), 2, inputs), []int{0, 1}
		return testing.AllocsPerRun(10, func() { LossDifferences(net.Sequential, x, labels, nil) })
	}
	if few, many := allocations(6), allocations(60); many != few {
		t.Errorf("%v allocations for 6 inputs, %v for 60", few, many)
	}
}
