package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A product that updates gives the bits of the product and the update, one after
// the other, whatever parts it is computed in.
func TestGemmUpdates(t *testing.T) {
	t.Run("float32", testGemmUpdates[float32])
	t.Run("float64", testGemmUpdates[float64])
}

func testGemmUpdates[T Float](t *testing.T) {
	withProcs(t, 3)
	defer func(old blockSizes) { blocks = old }(blocks)
	rng := rand.New(rand.NewPCG(31, 32))
	for _, size := range []blockSizes{blocks, {depth: 7, width: 64, height: 8, shallow: 5}} {
		blocks = size
		for _, s := range [][3]int{{0, 3, 2}, {3, 0, 2}, {2, 3, 0}, {1, 1, 1}, {17, 66, 15}, {784, 50, 20}, {40, 130, 50}, {2, 300, 120}} {
			m, n, k := s[0], s[1], s[2]
			for _, zeros := range []bool{false, true} {
				a, b := operand(rng, random[T], m, k, true), operand(rng, nasty[T], k, n, false)
				if zeros {
					for i := range a.Data {
						if i%7 > 0 {
							a.Data[i] = 0
						}
					}
				}
				w, v, g := random[T](rng, m*n), random[T](rng, m*n), nasty[T](rng, m*n)
				for _, threads := range []int{1, 3} {
					what := fmt.Sprintf("(%d, %d, %d), zeros %t, threads %d, blocks %v", m, n, k, zeros, threads, size)
					wantW, wantV, wantG := slices.Clone(w), slices.Clone(v), slices.Clone(g)
					gotW, gotV, gotG := slices.Clone(w), slices.Clone(v), slices.Clone(g)
					GemmAdd(1, Mat(wantG, m, n), a, b)
					Momentum(1, wantW, wantV, wantG, 0.9, 0.1)
					GemmMomentum(threads, gotW, gotV, Mat(gotG, m, n), a, b, 0.9, 0.1)
					sameBits(t, what+": w of GemmMomentum", gotW, wantW)
					sameBits(t, what+": v of GemmMomentum", gotV, wantV)
					sameBits(t, what+": g of GemmMomentum", gotG, wantG)
					copy(wantG, g)
					copy(gotG, g)
					GemmAdd(1, Mat(wantG, m, n), a, b)
					SGD(1, wantW, wantG, 0.1)
					GemmSGD(threads, gotW, Mat(gotG, m, n), a, b, 0.1)
					sameBits(t, what+": w of GemmSGD", gotW, wantW)
					sameBits(t, what+": g of GemmSGD", gotG, wantG)
				}
			}
		}
	}
	m22 := Mat(make([]T, 4), 2, 2)
	mustPanic(t, "kernel.GemmSGD: lengths 3 and 4", func() { GemmSGD(1, make([]T, 3), m22, m22, m22, 1) })
	mustPanic(t, "kernel.GemmMomentum: lengths 4 and 3", func() { GemmMomentum(1, make([]T, 4), make([]T, 3), m22, m22, m22, 1, 1) })
}
