package optim

import "math"

// Functions that schedules use instead of package math, whose results differ between processors:
// on some it is written in assembly or uses fused operations.

// power returns bⁿ by multiplications alone, which gives the same bits on every processor.
func power(b float64, n int) float64 {
	p := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			p *= b
		}
		b *= b
	}
	return p
}

// cosPi returns cos(π·x) for x from 0 to 1, by the series of sine and cosine for angles up
// to π/4.
func cosPi(x float64) float64 {
	switch {
	case x > 0.75:
		return -cosPi(1 - x)
	case x > 0.25:
		y := math.Pi * (0.5 - x)
		return y * series(y*y, 1, 6, 120, 5040, 362880, 39916800, 6227020800, 1307674368000)
	}
	y := math.Pi * x
	return series(y*y, 1, 2, 24, 720, 40320, 3628800, 479001600, 87178291200, 20922789888000)
}

// series returns 1/n[0] - z/n[1] + z²/n[2] - ...
func series(z float64, n ...float64) (sum float64) {
	for i := len(n) - 1; i >= 0; i-- {
		sum = math.FMA(-z, sum, 1/n[i])
	}
	return sum
}
