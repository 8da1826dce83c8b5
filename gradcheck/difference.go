package gradcheck

import (
	"math"

	"github.com/chainrule-go/chainrule/nn"
)

// centrally is the testimony of central differences of f: those of the elements
// at of the array v, or of all. reference is what its kinks are found by: a
// gradient that is right wherever f is smooth.
//
// An element whose difference is off from it is looked at closely: is there a
// kink of f that explains it?
func centrally(f func() float64, v []float64, at []int, differences []nn.Difference, reference []float64) testimony {
	t := testimony{by: CentralDifference, values: make([]float64, len(differences)), at: at, kinks: map[int][2]float64{}, flat: map[int]bool{}}
	f0 := f()
	for k, d := range differences {
		t.values[k] = d.Central()
		if d.Plus == f0 || d.Minus == f0 {
			t.flat[t.element(k)] = true
		}
	}
	scale := largest(reference, t.values)
	for k, d := range differences {
		i := t.element(k)
		if r := reference[i]; relative(r, d.Central(), scale) > Bound/10 {
			if left, right, kink := lookCloser(f, &v[i], f0, d, math.Abs(r-d.Central())); kink {
				t.kinks[i] = [2]float64{left, right}
			}
		}
	}
	return t
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
