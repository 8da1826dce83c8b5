package kernel

import (
	"math"
	"unsafe"
)

// Tanh sets y[i] = tanh x[i], which is between -1 and 1. Below 2^-26 (float32) or 2^-55
// (float64), y is x itself, subnormal numbers and -0 among them. At most 1.91 ulp from
// the exact value in float32, and 2.1 in float64, as measured in the tests.
func Tanh[T Float](threads int, y, x []T) { function(threads, "Tanh", toTanh, y, x, 0) }

func tanh[T Float](y, x []T) {
	if tanhAsm(y, x) {
		return
	}
	for i, v := range x {
		y[i] = tanhOf(v)
	}
}

// TanhBackward sets dx[i] = dy[i]·(1 - y[i]²); the difference is rounded once.
// Subnormal results are 0.
func TanhBackward[T Float](threads int, dx, dy, y []T) {
	gradient(threads, "TanhBackward", toTanhBackward, dx, dy, y, 0)
}

func tanhBackward[T Float](dx, dy, y []T) {
	if tanhBackwardAsm(dx, dy, y) {
		return
	}
	for i, v := range y {
		dx[i] = flush(dy[i] * fma(-v, v, 1))
	}
}

// tanhOf returns t = h/(h + 1) with the sign of x, where h = (e^(2|x|) - 1)/2.
//
// 2|x| = n·ln 2 + r as in [exp], so h = 2^(n-1)·(e^r - 1) + (2^(n-1) - 1/2), which
// is rounded once. For x near 0, n is 0 and nothing cancels. Below h = 1, h - h·t is
// nearer to the exact value than t, whose error it multiplies by h.
func tanhOf[T Float](x T) T {
	if unsafe.Sizeof(x) == 4 {
		return T(tanh32(float32(x)))
	}
	return T(tanh64(float64(x)))
}

func tanh32(x float32) float32 {
	a := min(float32(math.Abs(float64(x))), 10) // tanh 10 rounds to 1
	n, r, p := reduce32(a + a)
	half := math.Float32frombits(uint32(126+int32(n)) << 23)
	h := fma32(half, fma32(p, r*r, r), half-0.5)
	t := h / (h + 1)
	if h < 1 {
		t = fma32(-h, t, h)
	}
	return float32(math.Copysign(float64(t), float64(x)))
}

func tanh64(x float64) float64 {
	a := min(math.Abs(x), 20)
	n, r, p := reduce64(a + a)
	half := math.Float64frombits(uint64(1022+int64(n)) << 52)
	h := math.FMA(half, math.FMA(p, r*r, r), half-0.5)
	t := h / (h + 1)
	if h < 1 {
		t = math.FMA(-h, t, h)
	}
	return math.Copysign(t, x)
}
