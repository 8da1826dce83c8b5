package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// An elementwise operation writes dst and reads up to three others. want is
// its definition, one element at a time.
type elementwise[T Float] struct {
	name string
	run  func(dst []T, in [3][]T)
	want func(in [3]T) T
}

func elementwises[T Float]() []elementwise[T] {
	const label, n = 3, 7
	return []elementwise[T]{
		{"ReLU",
			func(dst []T, in [3][]T) { ReLU(1, dst, in[0]) },
			func(in [3]T) T {
				if in[0] > 0 || in[0] != in[0] {
					return in[0]
				}
				return 0
			}},
		{"ReLUBackward",
			func(dst []T, in [3][]T) { ReLUBackward(1, dst, in[0], in[1]) },
			func(in [3]T) T {
				if in[1] > 0 || in[1] != in[1] {
					return in[0]
				}
				return 0
			}},
		{"LeakyReLUBackward",
			func(dst []T, in [3][]T) { LeakyReLUBackward(1, dst, in[0], in[1], 0.25) },
			func(in [3]T) T {
				if in[1] <= 0 {
					return in[0] * 0.25
				}
				return in[0]
			}},
		{"PReLUBackward",
			func(dst []T, in [3][]T) {
				PReLUBackward(1, Layout{1, len(dst), 1}, dst, make([]T, len(dst)), in[0], in[1], in[2])
			},
			func(in [3]T) T {
				if in[1] <= 0 {
					return in[0] * in[2]
				}
				return in[0]
			}},
		{"ELUBackward",
			func(dst []T, in [3][]T) { ELUBackward(1, dst, in[0], in[1], 1.25) },
			func(in [3]T) T {
				if in[1] <= 0 {
					return exactFlush(in[0] * (in[1] + 1.25))
				}
				return exactFlush(in[0])
			}},
		{"SigmoidBackward",
			func(dst []T, in [3][]T) { SigmoidBackward(1, dst, in[0], in[1]) },
			func(in [3]T) T {
				q := 1 - in[1]
				slope := in[1] * q
				return exactFlush(in[0] * slope)
			}},
		{"TanhBackward",
			func(dst []T, in [3][]T) { TanhBackward(1, dst, in[0], in[1]) },
			func(in [3]T) T { return exactFlush(in[0] * exactFMA(-in[1], in[1], 1)) }},
		{"SoftmaxLossBackward",
			func(dst []T, in [3][]T) { SoftmaxLossBackward(dst, in[0], in[1], n) },
			func(in [3]T) T {
				diff := in[0] - in[1]
				return exactFlush(diff / n)
			}},
		{"Exp",
			func(dst []T, in [3][]T) { Exp(dst, in[0]) },
			func(in [3]T) T { return exp1(in[0]) }},
	}
}

// specials is every kind of number there is.
func specials[T Float]() []T {
	var s []T
	for _, v := range specials32 {
		s = append(s, T(v))
	}
	return s
}

func TestElementwise(t *testing.T) {
	t.Run("float32", testElementwise[float32])
	t.Run("float64", testElementwise[float64])
}

func testElementwise[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	mixed := func(n int) []T {
		x, s := nasty[T](rng, n), specials[T]()
		for i := range x {
			if rng.IntN(3) == 0 {
				x[i] = s[rng.IntN(len(s))]
			}
		}
		return x
	}
	for _, op := range elementwises[T]() {
		t.Run(op.name, func(t *testing.T) {
			for n := range 68 {
				for range 8 {
					in := [3][]T{mixed(n), mixed(n), mixed(n)}
					var before [3][]T
					for i := range in {
						before[i] = slices.Clone(in[i])
					}
					want := make([]T, n)
					for i := range want {
						want[i] = op.want([3]T{in[0][i], in[1][i], in[2][i]})
					}
					what := fmt.Sprintf("%s of %d", op.name, n)
					dst, guards := guarded(t, what, random[T](rng, n))
					op.run(dst, in)
					sameBits(t, what, dst, want)
					guards()
					for i := range in {
						sameBits(t, what+", argument", in[i], before[i])
					}
				}
			}
		})
	}
}

