package nn

import "github.com/chainrule-go/chainrule/tensor"

// DifferenceStep is the h of central differences, as in the book: in float64 the error
// of truncation (h² f‴/6) and that of cancellation (1e-16·f/h) are both small.
const DifferenceStep = 1e-4

// A Difference is f around one element v of its argument.
type Difference struct {
	Minus, Plus float64 // f at v - h and at v + h
	H           float64 // half the distance between the two, as rounded
}

// Central returns (f(v+h) - f(v-h)) / 2h, which approximates ∂f/∂v.
func (d Difference) Central() float64 { return (d.Plus - d.Minus) / (2 * d.H) }

// CentralDifference returns f with v moved by h both ways; f must depend on v,
// which is unchanged afterwards. It is the only numerical differentiation of this
// module: [TwoLayerNet] and package gradcheck both use it.
//
// In float32 the result is worthless (cancellation leaves one or two digits):
// differentiate in float64.
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
