package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A pipeline has the bits of the triple loop: with few zeros in A and with many, and
// with what is not finite in one half of B, in the other, or in both.
func TestGemmInAPipeline(t *testing.T) {
	if tilingOf[float32]() == nil {
		t.Skip("there are no tiles on this path")
	}
	withProcs(t, 2)
	t.Run("float32", testPipeline[float32])
	t.Run("float64", testPipeline[float64])
}

func testPipeline[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	m, n, k := 100, 24, 801
	inf, nan := T(math.Inf(1)), T(math.NaN())
	g := product[T]{c: Mat(make([]T, m*n), m, n), a: Mat(make([]T, m*k), m, k), b: Mat(make([]T, k*n), k, n)}
	if s := (blocked[T]{product: g, tiling: tilingOf[T]()}); !s.canPipeline(2) || s.canPipeline(1) {
		t.Fatal("this product should be a pipeline on two threads, and on one not")
	}
	for _, draw := range []func(*rand.Rand, int) []T{nasty[T], mostlyZero[T]} {
		for _, places := range [][]int{nil, {5}, {k*n - 5}, {k*n/2 - 1, k*n/2 + n}} {
			a, b := operand(rng, draw, m, k, false), operand(rng, nasty[T], k, n, false)
			for i, place := range places {
				b.Data[place] = []T{inf, nan}[i]
			}
			for _, f := range flavours[T]() {
				checkGemm(t, f, 2, draw(rng, m*n), a, b, draw(rng, n))
			}
		}
	}
}
