package nn

import (
	"math"
	"testing"
)

// A point of an activation: its value and its derivative.
type point struct{ x, y, d float64 }

// mustPass compares a layer in float64 with points, relatively.
func mustPass(t *testing.T, l Layer[float64], points []point) {
	t.Helper()
	for _, c := range points {
		p := training[float64]()
		y := l.Forward(p, of([]float64{c.x}, 1))
		dx := l.Backward(p, of([]float64{-2}, 1))
		near(t, nameOf(l), y.Data[0]/c.y, 1, 5e-15)
		near(t, "the derivative of "+nameOf(l), dx.Data[0]/c.d, -2, 2e-14)
	}
}

// Python's mpmath, mp.dps = 40: x*erfc(-x/sqrt(2))/2, and diff of it.
func TestGELU(t *testing.T) {
	mustPass(t, NewGELU[float64](), []point{
		{1, 0.84134474606854294859, 1.0833154705876862984},
		{-2, -0.045500263896358414401, -0.085231801078196896701},
		{-10, -7.619853024160526066e-23, -7.6184000964648140857e-22}, // 1 + erf is 0 there
	})
}

// The same of x/2*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3))).
func TestGELUTanh(t *testing.T) {
	mustPass(t, NewGELUTanh[float64](), []point{
		{1, 0.84119199060827670478, 1.0829640838457825551},
		{-2, -0.045402305912224981219, -0.086099256623618381565},
		{-10, -1.2040923482098059937e-37, -2.7576380638540316073e-36}, // mp.dps = 120
	})
}

// GELU and SiLU go to x and to 0, and their derivatives to 1 and to 0.
func TestGELUExtremes(t *testing.T) {
	inf := math.Inf(1)
	for _, l := range []Layer[float64]{NewGELU[float64](), NewGELUTanh[float64](), NewSiLU[float64]()} {
		t.Run(nameOf(l), func(t *testing.T) {
			p := training[float64]()
			x := of([]float64{1e4, -1e4, inf, -inf, math.NaN(), 0}, 6)
			sameBits(t, "y", l.Forward(p, x), of([]float64{1e4, 0, inf, 0, math.NaN(), 0}, 6))
			sameBits(t, "dx", l.Backward(p, of([]float64{3, 3, 3, 3, 3, 3}, 6)), of([]float64{3, 0, 3, 0, math.NaN(), 1.5}, 6))
		})
	}
}
