package nn

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// The book, section 3.5.2: softmax of (0.3, 2.9, 4.0); the later digits, and
// the gradient, are from Python's decimal module, prec = 50.
func TestSoftmaxOfTheBook(t *testing.T) {
	l, p := NewSoftmax[float64](), training[float64]()
	y := l.Forward(p, of([]float64{0.3, 2.9, 4.0}, 3))
	for i, want := range []float64{0.01821127329554753298, 0.24519181293507390027, 0.73659691376937856675} {
		near(t, "y", y.Data[i], want, 3e-16)
	}
	for i, want := range []float64{0.01821127, 0.24519181, 0.73659691} { // as printed
		if math.Abs(y.Data[i]-want) > 0.5e-8 {
			t.Errorf("y[%d] = %.8f, want %.8f", i, y.Data[i], want)
		}
	}
	dx := l.Backward(p, of([]float64{1, -2, 3}, 3))
	for i, want := range []float64{-0.01343297006504783309, -0.91643342879304534238, 0.92986639885809317547} {
		near(t, "dx", dx.Data[i], want, 1e-15)
	}
}

func TestSoftmaxRowsAreDistributions(t *testing.T) {
	t.Run("float32", testSoftmaxRows[float32])
	t.Run("float64", testSoftmaxRows[float64])
}

func testSoftmaxRows[T tensor.Float](t *testing.T) {
	eps := 1e-15
	if any(T(0)) == any(float32(0)) {
		eps = 5e-7
	}
	for _, scale := range []T{1, 100, 1e4} {
		x := random[T](newRand(11), 20, 10)
		for i := range x.Data {
			x.Data[i] *= scale
		}
		l, p := NewSoftmax[T](), training[T]()
		y := l.Forward(p, x)
		dx := l.Backward(p, random[T](newRand(12), 20, 10))
		for lo, hi := range rows(y) {
			var sum, dsum float64
			for i := lo; i < hi; i++ {
				if !(y.Data[i] >= 0 && y.Data[i] <= 1) {
					t.Fatalf("logits of %v: y = %v is no probability", scale, y.Data[i])
				}
				sum += float64(y.Data[i])
				dsum += float64(dx.Data[i])
			}
			near(t, "the sum of a row of y", sum, 1, eps)
			// Moving all logits alike moves nothing: the gradients of a row cancel.
			near(t, "the sum of a row of dx", dsum, 0, 2*eps)
		}
	}
}

func TestSoftmaxExtremes(t *testing.T) {
	t.Run("float32", testSoftmaxExtremes[float32])
	t.Run("float64", testSoftmaxExtremes[float64])
}

func testSoftmaxExtremes[T tensor.Float](t *testing.T) {
	nan := T(math.NaN())
	l, p := NewSoftmax[T](), training[T]()
	y := l.Forward(p, tensor.Of([]T{
		1e4, -1e4, 0,
		-1e4, -1e4, -1e4 - 1000,
		1e4, 1e4, -1e4,
		nan, 0, 0,
	}, 4, 3))
	sameBits(t, "y", y, tensor.Of([]T{
		1, 0, 0,
		0.5, 0.5, 0,
		0.5, 0.5, 0,
		nan, nan, nan,
	}, 4, 3))
	dx := l.Backward(p, tensor.Of([]T{
		1, 2, 3,
		1, 3, 7,
		0, 1, 9,
		1, 1, 1,
	}, 4, 3))
	sameBits(t, "dx", dx, tensor.Of([]T{
		0, 0, 0,
		-0.5, 0.5, 0,
		-0.25, 0.25, 0,
		nan, nan, nan,
	}, 4, 3))
}

func TestSoftmaxPanics(t *testing.T) {
	l, p := NewSoftmax[float64](), training[float64]()
	mustShapeError(t, "Softmax.Forward: want (N, K) or (K), got (1, 2, 3)", func() {
		l.Forward(p, tensor.New[float64](1, 2, 3))
	})
	mustShapeError(t, "Softmax.Forward: want (N, K) or (K), got ()", func() {
		l.Forward(p, tensor.New[float64]())
	})
	l.Forward(p, tensor.New[float64](2, 3))
	mustShapeError(t, "Softmax.Backward: want (2, 3), the shape of y, got (3)", func() {
		l.Backward(p, tensor.New[float64](3))
	})
}

func TestSoftmaxEmpty(t *testing.T) {
	for _, shape := range [][]int{{0, 10}, {3, 0}, {0}} {
		l, p := NewSoftmax[float64](), training[float64]()
		x := tensor.New[float64](shape...)
		sameBits(t, "y", l.Forward(p, x), x)
		sameBits(t, "dx", l.Backward(p, x), x)
	}
}