func TestReLUSpecials(t *testing.T) {
	inf, nan, neg := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	for _, c := range []struct{ x, y, slope float64 }{
		{1, 1, 1},
		{-0.5, 0, 0},
		{0, 0, 0},   // the gradient at 0 is 0
		{neg, 0, 0}, // and there is no -0 in y
		{0x1p-1074, 0x1p-1074, 1},
		{-0x1p-1074, 0, 0},
		{inf, inf, 1},
		{-inf, 0, 0},
		{nan, nan, 1},
	} {
		y, dx := []float64{5}, []float64{5}
		ReLU(1, y, []float64{c.x})
		if bits(y[0]) != bits(c.y) {
			t.Errorf("ReLU(%v) = %v, want %v", c.x, y[0], c.y)
		}
		for _, dy := range []float64{3, -2, nan, inf} {
			ReLUBackward(1, dx, []float64{dy}, y)
			want := dy
			if c.slope == 0 {
				want = 0
			}
			if bits(dx[0]) != bits(want) {
				t.Errorf("ReLUBackward at x = %v, dy = %v: %v, want %v", c.x, dy, dx[0], want)
			}
		}
	}
}

func sigmoid1[T Float](x T) T {
	y := []T{5}
	Sigmoid(1, y, []T{x})
	return y[0]
}

// Measured: 2.14 and 1.77.
const (
	sigmoidUlps32 = 2.5
	sigmoidUlps64 = 2
)

func TestSigmoidErrorFloat32(t *testing.T) {
	var w worst
	for _, sign := range []uint32{0, 1 << 31} {
		for u := math.Float32bits(0x1p-26); u < math.Float32bits(87.3); u += 997 {
			x := math.Float32frombits(u | sign)
			want := 1 / (1 + math.Exp(-float64(x)))
			w.see(ulps32(sigmoid1(x), want), float64(x))
		}
	}
	w.check(t, sigmoidUlps32)
}

func TestSigmoidErrorFloat64(t *testing.T) {
	var w worst
	rng := rand.New(rand.NewPCG(32, 1))
	for i := range 10_000 {
		x := -40 + 80*rng.Float64()
		if i%4 == 0 {
			x = -708 * rng.Float64()
		}
		want := bigExp(bigFloat(-x))
		want.Quo(bigFloat(1), want.Add(want, bigFloat(1)))
		w.see(ulps64(sigmoid1(x), want), x)
	}
	w.check(t, sigmoidUlps64)
}

func TestSigmoidSpecials(t *testing.T) {
	t.Run("float32", testSigmoidSpecials[float32])
	t.Run("float64", testSigmoidSpecials[float64])
}

func testSigmoidSpecials[T Float](t *testing.T) {
	inf, nan, tiny := T(math.Inf(1)), T(math.NaN()), T(math.SmallestNonzeroFloat32)
	for _, c := range []struct{ x, want T }{
		{0, 0.5}, {T(math.Copysign(0, -1)), 0.5}, {tiny, 0.5}, {-tiny, 0.5},
		{1e4, 1}, {-1e4, 0}, {inf, 1}, {-inf, 0}, {nan, nan}, {40, 1},
	} {
		if got := sigmoid1(c.x); bits(got) != bits(c.want) {
			t.Errorf("sigmoid(%v) = %v, want %v", c.x, got, c.want)
		}
	}
	// It rises from 0 to 1, through no subnormal number.
	before := T(0)
	for i := range 16_000 {
		x := T(i-8000) / 10
		y := sigmoid1(x)
		if y < before || y > 1 || bits(y) != bits(exactFlush(y)) {
			t.Fatalf("sigmoid(%v) = %v after %v", x, y, before)
		}
		before = y
	}
	if before != 1 {
		t.Errorf("sigmoid(800) = %v, want 1", before)
	}
}

// Python's decimal module, prec = 60: 1/(1 + (-x).exp()), given to 26 digits.
func TestSigmoidAgainstDecimal(t *testing.T) {
	for _, c := range []struct {
		x    float64
		want string
	}{
		{-30, "9.3576229688392989538395627e-14"},
		{-10, "4.5397868702434394504776233e-5"},
		{-2, "1.1920292202211755594027086e-1"},
		{-0.5, "3.7754066879814543536109943e-1"},
		{0.25, "5.6217650088579810402732364e-1"},
		{1, "7.3105857863000487925115924e-1"},
		{3, "9.5257412682243321912115185e-1"},
		{20, "9.9999999793884638180979642e-1"},
	} {
		want, _, err := big.ParseFloat(c.want, 10, bigPrec, big.ToNearestEven)
		if err != nil {
			t.Fatal(err)
		}
		if u := ulps64(sigmoid1(c.x), want); u > sigmoidUlps64 {
			t.Errorf("float64: sigmoid(%v) = %v is off by %.2f ulp", c.x, sigmoid1(c.x), u)
		}
		f, _ := want.Float64()
		if u := ulps32(sigmoid1(float32(c.x)), f); u > sigmoidUlps32 {
			t.Errorf("float32: sigmoid(%v) = %v is off by %.2f ulp", c.x, sigmoid1(float32(c.x)), u)
		}
	}
}

