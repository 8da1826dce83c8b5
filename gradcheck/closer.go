package gradcheck

import (
	"math"
	"slices"
)

// A function is a number that depends on an element of an argument. Central differences of
// it are computed.
type function struct {
	value func() float64
	terms func() []float64 // the terms whose sum is value, one for each output; nil if unknown
	graph func() float64   // the same by the formula; nil if there is none

	size float64 // the sum of the magnitudes of the terms, which decides the rounding of value
}

// A look is the behavior of f around one element of its argument, found by differences with many
// steps.
type look struct {
	derivative, error float64 // and its possible error; NaN if unknown
	kink              bool    // exactly at the element
	left, right       float64 // the one-sided derivatives at a kink, or estimates of them
	sidesError        float64
}

// around returns f minus its value at v, computed from the terms that depend on v alone. So its
// differences do not contain the rounding of the other terms and of their sum.
func (f *function) around(v *float64) *function {
	if f.terms == nil {
		return f
	}
	old := *v
	defer func() { *v = old }()
	base := slices.Clone(f.terms())
	*v = old + 1e-2*max(1, math.Abs(old))
	size := largest(base) // a term that v changes by less than its rounding looks constant
	for i, term := range f.terms() {
		if term != base[i] {
			size += max(math.Abs(base[i]), math.Abs(term))
		}
	}
	if !finite(size) {
		return f
	}
	return &function{size: size, value: func() (sum float64) {
		for i, term := range f.terms() {
			sum += term - base[i]
		}
		return sum
	}}
}

// rung is a central difference with one step.
type rung struct {
	h, center, right, left, noise float64
}

// lookAt looks at f around the element v of its argument.
//
// It takes central differences of steps h, each a quarter of the one before, from 1e-2
// down to a millionth of the element. Where f is smooth, the errors of two steps are as
// 16 to 1, so that
//
//	R = n(h/4) + (n(h/4) - n(h))/15
//
// is better than both (Richardson), and the steps are right where R changes least from
// one to the next: truncation is worse in front, and rounding behind. That change, and
// the rounding of f, is the error of the derivative (C. Ridders, "Accurate computation of
// F'(x)", Advances in Engineering Software 4, 1982). The same is done to either side, with
// the ratios of one-sided differences. The element is at a kink if those converge to two
// numbers.
func (f *function) lookAt(v *float64) look {
	old := *v
	defer func() { *v = old }()
	f = f.around(v)
	f0, rounding := f.value(), f.rounding(v)
	var rungs []rung
	top := 1e-2 * max(1, math.Abs(old))
	bottom := 1e-7 * max(1e-6, math.Abs(old))
	for h := top; h > bottom && len(rungs) < 24; h /= 4 {
		hi, lo := old+h, old-h
		*v = hi
		plus := f.value()
		*v = lo
		minus := f.value()
		*v = old
		r := rung{
			h:      (hi - lo) / 2,
			center: (plus - minus) / (hi - lo),
			right:  (plus - f0) / (hi - old),
			left:   (f0 - minus) / (old - lo),
		}
		r.noise = max(rounding, 4*ulp*max(math.Abs(plus), math.Abs(minus))) / r.h
		if finite(r.right) || finite(r.left) {
			rungs = append(rungs, r)
		}
	}
	l := look{}
	l.derivative, l.error = converge(rungs, func(r rung) float64 { return r.center }, 16)
	right, rightError := converge(rungs, func(r rung) float64 { return r.right }, 4)
	left, leftError := converge(rungs, func(r rung) float64 { return r.left }, 4)
	l.left, l.right, l.sidesError = left, right, leftError+rightError
	jump := math.Abs(right - left)
	l.kink = jump > 8*l.sidesError && jump > 1e-7*max(math.Abs(left), math.Abs(right))
	return l
}

const ulp = 0x1p-52

// rounding returns how far the values of f around v are off by rounding: four ulp of its
// size, or the measured noise if that is more. A function may round inside, as sin(x + 1e6)
// does, so that it is constant over steps that are too short.
//
// It is measured by the fourth differences of f at nine points close to each other, which
// leave nothing of a smooth function but 70 times the square of its noise (J. Moré and
// S. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33, 2011).
func (f *function) rounding(v *float64) float64 {
	old := *v
	defer func() { *v = old }()
	var y [9]float64
	most := f.size
	for i := range y {
		*v = old + float64(i-4)*1e-6*max(1e-3, math.Abs(old))
		y[i] = f.value()
		if !finite(y[i]) {
			return 4 * ulp * most
		}
		most = max(most, math.Abs(y[i]))
	}
	n := len(y)
	for range 4 {
		n--
		for i := range n {
			y[i] = y[i+1] - y[i]
		}
	}
	var sum float64
	for _, d := range y[:n] {
		sum += float64(d * d)
	}
	return 4 * max(ulp*most, math.Sqrt(sum/float64(70*n)))
}

