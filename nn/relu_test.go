package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// The book, section 5.5.1: the mask of ((1.0, -0.5), (-2.0, 3.0)).
func TestReLUOfTheBook(t *testing.T) {
	l, p := NewReLU[float64](), training[float64]()
	y := l.Forward(p, of([]float64{1, -0.5, -2, 3}, 2, 2))
	sameBits(t, "y", y, of([]float64{1, 0, 0, 3}, 2, 2))
	if mask := l.Mask(p); !slices.Equal(mask, []bool{false, true, true, false}) {
		t.Errorf("mask = %v, want [false true true false]", mask)
	}
	dx := l.Backward(p, of([]float64{10, 20, 30, 40}, 2, 2))
	sameBits(t, "dx", dx, of([]float64{10, 0, 0, 40}, 2, 2))
}

// The derivative at 0, where there is none, is 0 by definition.
func TestReLUAtZero(t *testing.T) {
	l, p := NewReLU[float64](), training[float64]()
	tiny := math.SmallestNonzeroFloat64
	x := of([]float64{0, math.Copysign(0, -1), tiny, -tiny}, 4)
	sameBits(t, "y", l.Forward(p, x), of([]float64{0, 0, tiny, 0}, 4))
	if mask := l.Mask(p); !slices.Equal(mask, []bool{true, true, false, true}) {
		t.Errorf("mask = %v, want only the positive number to pass", mask)
	}
	sameBits(t, "dx", l.Backward(p, of([]float64{1, 2, 3, 4}, 4)), of([]float64{0, 0, 3, 0}, 4))
}

func TestReLULetsNaNThrough(t *testing.T) {
	l, p := NewReLU[float64](), training[float64]()
	nan, inf := math.NaN(), math.Inf(1)
	y := l.Forward(p, of([]float64{nan, inf, -inf, 1, -1}, 5))
	sameBits(t, "y", y, of([]float64{nan, inf, 0, 1, 0}, 5))
	if mask := l.Mask(p); mask[0] {
		t.Error("the mask stops NaN")
	}
	// Where x is NaN, dy passes; a NaN in dy passes where x > 0, and is stopped
	// where the derivative is 0: the book's dout[mask] = 0.
	dx := l.Backward(p, of([]float64{7, 8, 9, nan, nan}, 5))
	sameBits(t, "dx", dx, of([]float64{7, 8, 0, nan, 0}, 5))
}

func TestReLUTakesAnyShape(t *testing.T) {
	for _, shape := range [][]int{{}, {1}, {0, 5}, {2, 3, 4}, {1, 2, 1, 2}} {
		l, p := NewReLU[float32](), training[float32]()
		x := random[float32](newRand(1), shape...)
		y := l.Forward(p, x)
		dx := l.Backward(p, x)
		for i, v := range x.Data {
			if want := max(v, 0); y.Data[i] != want || dx.Data[i] != want {
				t.Errorf("shape %v: y = %v and dx = %v for x = dy = %v", shape, y.Data[i], dx.Data[i], v)
			}
		}
		if !slices.Equal(y.Shape, shape) || !slices.Equal(dx.Shape, shape) {
			t.Errorf("shapes %v and %v, want %v", y.Shape, dx.Shape, shape)
		}
	}
}

func TestReLUPanics(t *testing.T) {
	l, p := NewReLU[float64](), training[float64]()
	l.Forward(p, tensor.New[float64](2, 3))
	mustShapeError(t, "ReLU.Backward: want (2, 3), the shape of y, got (3, 2)", func() {
		l.Backward(p, tensor.New[float64](3, 2))
	})
	p.Reset()
	mustPanic(t, "nn: ReLU.Backward after Pass.Reset", func() { l.Mask(p) })
}
