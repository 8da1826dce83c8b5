package nn

import (
	"math"
	"testing"
)

// Worked by hand; at 0, where there is no derivative, it is the slope by definition.
func TestLeakyReLUWorked(t *testing.T) {
	l, p := LeakyReLUOf[float64](0.25), training[float64]()
	x := of([]float64{2, -2, 0, math.NaN()}, 2, 2)
	sameBits(t, "y", l.Forward(p, x), of([]float64{2, -0.5, 0, math.NaN()}, 2, 2))
	sameBits(t, "dx", l.Backward(p, of([]float64{3, 4, 8, 5}, 2, 2)), of([]float64{3, 1, 2, 5}, 2, 2))
}

func TestLeakyReLUSlope(t *testing.T) {
	if got := NewLeakyReLU[float32]().Slope(); got != 0.01 {
		t.Errorf("the usual slope is %v, want 0.01", got)
	}
	mustPanic(t, "nn: LeakyReLU: slope: want a number from 0 to 1, got -1", func() { LeakyReLUOf[float32](-1) })
	mustPanic(t, "nn: LeakyReLU: slope: want a number from 0 to 1, got NaN", func() { LeakyReLUOf[float32](math.NaN()) })
	l, p := NewLeakyReLU[float64](), training[float64]()
	l.Forward(p, of([]float64{1, 2}, 2))
	mustShapeError(t, "LeakyReLU(0.01).Backward: want (2), the shape of y, got (1)", func() { l.Backward(p, of([]float64{1}, 1)) })
}
