package kernel

// Softplus sets y[i] = log(1 + e^x[i]), computed as max(x, 0) + log(1 + e^-|x|) so that
// nothing overflows. A subnormal e^-|x| is 0. At most 2 ulp from the exact value in either
// precision, as measured in the tests.
//
// log(1 + e) = 2·atanh(s), s = e/(2 + e), which is at most 1/3.
func Softplus[T Float](threads int, y, x []T) { function(threads, "Softplus", toSoftplus, y, x, 0) }

func softplus[T Float](y, x []T) {
	if softplusAsm(y, x) {
		return
	}
	for i, v := range x {
		e := exp(-abs(v))
		s := e / (2 + e)
		z := T(s * s)
		p := T(z * polynomial(z, log1p32, log1p64))
		// 2s + 2s³p(s²), and 2s = e - s·e without the rounding of s.
		y[i] = positive(v) + (e + fma(s, p+p, -T(s*e)))
	}
}

// SoftplusBackward sets dx[i] = dy[i]·(1 - e^-y[i]), which is dy·σ(x). Subnormal results
// are 0.
func SoftplusBackward[T Float](threads int, dx, dy, y []T) {
	gradient(threads, "SoftplusBackward", toSoftplusBackward, dx, dy, y, 0)
}

func softplusBackward[T Float](dx, dy, y []T) {
	if softplusBackwardAsm(dx, dy, y) {
		return
	}
	for i, v := range y {
		power, q := expParts(-v)
		dx[i] = flush(dy[i] * fma(-power, q, 1-power))
	}
}

// The polynomial of (atanh s - s)/s³ in s², for s up to 1/3: see
// testdata/polynomials.py.
var (
	log1p32 = []float64{0.116195252662, 0.108516575045, 0.142962917072, 0.199998506781, 0.333333336688}
	log1p64 = []float64{0.078210566874033449747, 0.037428719610706891147, 0.054233435831002723329, 0.058670410874358209437,
		0.066675970769560504811, 0.076922716038322891889, 0.090909099602204527997, 0.11111111098926833008,
		0.1428571428580170663, 0.19999999999999755697, 0.33333333333333333446}
)
