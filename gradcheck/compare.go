package gradcheck

import (
	"math"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// compare holds the gradients got of f with respect to x against central
// differences, every element of them.
func compare(name string, got []float64, f func() float64, x *tensor.Tensor[float64], smooth bool) Array {
	differences := make([]nn.Difference, len(got))
	for i, d := range nn.CentralDifferences(f, x, nn.DifferenceStep) {
		differences[i] = d
	}
	return judge(name, got, differences, f, x, smooth)
}

// judge is [compare] where the differences are there already.
func judge(name string, got []float64, differences []nn.Difference, f func() float64, x *tensor.Tensor[float64], smooth bool) Array {
	a := Array{Name: name, Elements: len(got), Smooth: smooth}
	var scale float64
	for i, d := range differences {
		for _, v := range [2]float64{got[i], d.Central()} {
			if v == v { // a NaN is an error of its own element
				scale = max(scale, math.Abs(v))
			}
		}
	}
	f0 := f()
	for i, d := range differences {
		g, n := got[i], d.Central()
		if g != 0 {
			a.NonZero++
		} else if !smooth && (d.Plus == f0 || d.Minus == f0) {
			a.OwnZeros++
		}
		err := relative(g, n, scale)
		if err > Bound/10 {
			if left, right, kink := lookCloser(f, &x.Data[i], f0, d, math.Abs(g-n)); kink {
				a.Kinks++
				slack := Bound * max(math.Abs(g), scale/100)
				if !(min(left, right)-slack <= g && g <= max(left, right)+slack) {
					a.outside = append(a.outside, Element{x.Index(i), g, n})
				}
				continue
			}
		}
		if a.Worst.Index == nil || !(err <= a.MaxError) {
			a.MaxError, a.Worst = err, Element{x.Index(i), g, n}
		}
		if math.IsNaN(err) {
			break
		}
	}
	return a
}

// relative is the relative error of g against n, as the package defines it.
func relative(g, n, scale float64) float64 {
	if g == n {
		return 0
	}
	return math.Abs(g-n) / max(math.Abs(g), math.Abs(n), scale/100)
}

// lookCloser looks at the element v of the argument of f, whose central
// difference d is off by so much: is it a kink of f that explains it? It returns
// the one-sided derivatives.
//
// Where f is smooth, its one-sided differences to the right and to the left,
// R and L, and the central ones, n, for the steps h, h/2 and h/4, obey two
// equations, whatever the first three derivatives of f are:
//
//	R(h/2) - L(h/2) = R(h) - R(h/2) + L(h/2) - L(h)
//	n(h) - n(h/2)   = 4·(n(h/2) - n(h/4))
//
// A kink at a distance below h spoils one or the other, by more than half of
// what it adds to n(h). So does the rounding of f, by up to some 16 ulp of f/h;
// that is no kink, and no excuse for a gradient too small to be compared.
func lookCloser(f func() float64, v *float64, f0 float64, d nn.Difference, off float64) (left, right float64, kink bool) {
	rightOf := func(d nn.Difference) float64 { return (d.Plus - f0) / d.H }
	leftOf := func(d nn.Difference) float64 { return (f0 - d.Minus) / d.H }
	half := nn.CentralDifference(f, v, nn.DifferenceStep/2)
	quarter := nn.CentralDifference(f, v, nn.DifferenceStep/4)
	r, l, r2, l2 := rightOf(d), leftOf(d), rightOf(half), leftOf(half)
	n, n2, n4 := d.Central(), half.Central(), quarter.Central()
	spoilt := max(math.Abs((r2-l2)-(r-r2+l2-l)), math.Abs((n-n2)-4*(n2-n4)))
	const ulp = 0x1p-52
	noise := 16 * ulp * math.Abs(f0) / nn.DifferenceStep
	return leftOf(quarter), rightOf(quarter), spoilt >= off/2 && spoilt > noise
}
