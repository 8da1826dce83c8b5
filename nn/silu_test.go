package nn

import (
	"testing"
)

// Python's mpmath, mp.dps = 40: x/(1 + exp(-x)), and diff of it.
func TestSiLU(t *testing.T) {
	mustPass(t, NewSiLU[float64](), []point{
		{1, 0.73105857863000487925, 0.92767051187148673179},
		{-2, -0.23840584404423511188, -0.090784248784895478757},
		{-10, -0.00045397868702434394505, -0.00040856020865708231582},
	})
}
