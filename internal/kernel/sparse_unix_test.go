//go:build unix && amd64 && !purego

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// TestPairs holds the bits of terms against their definition: for A as it lies and
// transposed, of all sizes, with zeros of either sign and numbers that are almost none.
// A ends where memory does.
func TestPairs(t *testing.T) {
	if !hasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	rng := rand.New(rand.NewPCG(41, 42))
	memory := newFence[float32](t, 36*64*pairWords)
	some := []float32{0, float32(math.Copysign(0, -1)), 0, 0, 1, math.SmallestNonzeroFloat32, float32(math.NaN()), float32(math.Inf(-1))}
	for rows := 1; rows <= 36; rows++ {
		for k := 1; k <= 64*pairWords; k++ {
			a := memory(rows * k)
			for i := range a {
				a[i] = some[rng.IntN(len(some))]
			}
			for _, m := range []Matrix[float32]{Mat(a, rows, k), Mat(a, k, rows).T()} {
				want := make([]uint64, ceil(rows, 2)*pairWords)
				for i := range rows {
					for p := range k {
						if at(m, i, p) != 0 {
							want[i/2*pairWords+p/64] |= 1 << (p % 64)
						}
					}
				}
				for _, path := range assembly {
					restore, err := Use(path)
					if err != nil {
						t.Fatal(err)
					}
					sparse := tilingOf[float32]().sparse
					restore()
					got := slices.Repeat([]uint64{^uint64(0)}, ceil(rows, 16)*8*pairWords)
					row, step := m.strides()
					if m.transposed {
						sparse.columnPairs(&got[0], &a[0], uintptr(step)*4, rows, k)
					} else {
						sparse.rowPairs(&got[0], &a[0], uintptr(row)*4, rows, k)
					}
					if got := got[:len(want)]; !slices.Equal(got, want) {
						t.Fatalf("%s: %d rows of %d, transposed %t: the bits are %x, want %x", path, rows, k, m.transposed, got, want)
					}
				}
			}
		}
	}
}

// TestRowTerms holds the lists of the terms of each row against their definition.
func TestRowTerms(t *testing.T) {
	if !hasAVX2 {
		t.Skip("this processor has no AVX2")
	}
	rng := rand.New(rand.NewPCG(45, 46))
	memory := newFence[float32](t, 5*70)
	for rows := 1; rows <= 5; rows++ {
		for k := 1; k < 68; k++ {
			a := memory(rows * k)
			copy(a, mostlyZero[float32](rng, rows*k))
			a[rng.IntN(len(a))] = float32(math.NaN())
			var values []float32
			var places []int32
			counts := make([]int32, rows)
			for i := range rows {
				for p, v := range a[i*k:][:k] {
					if v != 0 {
						values = append(values, v)
						places = append(places, int32(p*256))
						counts[i]++
					}
				}
			}
			gotValues, gotPlaces, gotCounts := make([]float32, rows*k+8), make([]int32, rows*k+8), make([]int32, rows)
			rowTerms256f32(&gotValues[0], &gotPlaces[0], &gotCounts[0], &a[0], uintptr(k)*4, rows, k, 256)
			what := fmt.Sprintf("%d rows of %d", rows, k)
			sameBits(t, what, gotValues[:len(values)], values)
			if got := gotPlaces[:len(places)]; !slices.Equal(got, places) {
				t.Fatalf("%s: the places are %v, want %v", what, got, places)
			}
			if !slices.Equal(gotCounts, counts) {
				t.Fatalf("%s: the lists are %v long, want %v", what, gotCounts, counts)
			}
		}
	}
}

