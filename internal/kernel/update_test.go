package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync/atomic"
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

// A stepCase is the step of an optimizer with some settings: slices of w, its states and
// the gradient, and what becomes of one element of each.
type stepCase[T Float] struct {
	name    string
	slices  int
	squares int // the slice that has no number below 0; 0 is none
	run     func(s [][]T)
	exact   func(x []T)
}

func stepCases[T Float]() (all []stepCase[T]) {
	add := func(name string, slices, squares int, run func(s [][]T), exact func(x []T)) {
		all = append(all, stepCase[T]{name, slices, squares, run, exact})
	}
	for _, lr := range []T{0.1, 0, -0.5, 1} {
		add(fmt.Sprintf("SGD, %v", lr), 2, 0, func(s [][]T) { SGD(s[0], s[1], lr) }, func(x []T) {
			x[0] = exactFMA(-lr, x[1], x[0])
		})
	}
	for _, c := range []struct{ mu, gain, rate T }{{0.9, -0.1, 1}, {0, -1, 1}, {1, 0, 1}, {1 - 0x1p-20, 1, -0.1}, {0.9, -0.3, 0.7}} {
		add(fmt.Sprintf("Momentum, %v", c), 3, 0, func(s [][]T) { Momentum(s[0], s[1], s[2], c.mu, c.gain, c.rate) }, func(x []T) {
			kept := c.mu * x[1]
			x[1] = exactFlush(exactFMA(c.gain, x[2], kept))
			x[0] = exactFMA(c.rate, x[1], x[0])
		})
		add(fmt.Sprintf("Nesterov, %v", c), 3, 0, func(s [][]T) { Nesterov(s[0], s[1], s[2], c.mu, c.gain, c.rate) }, func(x []T) {
			g := c.gain * x[2]
			x[1] = exactFlush(exactFMA(c.mu, x[1], g))
			x[0] = exactFMA(c.rate, exactFMA(c.mu, x[1], g), x[0])
		})
	}
	for _, c := range []struct{ a1, a2, rate, eps T }{
		{0.1, 0.001, 0.01, 1e-7}, {1, 1, 1, 1}, {0, 0, 0.5, 1e-8}, {0x1p-20, 0.5, -0.5, 1 + 0x1p-20},
	} {
		add(fmt.Sprintf("AdaGrad, %v", c), 3, 1, func(s [][]T) { AdaGrad(s[0], s[1], s[2], c.rate, c.eps) }, func(x []T) {
			x[1] = exactFlush(exactFMA(x[2], x[2], x[1]))
			below := exactSqrt(x[1]) + c.eps
			x[0] = exactFMA(-c.rate, x[2]/below, x[0])
		})
		add(fmt.Sprintf("RMSProp, %v", c), 3, 1, func(s [][]T) { RMSProp(s[0], s[1], s[2], c.a2, c.rate, c.eps) }, func(x []T) {
			x[1] = exactFlush(exactFMA(c.a2, exactFMA(x[2], x[2], -x[1]), x[1]))
			below := exactSqrt(x[1]) + c.eps
			x[0] = exactFMA(-c.rate, x[2]/below, x[0])
		})
		add(fmt.Sprintf("Adam, %v", c), 4, 2, func(s [][]T) { Adam(s[0], s[1], s[2], s[3], c.a1, c.a2, c.rate, c.eps) }, func(x []T) {
			diff := x[3] - x[1]
			x[1] = exactFlush(exactFMA(c.a1, diff, x[1]))
			x[2] = exactFlush(exactFMA(c.a2, exactFMA(x[3], x[3], -x[2]), x[2]))
			below := exactSqrt(x[2]) + c.eps
			x[0] = exactFMA(-c.rate, x[1]/below, x[0])
		})
	}
	return all
}

func TestSteps(t *testing.T) {
	t.Run("float32", testSteps[float32])
	t.Run("float64", testSteps[float64])
}

// Each element is as the definition says, by package math/big.
func testSteps[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(62, 1))
	for _, c := range stepCases[T]() {
		t.Run(c.name, func(t *testing.T) {
			for n := range 68 {
				got, guards, want := make([][]T, c.slices), make([]func(), c.slices), make([][]T, c.slices)
				for i := range got {
					start := nasty[T](rng, n)
					if i > 0 && i == c.squares {
						for j, v := range start {
							start[j] = T(math.Abs(float64(v)))
						}
					}
					got[i], guards[i] = guarded(t, c.name, start)
					want[i] = slices.Clone(start)
				}
				x := make([]T, c.slices)
				for j := range n {
					for i := range x {
						x[i] = want[i][j]
					}
					c.exact(x)
					x[c.slices-1] = 0 // the gradient
					for i := range x {
						want[i][j] = x[i]
					}
				}
				c.run(got)
				for i := range got {
					sameBits(t, fmt.Sprintf("slice %d, %d elements", i, n), got[i], want[i])
					guards[i]()
				}
			}
		})
	}
}

func TestAdjust(t *testing.T) {
	t.Run("float32", testAdjust[float32])
	t.Run("float64", testAdjust[float64])
}

