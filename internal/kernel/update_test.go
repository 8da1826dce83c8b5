package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

func TestAxpy(t *testing.T) {
	t.Run("float32", testAxpy[float32])
	t.Run("float64", testAxpy[float64])
}

func testAxpy[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 1))
	for n := range 68 {
		for _, a := range []T{0.1, 0, -1, 1 + 0x1p-20} {
			x, start := nasty[T](rng, n), nasty[T](rng, n)
			want := make([]T, n)
			for i := range want {
				want[i] = exactFMA(a, x[i], start[i])
			}
			what := fmt.Sprintf("Axpy of %d, a = %v", n, a)
			y, guards := guarded(t, what, start)
			Axpy(y, x, a)
			sameBits(t, what, y, want)
			guards()
		}
	}
}

func TestMomentum(t *testing.T) {
	t.Run("float32", testMomentum[float32])
	t.Run("float64", testMomentum[float64])
}

// The product mu·v is rounded, then lr·g taken off in one rounding.
func testMomentum[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(62, 1))
	for n := range 68 {
		for _, c := range []struct{ mu, lr T }{{0.9, 0.1}, {0, 1}, {1, 0}, {1 - 0x1p-20, -0.5}} {
			startW, startV, grad := nasty[T](rng, n), nasty[T](rng, n), nasty[T](rng, n)
			wantW, wantV := make([]T, n), make([]T, n)
			for i := range n {
				kept := c.mu * startV[i]
				wantV[i] = exactFlush(exactFMA(-c.lr, grad[i], kept))
				wantW[i] = startW[i] + wantV[i]
			}
			what := fmt.Sprintf("Momentum of %d, %v", n, c)
			w, guards := guarded(t, what, startW)
			v, guardsV := guarded(t, what, startV)
			g, guardsG := guarded(t, what, grad)
			Momentum(1, w, v, g, c.mu, c.lr)
			sameBits(t, what+", v", v, wantV)
			sameBits(t, what+", w", w, wantW)
			sameBits(t, what+", gradient", g, make([]T, n))
			guards()
			guardsV()
			guardsG()
		}
	}
}

func TestMomentumWorked(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	w := []float64{1, 1, 1, 1, nan}
	v := []float64{4, 2, 0x1p-1022, 0, 1}
	g := []float64{2, inf, 0, nan, 0}
	Momentum(1, w, v, g, 0.5, 0.25)
	sameBits(t, "v", v, []float64{1.5, -inf, 0, nan, 0.5}) // half the smallest normal number is 0
	sameBits(t, "w", w, []float64{2.5, -inf, 1, nan, nan})
	sameBits(t, "g", g, make([]float64, 5))
}

func TestAdam(t *testing.T) {
	t.Run("float32", testAdam[float32])
	t.Run("float64", testAdam[float64])
}

func testAdam[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(64, 1))
	for n := range 68 {
		for _, c := range []struct{ a1, a2, rate, eps T }{
			{0.1, 0.001, 0.01, 1e-7}, {1, 1, 1, 1}, {0, 0, 0.5, 1e-8}, {0x1p-20, 0.5, -0.5, 1 + 0x1p-20},
		} {
			startW, startM, startV, grad := nasty[T](rng, n), nasty[T](rng, n), nasty[T](rng, n), nasty[T](rng, n)
			wantW, wantM, wantV := make([]T, n), make([]T, n), make([]T, n)
			for i := range n {
				startV[i] = T(math.Abs(float64(startV[i])))
				diff := grad[i] - startM[i]
				wantM[i] = exactFlush(exactFMA(c.a1, diff, startM[i]))
				square := exactFMA(grad[i], grad[i], -startV[i])
				wantV[i] = exactFlush(exactFMA(c.a2, square, startV[i]))
				below := exactSqrt(wantV[i]) + c.eps
				wantW[i] = exactFMA(-c.rate, wantM[i]/below, startW[i])
			}
			what := fmt.Sprintf("Adam of %d, %v", n, c)
			w, guards := guarded(t, what, startW)
			m, guardsM := guarded(t, what, startM)
			v, guardsV := guarded(t, what, startV)
			g, guardsG := guarded(t, what, grad)
			Adam(1, w, m, v, g, c.a1, c.a2, c.rate, c.eps)
			sameBits(t, what+", m", m, wantM)
			sameBits(t, what+", v", v, wantV)
			sameBits(t, what+", w", w, wantW)
			sameBits(t, what+", gradient", g, make([]T, n))
			guards()
			guardsM()
			guardsV()
			guardsG()
		}
	}
}

// exactSqrt returns √x, computed to 200 bits and then rounded.
func exactSqrt[T Float](x T) T {
	s := new(big.Float).SetPrec(200).SetFloat64(float64(x))
	s.Sqrt(s)
	if unsafe.Sizeof(x) == 4 {
		f, _ := s.Float32()
		return T(f)
	}
	f, _ := s.Float64()
	return T(f)
}