// converge extrapolates the numbers of rungs. The error of each is ratio times the error of
// the next. It returns the best number, and its possible error.
func converge(rungs []rung, number func(rung) float64, ratio float64) (best, within float64) {
	var better []float64
	for i := range len(rungs) - 1 {
		wide, narrow := number(rungs[i]), number(rungs[i+1])
		better = append(better, narrow+(narrow-wide)/(ratio-1))
	}
	best, within = math.NaN(), math.NaN()
	for i := 1; i+1 < len(better); i++ {
		change := max(math.Abs(better[i]-better[i-1]), math.Abs(better[i+1]-better[i]))
		if off := change + rungs[i+1].noise; finite(off) && !(off >= within) {
			best, within = better[i], off
		}
	}
	return best, within
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// A verdict is the result of a closer look at a gradient.
type verdict int

const (
	wrong verdict = iota
	right
	atKink // and between the one-sided derivatives, or as the formula has it
	unknown
)

// judge decides whether the gradient g of f at the element v is wrong, right, or neither,
// after g differs from the central difference there. scale is the largest gradient; formula
// is the gradient of the graph, NaN if there is none.
func (f *function) judge(g float64, v *float64, scale, formula float64) (verdict, look) {
	l := f.lookAt(v)
	size := func(want float64) float64 { return max(math.Abs(g), math.Abs(want), scale/100) }
	between := func(left, right float64) bool {
		slack := Bound*size(max(math.Abs(left), math.Abs(right))) + 4*l.sidesError
		return min(left, right)-slack <= g && g <= max(left, right)+slack
	}
	if math.IsNaN(g) {
		return wrong, l
	}
	if l.kink && between(l.left, l.right) {
		return atKink, l
	}
	if !l.kink && finite(l.error) {
		off, most := math.Abs(g-l.derivative), Bound*size(l.derivative)
		if off <= most+4*l.error {
			if 4*l.error > 1e-3*size(l.derivative) {
				return unknown, l
			}
			return right, l
		}
		if off <= 40*l.error {
			return unknown, l
		}
	}
	// Several kinks, each of another output, meet in one element.
	if left, right, kinks := f.sides(v); kinks && between(left, right) {
		l.kink, l.left, l.right = true, left, right
		return atKink, l
	}
	// Several kinks meet in one output. Then the chain rule may give a number that is not a
	// gradient of the function, and the formula gives the same one.
	if math.Abs(g-formula) <= 1e-9*size(formula) && f.follows(v) {
		l.kink = true
		return atKink, l
	}
	if !l.kink && !finite(l.error) {
		return unknown, l
	}
	return wrong, l
}

// sides returns the least and the greatest sum of one-sided derivatives at v, if each term
// of f may take either one, and reports whether the two differ for any term.
func (f *function) sides(v *float64) (least, greatest float64, kinks bool) {
	if f.terms == nil {
		return 0, 0, false
	}
	old := *v
	defer func() { *v = old }()
	at := func(x float64) []float64 {
		*v = x
		return slices.Clone(f.terms())
	}
	const h = 1e-6
	hi, lo := old+h*max(1, math.Abs(old)), old-h*max(1, math.Abs(old))
	zero, plus, minus := at(old), at(hi), at(lo)
	for i, z := range zero {
		right, left := (plus[i]-z)/(hi-old), (z-minus[i])/(old-lo)
		least += min(left, right)
		greatest += max(left, right)
		kinks = kinks || math.Abs(right-left) > 1e-3*max(math.Abs(right), math.Abs(left))
	}
	return least, greatest, kinks
}

// follows reports whether f agrees with its formula at v and around it.
func (f *function) follows(v *float64) bool {
	if f.graph == nil {
		return false
	}
	old := *v
	defer func() { *v = old }()
	for _, x := range []float64{old, old + 1e-4, old - 1e-4} {
		*v = x
		y, want := f.value(), f.graph()
		if !(math.Abs(y-want) <= 1e-13*max(f.size, math.Abs(y), math.Abs(want))) {
			return false
		}
	}
	return true
}
