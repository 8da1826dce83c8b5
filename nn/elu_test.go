package nn

import (
	"math"
	"testing"
)

// Worked by hand: 2·(e^-ln2 - 1) = -1, and its derivative is 2·e^-ln2 = 1.
func TestELUWorked(t *testing.T) {
	l, p := ELUOf[float64](2), training[float64]()
	y := l.Forward(p, of([]float64{3, -math.Ln2, 0}, 3))
	dx := l.Backward(p, of([]float64{5, 7, 9}, 3))
	for i, c := range []struct{ y, dx float64 }{{3, 5}, {-1, 7}, {0, 18}} {
		near(t, "y", y.Data[i], c.y, 3e-16)
		near(t, "dx", dx.Data[i], c.dx, 2e-15)
	}
}

func TestELUExtremes(t *testing.T) {
	l, p := NewELU[float64](), training[float64]()
	x := of([]float64{1e4, -1e4, math.Inf(1), math.Inf(-1), math.NaN()}, 5)
	sameBits(t, "y", l.Forward(p, x), of([]float64{1e4, -1, math.Inf(1), -1, math.NaN()}, 5))
	sameBits(t, "dx", l.Backward(p, of([]float64{2, 2, 2, 2, 2}, 5)), of([]float64{2, 0, 2, 0, 2}, 5))
}

func TestELUAlpha(t *testing.T) {
	if got := NewELU[float32]().Alpha(); got != 1 {
		t.Errorf("the usual alpha is %v, want 1", got)
	}
	mustPanic(t, "nn: ELU: alpha: want a number from 0 to ", func() { ELUOf[float32](-1) })
	mustPanic(t, "nn: ELU: alpha: want a number from 0 to ", func() { ELUOf[float32](math.Inf(1)) })
}
