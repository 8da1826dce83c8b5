package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"
)

// TestMain shares out small products too, and looks for zeros in them, so that the
// tests need no large ones.
func TestMain(m *testing.M) {
	thresholds.tiles, thresholds.wake, thresholds.update, thresholds.wakeUpdate = thresholds.loops, thresholds.loops, 2, 2*Piece
	thresholds.zeros = 0
	m.Run()
}

func random[T Float](rng *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(rng.NormFloat64())
	}
	return x
}

// nasty returns numbers whose products and sums lie on and next to the ties of
// rounding, cancel, underflow and overflow, and many zeros of either sign.
func nasty[T Float](rng *rand.Rand, n int) []T {
	tiny, ulp := math.SmallestNonzeroFloat32, 0x1p-23
	if unsafe.Sizeof(T(0)) == 8 {
		tiny, ulp = math.SmallestNonzeroFloat64, 0x1p-52
	}
	x := make([]T, n)
	for i := range x {
		var v float64
		switch rng.IntN(8) {
		case 0:
			v = 0
		case 1, 2:
			v = 1 + float64(rng.IntN(64))*ulp
		case 3, 4:
			v = 1 - float64(rng.IntN(64))*ulp
		case 5:
			v = ulp / 2 * float64(1+rng.IntN(4))
		case 6:
			v = tiny * float64(rng.IntN(1<<24))
		case 7:
			v = rng.NormFloat64()
		}
		if rng.IntN(2) == 0 {
			v = -v
		}
		x[i] = T(v)
	}
	return x
}

// bits returns the bits of v; all NaN count as one.
func bits[T Float](v T) uint64 {
	switch {
	case v != v:
		return 0x7ff8dead
	case unsafe.Sizeof(v) == 4:
		return uint64(math.Float32bits(float32(v)))
	}
	return math.Float64bits(float64(v))
}

func sameBits[T Float](t *testing.T, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range got {
		if bits(got[i]) != bits(want[i]) {
			t.Fatalf("%s: element %d of %d is %v (%#x), want %v (%#x)", what, i, len(got), got[i], bits(got[i]), want[i], bits(want[i]))
		}
	}
}

// exactFMA returns a·b + c, computed without rounding and then rounded once:
// the definition of fma, by package math/big.
func exactFMA[T Float](a, b, c T) T {
	x, y, z := float64(a), float64(b), float64(c)
	if s := x + y + z; s-s != 0 {
		return T(math.FMA(x, y, z)) // NaN and Inf: no rounding
	}
	// Enough bits for the smallest product next to the largest sum.
	const prec = 4400
	var p, s big.Float
	p.SetPrec(prec).SetMode(big.ToNearestEven).Mul(big.NewFloat(x), big.NewFloat(y))
	s.SetPrec(prec).Add(&p, big.NewFloat(z))
	if s.Sign() == 0 {
		if negative(a) != negative(b) && negative(c) {
			return T(math.Copysign(0, -1)) // -0 + -0
		}
		return 0 // the other zeros, and a nonzero sum that cancels: +0
	}
	if unsafe.Sizeof(a) == 4 {
		f, _ := s.Float32()
		return T(f)
	}
	f, _ := s.Float64()
	return T(f)
}

func negative[T Float](v T) bool { return math.Signbit(float64(v)) }

// exactFlush returns 0 in place of a result that is no normal number, and of
// -0.
func exactFlush[T Float](v T) T {
	limit := 0x1p-126
	if unsafe.Sizeof(v) == 8 {
		limit = 0x1p-1022
	}
	if math.Abs(float64(v)) < limit {
		return 0
	}
	return v
}

// guarded returns a copy of x between guard values, and a check that they are
// still there.
func guarded[T Float](t *testing.T, what string, x []T) ([]T, func()) {
	const guards, guard = 9, 12345.678
	all := make([]T, len(x)+2*guards)
	for i := range all {
		all[i] = T(guard)
	}
	copy(all[guards:], x)
	// The capacity is left open: a kernel that writes past the end must be seen.
	return all[guards : guards+len(x)], func() {
		t.Helper()
		for i, v := range all {
			if (i < guards || i >= guards+len(x)) && v != T(guard) {
				t.Fatalf("%s wrote outside its slice: element %d of %d", what, i-guards, len(x))
			}
		}
	}
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("panic %q, want one with %q", got, want)
		}
	}()
	f()
}

func BenchmarkGemm(b *testing.B) {
	b.Run("float32", benchmarkGemm[float32])
	b.Run("float64", benchmarkGemm[float64])
}

// The products of one training step of the book's network, batch 100.
func benchmarkGemm[T Float](b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, threads := range []int{1, 2} {
		for _, s := range []struct {
			name    string
			m, n, k int
			ta, tb  bool
		}{
			{"forward", 100, 50, 784, false, false},
			{"dW", 784, 50, 100, true, false},
			{"dx", 100, 50, 10, false, true},
			{"square256", 256, 256, 256, false, false},
		} {
			b.Run(fmt.Sprintf("%s/threads=%d", s.name, threads), func(b *testing.B) {
				x, y := random[T](rng, s.m*s.k), random[T](rng, s.k*s.n)
				A, B, C := Mat(x, s.m, s.k), Mat(y, s.k, s.n), Mat(make([]T, s.m*s.n), s.m, s.n)
				if s.ta {
					A = Mat(x, s.k, s.m).T()
				}
				if s.tb {
					B = Mat(y, s.n, s.k).T()
				}
				for b.Loop() {
					Gemm(threads, C, A, B)
				}
				b.ReportMetric(float64(s.m*s.n*s.k)*float64(b.N)/b.Elapsed().Seconds()/1e6, "MFMA/s")
			})
		}
	}
}