func TestSGDSpecials(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	w, g := []float64{1, 1, nan, inf}, []float64{nan, inf, 1, inf}
	SGD(w, g, 0.5)
	sameBits(t, "w", w, []float64{nan, -inf, nan, nan})
	sameBits(t, "g", g, []float64{0, 0, 0, 0})
}

func TestMismatchedLengthsPanic(t *testing.T) {
	// A slice whose capacity would do is still too short.
	l := func(n int) []float64 { return make([]float64, n, 20) }
	for _, c := range []struct {
		want string
		run  func()
	}{
		{"kernel.ReLU: lengths 3 and 4", func() { ReLU(1, l(3), l(4)) }},
		{"kernel.ReLU: lengths 4 and 3", func() { ReLU(1, l(4), l(3)) }},
		{"kernel.ReLUBackward: lengths 3 and 4", func() { ReLUBackward(1, l(3), l(4), l(3)) }},
		{"kernel.ReLUBackward: lengths 3 and 2", func() { ReLUBackward(1, l(3), l(3), l(2)) }},
		{"kernel.Sigmoid: lengths 3 and 4", func() { Sigmoid(1, l(3), l(4)) }},
		{"kernel.SigmoidBackward: lengths 4 and 3", func() { SigmoidBackward(1, l(4), l(3), l(4)) }},
		{"kernel.SigmoidBackward: lengths 4 and 5", func() { SigmoidBackward(1, l(4), l(4), l(5)) }},
		{"kernel.Tanh: lengths 3 and 4", func() { Tanh(1, l(3), l(4)) }},
		{"kernel.TanhBackward: lengths 4 and 3", func() { TanhBackward(1, l(4), l(3), l(4)) }},
		{"kernel.TanhBackward: lengths 4 and 5", func() { TanhBackward(1, l(4), l(4), l(5)) }},
		{"kernel.LeakyReLU: lengths 4 and 3", func() { LeakyReLU(1, l(4), l(3), 1) }},
		{"kernel.LeakyReLUBackward: lengths 4 and 3", func() { LeakyReLUBackward(1, l(4), l(4), l(3), 1) }},
		{"kernel.PReLU: lengths 4 and 3", func() { PReLU(1, Layout{1, 4, 1}, l(4), l(3), l(4)) }},
		{"kernel.PReLU: lengths 4 and 3", func() { PReLU(1, Layout{1, 4, 1}, l(4), l(4), l(3)) }},
		{"kernel.PReLUBackward: lengths 4 and 3", func() { PReLUBackward(1, Layout{1, 4, 1}, l(4), l(3), l(4), l(4), l(4)) }},
		{"kernel.PReLUSlope: lengths 4 and 3", func() { PReLUSlope(l(4), l(3)) }},
		{"kernel.ELU: lengths 4 and 3", func() { ELU(1, l(4), l(3), 1) }},
		{"kernel.ELUBackward: lengths 4 and 3", func() { ELUBackward(1, l(4), l(3), l(4), 1) }},
		{"kernel.Softplus: lengths 4 and 3", func() { Softplus(1, l(4), l(3)) }},
		{"kernel.SoftplusBackward: lengths 4 and 5", func() { SoftplusBackward(1, l(4), l(4), l(5)) }},
		{"kernel.SiLU: lengths 4 and 3", func() { SiLU(1, l(4), l(3)) }},
		{"kernel.SiLUBackward: lengths 4 and 3", func() { SiLUBackward(1, l(4), l(3), l(4)) }},
		{"kernel.GELU: lengths 4 and 3", func() { GELU(1, l(4), l(3)) }},
		{"kernel.GELUBackward: lengths 4 and 3", func() { GELUBackward(1, l(4), l(3), l(4)) }},
		{"kernel.GELUTanh: lengths 4 and 3", func() { GELUTanh(1, l(4), l(3)) }},
		{"kernel.GELUTanhBackward: lengths 4 and 5", func() { GELUTanhBackward(1, l(4), l(4), l(5)) }},
		{"kernel.SGD: lengths 4 and 3", func() { SGD(l(4), l(3), 1) }},
		{"kernel.Exp: lengths 4 and 3", func() { Exp(l(4), l(3)) }},
		{"kernel.Exp: lengths 3 and 4", func() { Exp(l(3), l(4)) }},
		{"kernel.Dot: lengths 4 and 3", func() { Dot(l(4), l(3)) }},
		{"kernel.Dot: lengths 3 and 4", func() { Dot(l(3), l(4)) }},
		{"kernel.AddColumnSums: 7 elements are not a whole number of rows of 3", func() { AddColumnSums(l(3), l(7)) }},
		{"kernel.AddColumnSums: 7 elements are not a whole number of rows of 0", func() { AddColumnSums(l(0), l(7)) }},
		{"kernel.Logs: lengths 4 and 3", func() { Logs(l(4), l(3)) }},
		{"kernel.Axpy: lengths 4 and 3", func() { Axpy(l(4), l(3), 1) }},
		{"kernel.Momentum: lengths 4 and 3", func() { Momentum(l(4), l(3), l(4), 1, 1, 1) }},
		{"kernel.Momentum: lengths 4 and 5", func() { Momentum(l(4), l(4), l(5), 1, 1, 1) }},
		{"kernel.Nesterov: lengths 4 and 3", func() { Nesterov(l(4), l(3), l(4), 1, 1, 1) }},
		{"kernel.Nesterov: lengths 4 and 5", func() { Nesterov(l(4), l(4), l(5), 1, 1, 1) }},
		{"kernel.AdaGrad: lengths 4 and 3", func() { AdaGrad(l(4), l(3), l(4), 1, 1) }},
		{"kernel.AdaGrad: lengths 4 and 5", func() { AdaGrad(l(4), l(4), l(5), 1, 1) }},
		{"kernel.RMSProp: lengths 4 and 3", func() { RMSProp(l(4), l(3), l(4), 1, 1, 1) }},
		{"kernel.RMSProp: lengths 4 and 5", func() { RMSProp(l(4), l(4), l(5), 1, 1, 1) }},
		{"kernel.Adjust: lengths 4 and 3", func() { Adjust(l(4), l(3), 1, 1, 1, 1) }},
		{"kernel.Adam: lengths 4 and 3", func() { Adam(l(4), l(3), l(4), l(4), 1, 1, 1, 1) }},
		{"kernel.Adam: lengths 4 and 5", func() { Adam(l(4), l(4), l(5), l(4), 1, 1, 1, 1) }},
		{"kernel.Adam: lengths 4 and 2", func() { Adam(l(4), l(4), l(4), l(2), 1, 1, 1, 1) }},
		{"kernel.SoftmaxRows: lengths 4 and 3", func() { SoftmaxRows(l(4), l(3), 1) }},
		{"kernel.SoftmaxRows: 4 elements are not a whole number of rows of 3", func() { SoftmaxRows(l(4), l(4), 3) }},
		{"kernel.SoftmaxRows: 4 elements are not a whole number of rows of 0", func() { SoftmaxRows(l(4), l(4), 0) }},
		{"kernel.SoftmaxLoss: lengths 4 and 3", func() { SoftmaxLoss(l(4), l(3), make([]int, 1)) }},
		{"kernel.SoftmaxLoss: 4 elements are not a whole number of rows of 3", func() { SoftmaxLoss(l(4), l(4), make([]int, 3)) }},
		{"index out of range", func() { SoftmaxLoss(l(4), l(4), []int{0, 2}) }},
		{"index out of range", func() { SoftmaxLoss(l(4), l(4), []int{-1, 0}) }},
		{"kernel.SoftmaxSoftLoss: lengths 4 and 3", func() { SoftmaxSoftLoss(l(4), l(3), l(4), 2) }},
		{"kernel.SoftmaxSoftLoss: lengths 4 and 6", func() { SoftmaxSoftLoss(l(4), l(4), l(6), 2) }},
		{"kernel.SoftmaxSoftLoss: 4 elements are not a whole number of rows of 3", func() { SoftmaxSoftLoss(l(4), l(4), l(4), 3) }},
		{"kernel.SoftmaxRowsBackward: lengths 4 and 3", func() { SoftmaxRowsBackward(l(4), l(3), l(4), 2) }},
		{"kernel.SoftmaxRowsBackward: lengths 4 and 5", func() { SoftmaxRowsBackward(l(4), l(4), l(5), 2) }},
		{"kernel.SoftmaxRowsBackward: 4 elements are not a whole number of rows of 3", func() { SoftmaxRowsBackward(l(4), l(4), l(4), 3) }},
		{"kernel.OneHotLossBackward: lengths 4 and 3", func() { OneHotLossBackward(l(4), l(3), []int{0}) }},
		{"kernel.OneHotLossBackward: 4 elements are not a whole number of rows of 3", func() { OneHotLossBackward(l(4), l(4), make([]int, 3)) }},
		{"index out of range", func() { OneHotLossBackward(l(4), l(4), []int{0, 2}) }},
		{"kernel.SoftmaxLossBackward: lengths 4 and 3", func() { SoftmaxLossBackward(l(4), l(3), l(4), 1) }},
		{"kernel.SoftmaxLossBackward: lengths 4 and 3", func() { SoftmaxLossBackward(l(4), l(4), l(3), 1) }},
	} {
		mustPanic(t, c.want, c.run)
	}
}