func TestAdamWorked(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	w := []float64{1, 1, nan, 1, 1, 1}
	m := []float64{4, 0x1p-1022, 1, 0, 2, 0}
	v := []float64{4, 0x1p-1022, 1, inf, 4, 0}
	g := []float64{2, 0, 1, 0, nan, 1e200}
	Adam(1, w, m, v, g, 0.5, 0.75, 0.25, 1)
	// Of the smallest normal number half or a quarter is left, and becomes 0.
	sameBits(t, "m", m, []float64{3, 0, 1, 0, nan, 5e199})
	sameBits(t, "v", v, []float64{4, 0, 1, nan, nan, inf})
	sameBits(t, "w", w, []float64{0.75, 1, nan, nan, nan, 1})
	sameBits(t, "g", g, make([]float64, 6))

	w, m, v, g = []float64{1}, []float64{0}, []float64{0}, []float64{0}
	Adam(1, w, m, v, g, 0.1, 0.001, 0.25, 0)
	sameBits(t, "w of gradients 0, without eps", w, []float64{nan})
}

// Four steps of a weight with the gradients 1, -2, 1e-7 and 0, lr = 0.1, β1 = 0.9,
// β2 = 0.999, ε = 1e-2, in both places. By Python's decimal module (prec = 50), from
// the formulas of the book (lr·√(1-β2^t)/(1-β1^t)·m/(√v + ε)) and of PyTorch's
// documentation (lr·(m/(1-β1^t))/(√(v/(1-β2^t)) + ε)), given to 17 digits.
func TestAdamAgainstDecimal(t *testing.T) {
	const lr, beta1, beta2, eps = 0.1, 0.9, 0.999, 1e-2
	for _, c := range []struct {
		name    string
		epsilon func(correction float64) float64
		want    [4]float64
	}{
		{"book", func(float64) float64 { return eps }, [4]float64{0.42402530733520421, 0.45609926393434674, 0.48089098571490451, 0.50119759607391502}},
		{"PyTorch", func(c float64) float64 { return eps * c }, [4]float64{0.40099009900990099, 0.43737039702896871, 0.46545275610834700, 0.48842874152553503}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, m, v := []float64{0.5}, []float64{0}, []float64{0}
			for i, grad := range []float64{1, -2, 1e-7, 0} {
				step := float64(i + 1)
				correction := math.Sqrt(1 - math.Pow(beta2, step))
				rate := lr * correction / (1 - math.Pow(beta1, step))
				Adam(1, w, m, v, []float64{grad}, 1-beta1, 1-beta2, rate, c.epsilon(correction))
				if math.Abs(w[0]-c.want[i]) > 1e-13 {
					t.Errorf("after step %d: w = %.17g, want %.17g", i+1, w[0], c.want[i])
				}
			}
		})
	}
}

// A large update is done in pieces, by several threads or one.
func TestUpdatesInPieces(t *testing.T) {
	withProcs(t, 3)
	rng := rand.New(rand.NewPCG(63, 1))
	for _, n := range []int{piece - 1, piece, piece + 1, 3*piece + 5} {
		startW, startM, startV, grad := random[float32](rng, n), random[float32](rng, n), random[float32](rng, n), random[float32](rng, n)
		for i, v := range startV {
			startV[i] = v * v
		}
		for _, rule := range []struct {
			name string
			step func(threads int, w, m, v, g []float32)
		}{
			{"SGD", func(threads int, w, _, _, g []float32) { SGD(threads, w, g, 0.1) }},
			{"Momentum", func(threads int, w, _, v, g []float32) { Momentum(threads, w, v, g, 0.9, 0.1) }},
			{"Adam", func(threads int, w, m, v, g []float32) { Adam(threads, w, m, v, g, 0.1, 0.001, 0.01, 1e-7) }},
		} {
			run := func(step func(w, m, v, g []float32)) (all []float32) {
				w, m, v, g := slices.Clone(startW), slices.Clone(startM), slices.Clone(startV), slices.Clone(grad)
				step(w, m, v, g)
				return slices.Concat(w, m, v, g)
			}
			want := run(func(w, m, v, g []float32) {
				for i := range w {
					at := func(x []float32) []float32 { return x[i : i+1] }
					rule.step(1, at(w), at(m), at(v), at(g))
				}
			})
			for _, threads := range []int{-1, 0, 1, 2, 3} {
				got := run(func(w, m, v, g []float32) { rule.step(threads, w, m, v, g) })
				sameBits(t, fmt.Sprintf("%s of %d elements, threads %d", rule.name, n, threads), got, want)
			}
		}
	}
}
