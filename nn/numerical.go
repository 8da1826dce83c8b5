package nn

import "github.com/chainrule-go/chainrule/tensor"

// DifferenceStep is the h of central differences, as in the book. In float64 both the error of
// truncation (h² f‴/6) and the error of cancellation (1e-16·f/h) are small.
const DifferenceStep = 1e-4

// A Difference holds two values of a function f near v, one element of its argument.
type Difference struct {
	Minus, Plus float64 // f at v - h and at v + h
	H           float64 // half the distance between the two, as rounded
}

// Central returns (f(v+h) - f(v-h)) / 2h, which approximates ∂f/∂v.
func (d Difference) Central() float64 { return (d.Plus - d.Minus) / (2 * d.H) }

// CentralDifference moves v by -h and by +h and returns both values of f, which must depend on
// v. Afterwards v is as before. It is the only numerical differentiation in this module;
// [TwoLayerNet] and package gradcheck both use it.
//
// Use float64: in float32, cancellation leaves one or two digits.
func CentralDifference[T tensor.Float](f func() float64, v *T, h float64) Difference {
	old := *v
	defer func() { *v = old }()
	hi, lo := old+T(h), old-T(h)
	*v = hi
	plus := f()
	*v = lo
	minus := f()
	return Difference{minus, plus, float64(hi-lo) / 2}
}
