package gradcheck

import (
	"math"

	"github.com/chainrule-go/chainrule/nn"
)

// centrally returns the answer of the central differences of f for every stride-th element of
// the array v. right is a gradient that is correct wherever f is smooth. An element whose
// difference deviates from it may be at a kink, and gets a closer look.
func centrally(fn *function, v []float64, stride int, differences []nn.Difference, right []float64) Answer {
	a := Answer{Reference: CentralDifference, Values: make([]float64, len(differences)), stride: stride, kinks: map[int][2]float64{}, flat: map[int]bool{}, of: fn, at: v}
	f := fn.value
	f0 := f()
	for k, d := range differences {
		a.Values[k] = d.Central()
		if d.Plus == f0 || d.Minus == f0 {
			a.flat[a.element(k)] = true
		}
	}
	scale := largest(right, a.Values)
	for k, d := range differences {
		i := a.element(k)
		if r := right[i]; relative(r, d.Central(), scale) > Bound/10 {
			if left, right, kink := lookCloser(fn, &v[i], f0, d, math.Abs(r-d.Central())); kink {
				a.kinks[i] = [2]float64{left, right}
			}
		}
	}
	return a
}

// lookCloser reports whether a kink of f explains that the central difference d at the
// element v of its argument is off by so much, and returns the one-sided derivatives.
//
// Where f is smooth, its one-sided differences to the right and to the left, R and L,
// and the central ones, n, for the steps h, h/2 and h/4, obey two equations, whatever
// the first three derivatives of f are:
//
//	R(h/2) - L(h/2) = R(h) - R(h/2) + L(h/2) - L(h)
//	n(h) - n(h/2)   = 4·(n(h/2) - n(h/4))
//
// A kink at a distance below h breaks one or the other, by more than half of what it
// adds to n(h). So does the rounding of f, by up to some 16 ulp of f/h. That is not a
// kink, and does not excuse a gradient that is too small to be compared.
func lookCloser(fn *function, v *float64, f0 float64, d nn.Difference, off float64) (left, right float64, kink bool) {
	rightOf := func(d nn.Difference) float64 { return (d.Plus - f0) / d.H }
	leftOf := func(d nn.Difference) float64 { return (f0 - d.Minus) / d.H }
	f := fn.value
	half := nn.CentralDifference(f, v, nn.DifferenceStep/2)
	quarter := nn.CentralDifference(f, v, nn.DifferenceStep/4)
	r, l, r2, l2 := rightOf(d), leftOf(d), rightOf(half), leftOf(half)
	n, n2, n4 := d.Central(), half.Central(), quarter.Central()
	broken := max(math.Abs((r2-l2)-(r-r2+l2-l)), math.Abs((n-n2)-4*(n2-n4)))
	kink = broken >= off/2 && broken > 16*ulp*max(fn.size, math.Abs(f0))/nn.DifferenceStep
	return leftOf(quarter), rightOf(quarter), kink && broken > 4*fn.rounding(v)/nn.DifferenceStep
}
