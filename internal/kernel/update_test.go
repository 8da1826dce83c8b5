package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
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
			Momentum(w, v, g, c.mu, c.lr)
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
	Momentum(w, v, g, 0.5, 0.25)
	sameBits(t, "v", v, []float64{1.5, -inf, 0, nan, 0.5}) // half the smallest normal number is 0
	sameBits(t, "w", w, []float64{2.5, -inf, 1, nan, nan})
	sameBits(t, "g", g, make([]float64, 5))
}
