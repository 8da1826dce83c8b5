package kernel

import (
	"math"
	"unsafe"
)

// fma returns a·b + c rounded once, in either precision. The size of T is
// known when the function is compiled for it, so only one branch remains.
func fma[T Float](a, b, c T) T {
	if unsafe.Sizeof(a) == 4 {
		return T(fma32(float32(a), float32(b), float32(c)))
	}
	return T(math.FMA(float64(a), float64(b), float64(c)))
}

// fma32 returns a·b + c rounded once to float32.
//
// In float64 the product of two float32 is exact, so the sum t is a·b + c
// rounded once, to 53 bits. Rounding t again, to the 24 bits of a float32, is
// right but for the few cases that [risky] finds.
func fma32(a, b, c float32) float32 {
	p := float64(a) * float64(b)
	t := p + float64(c)
	if risky(t) {
		return roundOdd(p, float64(c), t)
	}
	return float32(t)
}

// risky reports whether rounding t to float32 may differ from rounding the sum
// it stands for: where t lies exactly between two float32, its low 29 bits
// being 1 and 28 zeros, and where the result is subnormal and keeps fewer bits.
// (t = 0 is exact: u<<1 - 1 makes it the largest number.)
func risky(t float64) bool {
	const minNormal = (1023 - 126) << 52 // 2^-126, as the bits of a float64
	u := math.Float64bits(t)
	return u&(1<<29-1) == 1<<28 || u<<1-1 < minNormal<<1-1
}

// roundOdd returns p + c rounded once to float32, t being the same sum rounded
// to float64. It first moves t to the odd one of the two float64 around the
// exact sum: "rounding to odd" keeps enough about the lost bits for the second
// rounding to be right (Boldo and Melquiond, "Emulation of FMA and correctly
// rounded sums: proved algorithms using rounding to odd", IEEE Trans.
// Computers 57, 2008).
func roundOdd(p, c, t float64) float32 {
	// What t lost, exactly (Knuth's TwoSum).
	v := t - p
	lost := (p - (t - v)) + (c - v)
	u := math.Float64bits(t)
	if lost != 0 && u&1 == 0 && !math.IsInf(t, 0) && !math.IsNaN(t) {
		if (lost > 0) == (t > 0) {
			u++
		} else {
			u--
		}
	}
	return float32(math.Float64frombits(u))
}
