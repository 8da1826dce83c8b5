package gradcheck

import "math"

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
	// Bound is that of [CentralDifference], which leaves the truncation of h = 1e-4 in
	// float64.
	Bound = 1e-6
	// ExactBound is that of [Graph] and [ComplexStep], which leave rounding.
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
	for _, answer := range answers {
		c := Comparison{Reference: answer.Reference, Elements: len(answer.Values)}
		scale := largest(got, answer.Values)
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
					c.outside = append(c.outside, Element{a.index(i), g, want})
				}
				continue
			}
			err := relative(g, want, scale)
			if c.Worst.Index == nil || !(err <= c.MaxError) {
				c.MaxError, c.Worst = err, Element{a.index(i), g, want}
			}
			if math.IsNaN(err) {
				break
			}
		}
		a.Comparisons = append(a.Comparisons, c)
		if a.Cause == "" && c.wrong() && answer.stride <= 1 {
			a.Cause = cause(got, answer.Values, a.Shape, a.Batch, alone)
		}
	}
	return a
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
