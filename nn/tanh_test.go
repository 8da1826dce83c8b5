package nn

import (
	"math"
	"testing"
)

// Worked by hand: tanh(ln 2) = (2 - 1/2)/(2 + 1/2) = 0.6, and 1 - 0.36 = 0.64.
func TestTanhWorked(t *testing.T) {
	l, p := NewTanh[float64](), training[float64]()
	y := l.Forward(p, of([]float64{math.Ln2, -math.Ln2, 0}, 3))
	dx := l.Backward(p, of([]float64{1, 2, -3}, 3))
	for i, c := range []struct{ y, dx float64 }{{0.6, 0.64}, {-0.6, 1.28}, {0, -3}} {
		near(t, "y", y.Data[i], c.y, 3e-16)
		near(t, "dx", dx.Data[i], c.dx, 5e-16)
	}
}

func TestTanhExtremes(t *testing.T) {
	l, p := NewTanh[float64](), training[float64]()
	x := of([]float64{1e4, -1e4, math.Inf(1), math.Inf(-1), math.Copysign(0, -1)}, 5)
	sameBits(t, "y", l.Forward(p, x), of([]float64{1, -1, 1, -1, math.Copysign(0, -1)}, 5))
	sameBits(t, "dx", l.Backward(p, of([]float64{1, 1, 1, 1, 1}, 5)), of([]float64{0, 0, 0, 0, 1}, 5))
	if y := l.Forward(nil, of([]float64{math.NaN()}, 1)); !math.IsNaN(y.Data[0]) {
		t.Errorf("tanh(NaN) = %v", y.Data[0])
	}
}

func TestTanhPanics(t *testing.T) {
	l, p := NewTanh[float32](), training[float32]()
	l.Forward(p, random[float32](newRand(1), 2, 3))
	mustShapeError(t, "Tanh.Backward: want (2, 3), the shape of y, got (3, 2)", func() { l.Backward(p, random[float32](newRand(2), 3, 2)) })
}
