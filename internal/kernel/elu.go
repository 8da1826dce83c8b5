package kernel

import (
	"math"
	"unsafe"
)

// ELU sets y[i] = x[i] where x[i] > 0 or is NaN, else alpha·(e^x[i] - 1). With alpha = 1,
// at most 1.1 ulp from the exact value in either precision, as measured in the tests.
func ELU[T Float](threads int, y, x []T, alpha T) { function(threads, "ELU", toELU, y, x, alpha) }

func elu[T Float](y, x []T, alpha T) {
	if eluAsm(y, x, alpha) {
		return
	}
	for i, v := range x {
		if v <= 0 {
			v = alpha * expm1(v)
		}
		y[i] = v
	}
}

// ELUBackward sets dx[i] = dy[i] where y[i] > 0 or is NaN, else dy[i]·(y[i] + alpha).
// Subnormal results are 0.
func ELUBackward[T Float](threads int, dx, dy, y []T, alpha T) {
	gradient(threads, "ELUBackward", toELUBackward, dx, dy, y, alpha)
}

func eluBackward[T Float](dx, dy, y []T, alpha T) {
	if eluBackwardAsm(dx, dy, y, alpha) {
		return
	}
	for i, v := range y {
		d := T(1)
		if v <= 0 {
			d = v + alpha
		}
		dx[i] = flush(dy[i] * d)
	}
}

// expm1 returns e^x - 1 for x <= 0.
//
// x = n·ln 2 + r as in [exp], so it is 2^n·(e^r - 1) + (2^n - 1), rounded once. For x
// near 0, n is 0 and nothing cancels.
func expm1[T Float](x T) T {
	power, q := expParts(x)
	return fma(power, q, power-1)
}

// expParts returns 2^n and e^r - 1 for x <= 0, which it takes to be no lower than where
// e^x - 1 rounds to -1.
func expParts[T Float](x T) (power, q T) {
	if unsafe.Sizeof(x) == 4 {
		n, r, p := reduce32(max(float32(x), -20))
		return T(math.Float32frombits(uint32(127+int32(n)) << 23)), T(fma32(p, r*r, r))
	}
	n, r, p := reduce64(max(float64(x), -40))
	return T(math.Float64frombits(uint64(1023+int64(n)) << 52)), T(math.FMA(p, r*r, r))
}