func testAdjust[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(65, 1))
	inf := T(math.Inf(1))
	for n := range 68 {
		for _, c := range []struct{ scale, limit, decay, shrink T }{
			{1, inf, 0, 0}, {0.3, inf, 0, 0}, {1, 0.5, 0, 0}, {1, inf, 0.1, 0}, {1, inf, 0, 0.1}, {1 - 0x1p-20, 1, 0.7, 0x1p-20},
		} {
			startW, startG := nasty[T](rng, n), nasty[T](rng, n)
			wantW, wantG := make([]T, n), make([]T, n)
			for i := range n {
				d := c.scale * startG[i]
				if d > c.limit {
					d = c.limit
				}
				if d < -c.limit {
					d = -c.limit
				}
				wantG[i] = exactFMA(c.decay, startW[i], d)
				wantW[i] = exactFMA(-c.shrink, startW[i], startW[i])
			}
			what := fmt.Sprintf("Adjust of %d, %v", n, c)
			w, guards := guarded(t, what, startW)
			g, guardsG := guarded(t, what, startG)
			Adjust(w, g, c.scale, c.limit, c.decay, c.shrink)
			sameBits(t, what+", w", w, wantW)
			sameBits(t, what+", gradient", g, wantG)
			guards()
			guardsG()
		}
	}
}

func TestAdjustWorked(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	w := []float64{8, 8, 8, 8, nan, 8}
	g := []float64{2, -6, inf, nan, 1, -inf}
	Adjust(w, g, 0.5, 2, 0.25, 0.125)
	sameBits(t, "g", g, []float64{3, 0, 4, nan, nan, 0}) // clamp(g/2) + 2
	sameBits(t, "w", w, []float64{7, 7, 7, 7, nan, 7})
}

func TestMomentumWorked(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	w := []float64{1, 1, 1, 1, nan}
	v := []float64{4, 2, 0x1p-1022, 0, 1}
	g := []float64{2, inf, 0, nan, 0}
	Momentum(w, v, g, 0.5, -0.25, 1)
	sameBits(t, "v", v, []float64{1.5, -inf, 0, nan, 0.5}) // half the smallest normal number is 0
	sameBits(t, "w", w, []float64{2.5, -inf, 1, nan, nan})
	sameBits(t, "g", g, make([]float64, 5))
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

func TestNesterovWorked(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	w := []float64{1, 1, 1, 1}
	v := []float64{4, 2, 0x1p-1022, 0}
	g := []float64{2, inf, 0, nan}
	Nesterov(w, v, g, 0.5, -0.25, 1)
	sameBits(t, "v", v, []float64{1.5, -inf, 0, nan}) // half the smallest normal number is 0
	sameBits(t, "w", w, []float64{1.25, -inf, 1, nan})
	sameBits(t, "g", g, make([]float64, 4))
}

func TestAdaGradAndRMSPropWorked(t *testing.T) {
	inf := math.Inf(1)
	w, s, g := []float64{1, 1, 1, 1}, []float64{12, 0, 0, inf}, []float64{2, 0, 0x1p-1000, 1}
	AdaGrad(w, s, g, 0.5, 1)
	sameBits(t, "AdaGrad: s", s, []float64{16, 0, 0, inf})
	sameBits(t, "AdaGrad: w", w, []float64{0.8, 1, 1, 1})
	sameBits(t, "AdaGrad: g", g, make([]float64, 4))
	w, s, g = []float64{1, 1, 1, 1}, []float64{12, 0x1p-1022, 0, inf}, []float64{2, 0, 0x1p-1000, 1}
	RMSProp(w, s, g, 0.375, 0.5, 1)
	sameBits(t, "RMSProp: s", s, []float64{9, 0, 0, math.NaN()})
	sameBits(t, "RMSProp: w", w, []float64{0.75, 1, 1, math.NaN()})
}

func TestAdamWorked(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	w := []float64{1, 1, nan, 1, 1, 1}
	m := []float64{4, 0x1p-1022, 1, 0, 2, 0}
	v := []float64{4, 0x1p-1022, 1, inf, 4, 0}
	g := []float64{2, 0, 1, 0, nan, 1e200}
	Adam(w, m, v, g, 0.5, 0.75, 0.25, 1)
	// Of the smallest normal number half or a quarter is left, and becomes 0.
	sameBits(t, "m", m, []float64{3, 0, 1, 0, nan, 5e199})
	sameBits(t, "v", v, []float64{4, 0, 1, nan, nan, inf})
	sameBits(t, "w", w, []float64{0.75, 1, nan, nan, nan, 1})
	sameBits(t, "g", g, make([]float64, 6))

	w, m, v, g = []float64{1}, []float64{0}, []float64{0}, []float64{0}
	Adam(w, m, v, g, 0.1, 0.001, 0.25, 0)
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
				Adam(w, m, v, []float64{grad}, 1-beta1, 1-beta2, rate, c.epsilon(correction))
				if math.Abs(w[0]-c.want[i]) > 1e-13 {
					t.Errorf("after step %d: w = %.17g, want %.17g", i+1, w[0], c.want[i])
				}
			}
		})
	}
}

// countedJob notes how often each part is done.
type countedJob []atomic.Int32

func (j countedJob) Do(part int) { j[part].Add(1) }

func TestUpdateDoesEachPartOnce(t *testing.T) {
	withProcs(t, 3)
	for _, threads := range []int{-1, 0, 1, 2, 3} {
		for _, elements := range []int{0, thresholds.update - 1, thresholds.update, thresholds.wakeUpdate} {
			j := make(countedJob, 37)
			Update(threads, elements, len(j), j)
			for part := range j {
				if n := j[part].Load(); n != 1 {
					t.Errorf("%d threads, %d elements: part %d was done %d times", threads, elements, part, n)
				}
			}
		}
	}
}
