package nn

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func TestCentralDifference(t *testing.T) {
	x := of([]float64{1, -2, 0.5}, 3)
	f := func() float64 { // x₀²·x₁ + e^x₂
		return x.Data[0]*x.Data[0]*x.Data[1] + math.Exp(x.Data[2])
	}
	for i, want := range []float64{-4, 1, math.Exp(0.5)} {
		d := CentralDifference(f, &x.Data[i], DifferenceStep)
		near(t, "derivative", d.Central(), want, 1e-8)
		near(t, "H", d.H, DifferenceStep, 1e-12)
		if d.Plus == d.Minus {
			t.Errorf("element %d was not moved", i)
		}
		sameBits(t, "x", x, of([]float64{1, -2, 0.5}, 3))
	}
}

// For a parabola central differences are exact but for rounding, whatever the
// step; one-sided ones are off by h.
func TestCentralDifferenceIsCentral(t *testing.T) {
	x := of([]float64{3}, 1)
	d := CentralDifference(func() float64 { return x.Data[0] * x.Data[0] }, &x.Data[0], 0.5)
	if d.Minus != 6.25 || d.Plus != 12.25 || d.H != 0.5 || d.Central() != 6 {
		t.Errorf("%+v, central %v, want 6.25, 12.25, 0.5, 6", d, d.Central())
	}
}

// Where v + h is rounded, H is what v really moved by.
func TestCentralDifferenceKnowsTheStepTaken(t *testing.T) {
	x := tensor.Of([]float32{1024}, 1)
	d := CentralDifference(func() float64 { return float64(x.Data[0]) }, &x.Data[0], 1e-4)
	// float32 near 1024 are 2^-13 apart above and 2^-14 below.
	if d.H != 0x1p-13 && d.H != 0x1.8p-14 {
		t.Errorf("H = %x, want what 1024 ± 1e-4 is rounded to", d.H)
	}
	if d.Central() != 1 {
		t.Errorf("the derivative of v is %v, want exactly 1", d.Central())
	}
}

func TestCentralDifferenceRestores(t *testing.T) {
	x := of([]float64{1, 2, 3}, 3)
	want := x.Clone()
	CentralDifference(func() float64 { return 0 }, &x.Data[1], DifferenceStep)
	sameBits(t, "x", x, want)
	func() {
		defer func() { _ = recover() }()
		CentralDifference(func() float64 { panic("f") }, &x.Data[1], DifferenceStep)
	}()
	sameBits(t, "x after a panic in f", x, want)
}
