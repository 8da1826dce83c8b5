package kernel

import (
	"fmt"
	"math"
	"testing"
)

// TestFiniteOnEveryPath puts a number that is not finite at every place of slices of many lengths.
func TestFiniteOnEveryPath(t *testing.T) {
	for _, path := range Paths() {
		t.Run(path, func(t *testing.T) {
			restore, err := Use(path)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			t.Run("float32", testFinite[float32])
			t.Run("float64", testFinite[float64])
		})
	}
}

func testFinite[T Float](t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 64, 95, 129} {
		x := make([]T, n+1)
		for i := range x {
			x[i] = []T{0, T(math.Copysign(0, -1)), 1, -3e38, 3e38, 1e-45}[i%6]
		}
		x[n] = T(math.NaN()) // behind the slice
		if !Finite(x[:n]) {
			t.Errorf("%d finite numbers are called others", n)
		}
		for i := range n {
			for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				was := x[i]
				if x[i] = T(v); Finite(x[:n]) {
					t.Errorf("%v at %d of %d is called finite", v, i, n)
				}
				x[i] = was
			}
		}
	}
}

func BenchmarkFinite(b *testing.B) {
	for _, n := range []int{40_000, 4_000_000} {
		x := make([]float32, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(4 * n))
			for b.Loop() {
				Finite(x)
			}
		})
	}
}