// TestPairsAreTheProductOfWhatIsMarked holds the kernels of marked terms against the
// triple loop over these terms, at the end of memory, with marks that leave out what they
// should not: then it shows.
func TestPairsAreTheProductOfWhatIsMarked(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 44))
	for _, path := range assembly {
		restore, err := Use(path)
		if err != nil {
			t.Fatal(err)
		}
		defer restore()
		tiling := tilingOf[float32]()
		const most = 64 * pairWords
		inA, inB, inC, inBias := newFence[float32](t, 9*most), newFence[float32](t, most*140), newFence[float32](t, 9*140), newFence[float32](t, 140)
		for n := 2*tiling.lanes + 1; n < 140; n++ {
			for _, m := range []int{1, 2, 9} {
				k := []int{20, 64, 65, most}[rng.IntN(4)]
				a, b, c, bias := inA(m*k), inB(k*n), inC(m*n), inBias(n)
				copy(a, nasty[float32](rng, m*k))
				copy(b, nasty[float32](rng, k*n))
				copy(bias, nasty[float32](rng, n))
				marks := make([]uint64, ceil(m, 2)*pairWords)
				want := make([]float32, m*n)
				for i := range m {
					if i%2 == 0 {
						few := rng.IntN(k + 1) // also none and all
						for _, p := range rng.Perm(k)[:few] {
							marks[i/2*pairWords+p/64] |= 1 << (p % 64)
						}
					}
					for j := range n {
						sum := bias[j]
						for p := range k {
							if marks[i/2*pairWords+p/64]>>(p%64)&1 == 1 {
								sum = fma(a[i*k+p], b[p*n+j], sum)
							}
						}
						want[i*n+j] = sum + 0
					}
				}
				for j, columns := 0, 0; j < n; j += columns {
					var run pairs[float32]
					run, columns = tiling.sparse.next(n - j)
					run(&marks[0], &a[0], uintptr(k)*4, 4, &b[j], uintptr(n)*4, &c[j], uintptr(n)*4, &bias[j], 0, uintptr(4*k), m, columns, float32(math.Inf(-1)))
				}
				sameBits(t, fmt.Sprintf("%s: %d rows of %d terms, %d columns", path, m, k, n), c, want)
			}
		}
	}
}

// newFence returns a function that lends up to so many elements where memory ends.
func newFence[T Float](t *testing.T, most int) func(n int) []T {
	size := int(unsafe.Sizeof(T(0)))
	bytes := fenced(t, most*size)
	return func(n int) []T {
		return unsafe.Slice((*T)(unsafe.Pointer(&bytes[len(bytes)-n*size])), n)
	}
}

// TestSkippingNeedsFiniteB plants a fault: B is said to be finite where it is not.
// Then 0·Inf is left out, and no NaN comes out: so products do skip zeros here, and
// what finite says keeps them right.
func TestSkippingNeedsFiniteB(t *testing.T) {
	defer func(old blockSizes) { blocks = old }(blocks)
	large, small := blocks, blockSizes{depth: 16, width: 512, height: 8, shallow: 9}
	const m, n, k = 16, 150, 40
	for _, path := range assembly {
		for _, sizes := range []blockSizes{large, small} { // pairs of rows, and each row
			for _, transposed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, depth %d, transposed %t", path, sizes.depth, transposed), func(t *testing.T) {
					restore, err := Use(path)
					if err != nil {
						t.Fatal(err)
					}
					defer restore()
					blocks = sizes
					a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
					b[20*n+7] = float32(math.Inf(1))
					A := Mat(a, m, k)
					if transposed {
						A = Mat(a, k, m).T()
					}
					nans := func() (count int) {
						Gemm(1, Mat(c, m, n), A, Mat(b, k, n))
						for _, v := range c {
							if v != v {
								count++
							}
						}
						return count
					}
					if got := nans(); got != m {
						t.Errorf("%d elements of zeros times a column with Inf are NaN, want %d", got, m)
					}
					sparse := tilingOf[float32]().sparse
					defer func(right func(*float32, int) bool) { sparse.finite = right }(sparse.finite)
					sparse.finite = func(*float32, int) bool { return true }
					if got := nans(); got != 0 {
						t.Errorf("with the fault %d elements are NaN, want 0: zeros are not skipped", got)
					}
				})
			}
		}
	}
}
