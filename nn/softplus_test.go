package nn

import (
	"math"
	"testing"
)

// Python's mpmath, mp.dps = 40: log1p(exp(x)) and 1/(1 + exp(-x)).
func TestSoftplus(t *testing.T) {
	mustPass(t, NewSoftplus[float64](), []point{
		{1, 1.313261687518222834, 0.73105857863000487925},
		{-2, 0.12692801104297249644, 0.11920292202211755594},
		{-10, 0.000045398899216864646769, 0.000045397868702434394505},
	})
}

func TestSoftplusExtremes(t *testing.T) {
	inf := math.Inf(1)
	l, p := NewSoftplus[float64](), training[float64]()
	x := of([]float64{1e4, -1e4, inf, -inf, math.NaN()}, 5)
	sameBits(t, "y", l.Forward(p, x), of([]float64{1e4, 0, inf, 0, math.NaN()}, 5))
	sameBits(t, "dx", l.Backward(p, of([]float64{3, 3, 3, 3, 3}, 5)), of([]float64{3, 0, 3, 0, math.NaN()}, 5))
}
