package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// apply is a function of one number.
func apply[T Float](f func(y, x []T)) func(x T) T {
	return func(x T) T {
		y := []T{5}
		f(y, []T{x})
		return y[0]
	}
}

// derivative is the gradient of one number where dy is 1 and x was saved.
func derivative[T Float](f func(dx, dy, x []T)) func(x T) T {
	return apply(func(dx, x []T) { f(dx, []T{1}, x) })
}

func eluOf[T Float](y, x []T) { elu(y, x, 1) }

// eachFloat32 calls see with every 499th float32 of either sign from least to most.
func eachFloat32(least, most float32, see func(x float32)) {
	for _, sign := range []uint32{0, 1 << 31} {
		for u := math.Float32bits(least); u < math.Float32bits(most); u += 499 {
			see(math.Float32frombits(u | sign))
		}
	}
}

func TestELUErrorFloat32(t *testing.T) {
	var w worst
	elu := apply(eluOf[float32])
	eachFloat32(0x1p-14, 30, func(x float32) {
		if x < 0 {
			w.see(ulps32(elu(x), math.Expm1(float64(x))), float64(x))
		}
	})
	w.check(t, eluUlps)
}

func TestSoftplusErrorFloat32(t *testing.T) {
	var w worst
	softplus := apply(softplus[float32])
	eachFloat32(0x1p-26, 87, func(x float32) {
		v := float64(x)
		w.see(ulps32(softplus(x), max(v, 0)+math.Log1p(math.Exp(-math.Abs(v)))), v)
	})
	w.check(t, softplusUlps)
}

// What the doc comments state: what was measured at every 499th float32, and at random
// float64, rounded up.
const (
	eluUlps                = 1.1
	softplusUlps           = 2
	siluUlps32, siluUlps64 = 3.3, 2.5
	geluUlps32, geluUlps64 = 5.4, 4
	geluTanhUlps           = 3.2 // where |x| < 1
	geluTanhUlps32         = 170
	geluTanhUlps64         = 950
	slopeUlps              = 3 // of 1, the derivatives
)

func TestGELUErrorFloat32(t *testing.T) {
	for _, c := range []struct {
		name  string
		of    func(x float32) float32
		want  func(x float64) float64
		most  float32
		bound float64
	}{
		{"SiLU", apply(silu[float32]), func(x float64) float64 { return x / (1 + math.Exp(-x)) }, 87, siluUlps32},
		{"GELU", apply(gelu[float32]), func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }, 13, geluUlps32},
		{"GELUTanh near 0", apply(geluTanh[float32]), geluTanhOf, 1, geluTanhUlps},
		{"GELUTanh", apply(geluTanh[float32]), geluTanhOf, 10, geluTanhUlps32},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w worst
			eachFloat32(0x1p-20, c.most, func(x float32) { w.see(ulps32(c.of(x), c.want(float64(x))), float64(x)) })
			w.check(t, c.bound)
		})
	}
	for _, c := range []struct {
		name string
		of   func(x float32) float32
		want func(x float64) float64
	}{
		{"derivative of SiLU", derivative(siluBackward[float32]), siluSlope},
		{"derivative of GELU", derivative(geluBackward[float32]), geluSlope},
		{"derivative of GELUTanh", derivative(geluTanhBackward[float32]), geluTanhSlope},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w worst
			eachFloat32(0x1p-20, 80, func(x float32) {
				w.see(math.Abs(float64(c.of(x))-c.want(float64(x)))/0x1p-24, float64(x))
			})
			w.check(t, slopeUlps)
		})
	}
}

