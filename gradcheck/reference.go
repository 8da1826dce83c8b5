package gradcheck

import (
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Reference is a way to a gradient other than the layer's backward pass. Each fails
// differently: what one misses, another finds.
type Reference int

const (
	// Graph is the chain rule through elementary operations, each with its own rule.
	Graph Reference = iota
	// ComplexStep is the graph's forward pass with one element moved by 1e-30·i. It
	// uses no rule of differentiation, and takes no difference.
	ComplexStep
	// CentralDifference is the layer's own forward pass with one element moved by
	// 1e-4 both ways. It knows nothing of the graph.
	CentralDifference
)

// References returns all of them.
func References() []Reference { return []Reference{Graph, ComplexStep, CentralDifference} }

func (r Reference) String() string {
	return [...]string{"graph", "complex step", "central difference"}[r]
}

// Bounds on the relative error of a correct gradient.
const (
	// Bound is the bound for [CentralDifference]. It allows for the truncation of h = 1e-4
	// in float64.
	Bound = 1e-6
	// ExactBound is the bound for [Graph] and [ComplexStep]. It allows for rounding.
	ExactBound = 1e-12
)

// Bound is the largest relative error at which a gradient counts as correct.
func (r Reference) Bound() float64 {
	if r == CentralDifference {
		return Bound
	}
	return ExactBound
}

// An Answer is what a reference says of an array of gradients.
type Answer struct {
	Reference Reference
	Values    []float64

	stride int // Values are of every stride-th element; 0 means 1
	// Of central differences only: the one-sided derivatives at the elements that lie at
	// a kink, and the elements at which the function is constant to one side at least.
	kinks map[int][2]float64
	flat  map[int]bool
	of    *function // that the differences are of; nil if an element cannot be looked at again
	at    []float64 // its argument
}

// element is the place in the array of value k.
func (a Answer) element(k int) int { return k * max(1, a.stride) }

// Compare compares the gradients got, of the given shape, with what references say.
func Compare(name string, got []float64, shape []int, answers ...Answer) Array {
	return compare(Array{Name: name, Shape: shape, Smooth: true}, got, nil, answers)
}

// compare completes the array a of the gradients got of a batch. alone, if not nil,
// returns the gradients of one sample.
func compare(a Array, got []float64, alone func(n int) []float64, answers []Answer) Array {
	a.Elements, a.Nonzero = len(got), nonzero(got)
	j := newJudge(got, answers)
	j.loose = a.loose
	for _, answer := range answers {
		c := Comparison{Reference: answer.Reference, Elements: len(answer.Values)}
		scale := largest(got, answer.Values)
		var off []int // the values that differ
		errors := make([]float64, len(answer.Values))
		for k, want := range answer.Values {
			i := answer.element(k)
			g := got[i]
			if g == 0 && !a.Smooth && answer.flat[i] {
				a.FlatZeros++
			}
			if sides, kink := answer.kinks[i]; kink {
				c.Kinks++
				slack := Bound * max(math.Abs(g), scale/100)
				if !(min(sides[0], sides[1])-slack <= g && g <= max(sides[0], sides[1])+slack) {
					switch j.at(i, scale) {
					case wrong:
						c.outside = append(c.outside, Element{tensor.Index(i, a.Shape...), g, want})
					case unknown:
						c.Unjudged++
					}
				}
				continue
			}
			if answer.Reference != CentralDifference && !finite(want) && finite(g) {
				c.Unjudged++ // the formula overflows on its way
				continue
			}
			errors[k] = relative(g, want, scale)
			if !(errors[k] <= j.bound(answer.Reference, i, scale)) {
				off = append(off, k)
			}
		}
		// The worst first: if a closer look confirms that it is wrong, the others need none.
		// Only a kink excuses what an exact reference contradicts.
		slices.SortStableFunc(off, func(a, b int) int { return order(errors[b], errors[a]) })
		wrongs := make([]bool, len(errors))
		for n, k := range off {
			v := j.at(answer.element(k), scale)
			if v == wrong || answer.Reference != CentralDifference && v != atKink {
				for _, k := range off[n:] {
					wrongs[k] = true
				}
				c.bad = true
				break
			}
			errors[k] = 0
			switch {
			case v == unknown:
				c.Unjudged++
			case v == atKink && answer.Reference == CentralDifference:
				c.Kinks++
			}
		}
		for k, want := range answer.Values {
			i := answer.element(k)
			if _, kink := answer.kinks[i]; kink || c.bad && !wrongs[k] {
				continue
			}
			if c.Worst.Index == nil || !(errors[k] <= c.MaxError) {
				c.MaxError, c.Worst = errors[k], Element{tensor.Index(i, a.Shape...), got[i], want}
			}
			if math.IsNaN(errors[k]) {
				break
			}
		}
		if c.wrong() && answer.Reference == CentralDifference {
			if i := answer.offset(c.Worst, a.Shape); i >= 0 {
				if l, looked := j.looks[i]; looked && finite(l.derivative) && !l.kink {
					c.Worst.Want = l.derivative
				}
			}
		}
		a.Comparisons = append(a.Comparisons, c)
		if a.Cause == "" && c.wrong() && answer.stride <= 1 {
			a.Cause = cause(got, answer.Values, a.Shape, a.Batch, alone)
		}
	}
	return a
}

// order sorts numbers, a NaN after all others.
func order(a, b float64) int {
	switch {
	case a == b || a != a && b != b:
		return 0
	case a < b || b != b:
		return -1
	}
	return 1
}

// offset is the place in the array of an element, or -1.
func (a Answer) offset(e Element, shape []int) int {
	if e.Index == nil {
		return -1
	}
	i := 0
	for axis, d := range shape {
		i = i*d + e.Index[axis]
	}
	return i
}

// looseBound is the relative error of a correct gradient against exact references at inputs
// other than the first, where sums may cancel.
const looseBound = 1e-8

// A judge looks more closely at elements that differ from a reference.
type judge struct {
	got      []float64
	central  Answer    // whose of is nil if there is none
	formula  []float64 // gradients by the graph; nil if there is none
	rounding []float64 // how far the graph and the complex step differ
	verdicts map[int]verdict
	looks    map[int]look
	loose    bool
}

// mostLooks limits the elements of an array that are looked at more closely.
const mostLooks = 1000

func newJudge(got []float64, answers []Answer) *judge {
	j := &judge{got: got, verdicts: map[int]verdict{}, looks: map[int]look{}}
	for _, a := range answers {
		switch {
		case a.Reference == CentralDifference:
			j.central = a
		case a.Reference == Graph:
			j.formula = a.Values
		case len(a.Values) == len(j.formula):
			j.rounding = make([]float64, len(a.Values))
			for i, v := range a.Values {
				j.rounding[i] = math.Abs(v - j.formula[i])
			}
		}
	}
	return j
}

// bound returns the largest relative error of a correct element i. It is larger than the bound
// of the reference where the two exact references differ, because the formula rounds there.
func (j *judge) bound(r Reference, i int, scale float64) float64 {
	if j.loose && r != CentralDifference {
		if f := j.central.of; f != nil && finite(f.size) && scale > 0 {
			// What is left of terms that cancel, or of a saturated unit, is their rounding.
			return looseBound + 16*ulp*f.size/max(math.Abs(j.got[i]), math.Abs(j.formula[i]), scale/100)
		}
		return looseBound
	}
	if r == CentralDifference || j.rounding == nil || scale == 0 || !finite(j.rounding[i]) {
		return r.Bound()
	}
	return r.Bound() + min(1e-8, 64*j.rounding[i]/max(math.Abs(j.got[i]), math.Abs(j.formula[i]), scale/100))
}

// at is the verdict on element i.
func (j *judge) at(i int, scale float64) verdict {
	if j.central.of == nil {
		return wrong
	}
	if v, known := j.verdicts[i]; known {
		return v
	}
	if len(j.verdicts) >= mostLooks {
		return unknown
	}
	formula := math.NaN()
	if j.formula != nil {
		formula = j.formula[i]
	}
	j.verdicts[i], j.looks[i] = j.central.of.judge(j.got[i], &j.central.at[i], scale, formula)
	return j.verdicts[i]
}

// nonzero returns how many elements are not 0.
func nonzero(array []float64) (n int) {
	for _, v := range array {
		if v != 0 {
			n++
		}
	}
	return n
}

// relative is the relative error of g against n, as the package defines it.
func relative(g, n, scale float64) float64 {
	if g == n {
		return 0
	}
	return math.Abs(g-n) / max(math.Abs(g), math.Abs(n), scale/100)
}

// RelativeError returns the largest relative error of the elements of got against those
// of want, as the package defines it: NaN if one is NaN.
func RelativeError(got, want []float64) (worst float64) {
	scale := largest(got, want)
	for i, g := range got {
		worst = max(worst, relative(g, want[i], scale)) // max keeps a NaN
	}
	return worst
}

// largest is the largest magnitude in the arrays. A NaN counts as an error of its own
// element and does not change the scale.
func largest(arrays ...[]float64) (scale float64) {
	for _, array := range arrays {
		for _, v := range array {
			if v == v {
				scale = max(scale, math.Abs(v))
			}
		}
	}
	return scale
}
