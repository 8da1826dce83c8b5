package gradcheck

import "math"

// A Witness is a way to a gradient other than the layer's backward pass. Each
// fails differently: what one would miss, another sees.
type Witness int

const (
	// Graph is the chain rule through elementary nodes, each with a rule of its
	// own: the same derivative by another road.
	Graph Witness = iota
	// ComplexStep is the graph's forward pass with one element moved by
	// 1e-30·i. It uses no rule of differentiation, and no difference.
	ComplexStep
	// CentralDifference is the layer's own forward pass with one element moved
	// by 1e-4 both ways. It knows nothing of the graph.
	CentralDifference
)

func (w Witness) String() string {
	return [...]string{"graph", "complex step", "central difference"}[w]
}

// Bounds on the relative error of a right gradient.
const (
	// Bound is that of [CentralDifference], which leaves the truncation of
	// h = 1e-4 in float64.
	Bound = 1e-6
	// ExactBound is that of [Graph] and [ComplexStep], which leave rounding.
	ExactBound = 1e-12
)

// Bound is the relative error up to which the witness confirms a gradient.
func (w Witness) Bound() float64 {
	if w == CentralDifference {
		return Bound
	}
	return ExactBound
}

// A testimony is what a witness says of an array.
type testimony struct {
	by     Witness
	values []float64
	at     []int // the elements that the values are of; nil for all
	// Of central differences only: the one-sided derivatives at the elements
	// that lie at a kink, and the elements at which the function is flat to one
	// side at least.
	kinks map[int][2]float64
	flat  map[int]bool
}

// element is the place in the array of value k.
func (t testimony) element(k int) int {
	if t.at == nil {
		return k
	}
	return t.at[k]
}

// judge holds the gradients got of a batch against what each witness says of
// them. smooth says that no zeros of the function's own are expected; alone, if
// not nil, returns the gradients of one sample.
func judge(name string, got []float64, shape []int, batch int, smooth bool, alone func(n int) []float64, testimonies ...testimony) Array {
	a := Array{Name: name, Shape: shape, Batch: batch, Elements: len(got), Smooth: smooth}
	for _, g := range got {
		if g != 0 {
			a.NonZero++
		}
	}
	for _, t := range testimonies {
		c := Comparison{Witness: t.by, Elements: len(t.values)}
		scale := largest(got, t.values)
		for k, want := range t.values {
			i := t.element(k)
			g := got[i]
			if g == 0 && !smooth && t.flat[i] {
				a.OwnZeros++
			}
			if sides, kink := t.kinks[i]; kink {
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
		a.Against = append(a.Against, c)
		if a.Cause == "" && c.wrong() && t.at == nil {
			a.Cause = cause(got, t.values, shape, batch, alone)
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

// RelativeError returns the largest relative error of the elements of got against
// those of want, as the package defines it: NaN if one is NaN.
func RelativeError(got, want []float64) (worst float64) {
	scale := largest(got, want)
	for i, g := range got {
		err := relative(g, want[i], scale)
		if math.IsNaN(err) {
			return err
		}
		worst = max(worst, err)
	}
	return worst
}

// largest is the largest magnitude in the arrays. A NaN is an error of its own
// element and none of the scale.
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