func geluTanhOf(x float64) float64 {
	return x / (1 + math.Exp(-2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func siluSlope(x float64) float64 {
	s := 1 / (1 + math.Exp(-x))
	return s * (1 + x*(1-s))
}

func geluSlope(x float64) float64 {
	return math.Erfc(-x/math.Sqrt2)/2 + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

func geluTanhSlope(x float64) float64 {
	c := 2 * math.Sqrt(2/math.Pi)
	s := 1 / (1 + math.Exp(-c*(x+0.044715*x*x*x)))
	return s * (1 + x*c*(1+3*0.044715*x*x)*(1-s))
}

// bigNormal returns Φ(-t) to 30 digits or more, by the series of (1/2 - Φ(-t))/φ(t).
func bigNormal(t float64) *big.Float {
	prec := uint(bigPrec + 3*t*t)
	wide := func(x float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(x) }
	square := new(big.Float).Mul(wide(t), wide(t))
	term, sum := wide(t), wide(0)
	for k := 3.0; term.Sign() != 0 && term.MantExp(nil) > -int(prec); k += 2 {
		sum.Add(sum, term)
		term.Mul(term, square)
		term.Quo(term, wide(k))
	}
	half := new(big.Float).SetMantExp(square, -1)
	// e^(-t²/2) as 2^-m powers of a series, with all the digits that cancel.
	r := new(big.Float).SetMantExp(half, -20)
	e, term := wide(1), wide(1)
	for i := 1.0; term.Sign() != 0 && term.MantExp(nil) > -int(prec)-40; i++ {
		term.Mul(term, r)
		term.Quo(term, wide(i))
		e.Add(e, term)
	}
	for range 20 {
		e.Mul(e, e)
	}
	sum.Quo(sum, e)
	sum.Quo(sum, bigRoot2Pi(prec))
	return sum.Sub(wide(0.5), sum)
}

// bigRoot2Pi returns √(2π), by Machin's π/4 = 4·atan(1/5) - atan(1/239).
func bigRoot2Pi(prec uint) *big.Float {
	wide := func(x float64) *big.Float { return new(big.Float).SetPrec(prec + 64).SetFloat64(x) }
	atan := func(n float64) *big.Float {
		term, sum := new(big.Float).Quo(wide(1), wide(n)), wide(0)
		for k := 1.0; term.MantExp(nil) > -int(prec)-64; k += 2 {
			sum.Add(sum, new(big.Float).Quo(term, wide(k)))
			term.Quo(term, wide(-n*n))
		}
		return sum
	}
	pi := new(big.Float).Mul(wide(16), atan(5))
	pi.Sub(pi, new(big.Float).Mul(wide(4), atan(239)))
	return pi.Sqrt(pi.Add(pi, pi))
}

func TestBigNormal(t *testing.T) {
	// Python's mpmath, mp.dps = 60: erfc(t/sqrt(2))/2.
	for _, c := range []struct {
		t    float64
		want string
	}{
		{0.5, "3.0853753872598689636229538939166226011640e-1"},
		{3, "1.3498980316300945266518147675949773778294e-3"},
		{30, "4.9067139271481870595338092565801904719970e-198"},
	} {
		want, _, _ := big.ParseFloat(c.want, 10, bigPrec, big.ToNearestEven)
		diff := new(big.Float).Sub(bigNormal(c.t), want)
		diff.Quo(diff, want)
		if d, _ := diff.Float64(); math.Abs(d) > 1e-24 {
			t.Errorf("Φ(%v): off by %g, relatively", -c.t, d)
		}
	}
}

func TestActivationErrorFloat64(t *testing.T) {
	plus := func(x float64, y *big.Float) *big.Float { return y.Add(y, bigFloat(max(x, 0))) }
	over1 := func(x float64, v *big.Float) *big.Float { // x/(1 + e^-v)
		e := bigExp(v.Neg(v))
		return e.Quo(bigFloat(x), e.Add(e, bigFloat(1)))
	}
	for _, c := range []struct {
		name        string
		of          func(x float64) float64
		want        func(x float64) *big.Float
		least, most float64
		bound       float64
	}{
		{"ELU", apply(eluOf[float64]), func(x float64) *big.Float { e := bigExp(bigFloat(x)); return e.Sub(e, bigFloat(1)) }, -45, 0, eluUlps},
		{"Softplus", apply(softplus[float64]), func(x float64) *big.Float {
			e := bigExp(bigFloat(-math.Abs(x)))
			// log(1+e) = 2·atanh(e/(2+e))
			s := new(big.Float).Quo(e, new(big.Float).Add(e, bigFloat(2)))
			term, square, sum := new(big.Float).Set(s), new(big.Float).Mul(s, s), bigFloat(0)
			for k := 1.0; k < 140; k += 2 {
				sum.Add(sum, new(big.Float).Quo(term, bigFloat(k)))
				term.Mul(term, square)
			}
			return plus(x, sum.Add(sum, sum))
		}, -700, 700, softplusUlps},
		{"SiLU", apply(silu[float64]), func(x float64) *big.Float { return over1(x, bigFloat(x)) }, -700, 700, siluUlps64},
		{"GELU", apply(gelu[float64]), func(x float64) *big.Float {
			n := bigNormal(math.Abs(x))
			return plus(x, n.Mul(n, bigFloat(-math.Abs(x))))
		}, -37, 12, geluUlps64},
		{"GELUTanh near 0", apply(geluTanh[float64]), func(x float64) *big.Float { return over1(x, bigGELUTanh(x)) }, -1, 1, geluTanhUlps},
		{"GELUTanh", apply(geluTanh[float64]), func(x float64) *big.Float { return over1(x, bigGELUTanh(x)) }, -21, 21, geluTanhUlps64},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w worst
			rng := rand.New(rand.NewPCG(91, 1))
			for i := range 400 {
				x := c.least + (c.most-c.least)*rng.Float64()
				switch i % 4 {
				case 1:
					x = min(max(c.least, -4), c.most) + rng.Float64()*(min(c.most, 4)-max(c.least, -4))
				case 2:
					x = math.Ldexp(rng.Float64(), -rng.IntN(40))
					if i%8 == 2 || c.most <= 0 {
						x = -x
					}
				}
				w.see(ulps64(c.of(x), c.want(x)), x)
			}
			w.check(t, c.bound)
		})
	}
}

// bigGELUTanh is 2·√(2/π)·(x + 0.044715·x³).
func bigGELUTanh(x float64) *big.Float {
	cube, _, _ := big.ParseFloat("0.044715", 10, bigPrec, big.ToNearestEven)
	v := new(big.Float).Mul(bigFloat(x), bigFloat(x))
	v.Mul(v, cube)
	v.Add(v, bigFloat(1))
	v.Mul(v, bigFloat(4*x))
	return v.Quo(v, bigRoot2Pi(bigPrec))
}

// What lies outside the numbers of every day, in both precisions.
func TestActivationSpecials(t *testing.T) {
	t.Run("float32", testActivationSpecials[float32])
	t.Run("float64", testActivationSpecials[float64])
}

func testActivationSpecials[T Float](t *testing.T) {
	inf, nan, neg := T(math.Inf(1)), T(math.NaN()), T(math.Copysign(0, -1))
	tiny, eps := math.SmallestNonzeroFloat32, 1e-7
	if unsafe.Sizeof(inf) == 8 {
		tiny, eps = math.SmallestNonzeroFloat64, 3e-16
	}
	testActivationsAt(t, inf, nan, neg, T(tiny))
	log2 := apply(softplus[T])(0)
	if off := math.Abs(float64(log2)/math.Ln2 - 1); off > eps {
		t.Errorf("Softplus at 0 is %v, want %v", log2, math.Ln2)
	}
}

func testActivationsAt[T Float](t *testing.T, inf, nan, neg, tiny T) {
	log2 := apply(softplus[T])(0)
	leaky := func(y, x []T) { leakyReLU(y, x, x, 0.25) }
	leakyBackward := func(dx, dy, x []T) { leakyReLU(dx, dy, x, 0.25) }
	eluBackward := func(dx, dy, y []T) { eluBackward(dx, dy, y, 2) }
	x := []T{0, neg, tiny, -tiny, inf, -inf, nan, 1e4, -1e4}
	for _, c := range []struct {
		name string
		of   func(x T) T
		want []T
	}{
		{"LeakyReLU", apply(leaky), []T{0, neg, tiny, -tiny / 4, inf, -inf, nan, 1e4, -2500}},
		{"derivative of LeakyReLU", derivative(leakyBackward), []T{0.25, 0.25, 1, 0.25, 1, 0.25, 1, 1, 0.25}},
		{"ELU", apply(func(y, x []T) { elu(y, x, 2) }), []T{0, 0, tiny, -2 * tiny, inf, -2, nan, 1e4, -2}},
		{"derivative of ELU, of y", derivative(eluBackward), []T{2, 2, 1, 2, 1, -inf, 1, 1, -9998}},
		{"Softplus", apply(softplus[T]), []T{log2, log2, log2, log2, inf, 0, nan, 1e4, 0}},
		{"SiLU", apply(silu[T]), []T{0, 0, 0, 0, inf, 0, nan, 1e4, 0}},
		{"GELU", apply(gelu[T]), []T{0, 0, 0, 0, inf, 0, nan, 1e4, 0}},
		{"GELUTanh", apply(geluTanh[T]), []T{0, 0, 0, 0, inf, 0, nan, 1e4, 0}},
		{"derivative of SiLU", derivative(siluBackward[T]), []T{0.5, 0.5, 0.5, 0.5, 1, 0, nan, 1, 0}},
		{"derivative of GELU", derivative(geluBackward[T]), []T{0.5, 0.5, 0.5, 0.5, 1, 0, nan, 1, 0}},
		{"derivative of GELUTanh", derivative(geluTanhBackward[T]), []T{0.5, 0.5, 0.5, 0.5, 1, 0, nan, 1, 0}},
	} {
		for i, v := range x {
			if got := c.of(v); bits(got) != bits(c.want[i]) {
				t.Errorf("%s at %v is %v, want %v", c.name, v, got, c.want[i])
			}
		}
	}
}

// TestPReLUSlopes: both sums of dy·x where x is not above 0 are right, and the order of
// each is the one it states.
func TestPReLUSlopes(t *testing.T) {
	t.Run("float32", testPReLUSlopes[float32])
	t.Run("float64", testPReLUSlopes[float64])
}

func testPReLUSlopes[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(92, 1))
	for n := 2; n < 68; n++ {
		const rows = 5
		dy, x, grad := random[T](rng, rows*n), random[T](rng, rows*n), random[T](rng, n)
		want := make([]T, n)
		copy(want, grad)
		var s [lanes]T
		for i, v := range x {
			if v <= 0 {
				want[i%n] = exactFMA(dy[i], v, want[i%n])
				s[i%lanes] = exactFMA(dy[i], v, s[i%lanes])
			}
		}
		PReLUBackward(1, Layout{rows, n, 1}, make([]T, rows*n), grad, dy, x, make([]T, n))
		sameBits(t, fmt.Sprintf("of %d columns", n), grad, want)
		sameBits(t, fmt.Sprintf("of %d elements", rows*n), []T{PReLUSlope(dy, x)}, []T{join(&s)})
	}
	nan := T(math.NaN())
	if s := PReLUSlope([]T{1, 1, 1}, []T{1, nan, 1}); s == s {
		t.Errorf("the sum with a NaN in x is %v, want NaN", s)
	}
	if s := PReLUSlope([]T{nan, T(math.Inf(1)), 2}, []T{1, T(math.Inf(1)), -1}); s != -2 {
		t.Errorf("the sum with a NaN in dy where x is above 0 is %v, want -2", s)
	}
}

// TestActivationsOnThreads: threads change no bit, and nothing is allocated.
func TestActivationsOnThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(93, 1))
	const n = 5*Piece + 7
	x, dy, saved := random[float32](rng, n), random[float32](rng, n), random[float32](rng, n)
	got, want := make([]float32, n), make([]float32, n)
	for name, run := range map[string]func(threads int, dst []float32){
		"LeakyReLU":    func(threads int, dst []float32) { LeakyReLU(threads, dst, x, 0.1) },
		"ELUBackward":  func(threads int, dst []float32) { ELUBackward(threads, dst, dy, saved, 0.5) },
		"GELU":         func(threads int, dst []float32) { GELU(threads, dst, x) },
		"SiLUBackward": func(threads int, dst []float32) { SiLUBackward(threads, dst, dy, x) },
	} {
		run(1, want)
		for _, threads := range []int{2, 3} {
			for range 20 {
				clear(got)
				run(threads, got)
				sameBits(t, fmt.Sprintf("%s on %d threads", name, threads), got, want)
			}
		}
	}
}

