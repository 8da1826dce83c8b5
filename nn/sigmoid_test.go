package nn

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// Python's decimal module, prec = 50: y = 1/(1 + (-x).exp()) and y·(1 - y).
func TestSigmoidAgainstDecimal(t *testing.T) {
	l, p := NewSigmoid[float64](), training[float64]()
	x := of([]float64{-2, 0, 0.5, 3}, 4)
	y := l.Forward(p, x)
	dx := l.Backward(p, of([]float64{1, 1, 1, -10}, 4))
	for i, c := range []struct{ y, dx float64 }{
		{0.11920292202211755594, 0.10499358540350651735},
		{0.50000000000000000000, 0.25000000000000000000},
		{0.62245933120185456464, 0.23500371220159448907},
		{0.95257412682243321912, -0.45176659730912132649},
	} {
		near(t, "y", y.Data[i], c.y, 3e-16)
		near(t, "dx", dx.Data[i], c.dx, 3e-15) // 1 - y loses digits near 1
	}
}

// The book's derivation, section 5.5.2: node by node it is dy·y²·e^-x.
func TestSigmoidBackwardIsTheBooksProduct(t *testing.T) {
	l, p := NewSigmoid[float64](), training[float64]()
	x, dy := random[float64](newRand(2), 50), random[float64](newRand(3), 50)
	y := l.Forward(p, x)
	dx := l.Backward(p, dy)
	for i, v := range x.Data {
		near(t, "dx", dx.Data[i], dy.Data[i]*y.Data[i]*y.Data[i]*math.Exp(-v), 1e-14)
	}
}

func TestSigmoidExtremes(t *testing.T) {
	t.Run("float32", testSigmoidExtremes[float32])
	t.Run("float64", testSigmoidExtremes[float64])
}

func testSigmoidExtremes[T tensor.Float](t *testing.T) {
	l, p := NewSigmoid[T](), training[T]()
	inf, nan := T(math.Inf(1)), T(math.NaN())
	x := tensor.Of([]T{1e4, -1e4, inf, -inf, nan, 0}, 2, 3)
	y := l.Forward(p, x)
	sameBits(t, "y", y, tensor.Of([]T{1, 0, 1, 0, nan, 0.5}, 2, 3))
	dx := l.Backward(p, tensor.Of([]T{1, -1, 1, 1, 1, 2}, 2, 3))
	sameBits(t, "dx", dx, tensor.Of([]T{0, 0, 0, 0, nan, 0.5}, 2, 3))
}

func TestSigmoidPanics(t *testing.T) {
	l, p := NewSigmoid[float64](), training[float64]()
	l.Forward(p, tensor.New[float64](2, 3))
	mustShapeError(t, "Sigmoid.Backward: want (2, 3), the shape of y, got (6)", func() {
		l.Backward(p, tensor.New[float64](6))
	})
}