// BenchmarkActivations compares each activation, on 64 MB of numbers in all and one
// thread, with a copy that moves as many bytes.
func BenchmarkActivations(b *testing.B) {
	b.Run("float32", benchmarkActivations[float32])
	b.Run("float64", benchmarkActivations[float64])
}

func benchmarkActivations[T Float](b *testing.B) {
	rng := rand.New(rand.NewPCG(94, 1))
	n := 16 << 20 / int(unsafe.Sizeof(T(0)))
	x, y, z, slope := random[T](rng, n), random[T](rng, n), random[T](rng, n), random[T](rng, 64)
	bench := func(name string, slices int, run func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(slices * n * int(unsafe.Sizeof(x[0]))))
			for b.Loop() {
				run()
			}
		})
	}
	bench("copy", 2, func() { copy(y, x) })
	bench("ReLU", 2, func() { ReLU(1, y, x) })
	bench("LeakyReLU", 2, func() { LeakyReLU(1, y, x, 0.01) })
	bench("PReLU", 2, func() { PReLU(1, Layout{n / 64, 64, 1}, y, x, slope) })
	bench("ELU", 2, func() { ELU(1, y, x, 1) })
	bench("Sigmoid", 2, func() { Sigmoid(1, y, x) })
	bench("Tanh", 2, func() { Tanh(1, y, x) })
	bench("Softplus", 2, func() { Softplus(1, y, x) })
	bench("SiLU", 2, func() { SiLU(1, y, x) })
	bench("GELU", 2, func() { GELU(1, y, x) })
	bench("GELUTanh", 2, func() { GELUTanh(1, y, x) })
	bench("ReLUBackward", 3, func() { ReLUBackward(1, z, x, y) })
	bench("LeakyReLUBackward", 3, func() { LeakyReLUBackward(1, z, x, y, 0.01) })
	bench("PReLUBackward", 3, func() { PReLUBackward(1, Layout{n / 64, 64, 1}, z, make([]T, 64), x, y, slope) })
	bench("ELUBackward", 3, func() { ELUBackward(1, z, x, y, 1) })
	bench("SoftplusBackward", 3, func() { SoftplusBackward(1, z, x, y) })
	bench("SiLUBackward", 3, func() { SiLUBackward(1, z, x, y) })
	bench("GELUBackward", 3, func() { GELUBackward(1, z, x, y) })
	bench("GELUTanhBackward", 3, func() { GELUTanhBackward(1, z, x, y) })
}
