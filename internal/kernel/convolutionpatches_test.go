package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestPatches: a convolution that is computed backward for the elements of dy alone that are
// not 0 has the bits of one with all of its terms.
func TestPatches(t *testing.T) {
	infinity := float32(math.Inf(1))
	for _, test := range []struct {
		name string
		draw func(*rand.Rand, int) []float32
		mend func(c *convolved[float32])
	}{
		{"normal", random[float32], nil},
		{"nasty", nasty[float32], nil},
		{"tiny", func(rng *rand.Rand, n int) []float32 {
			x := random[float32](rng, n)
			for i := range x {
				x[i] *= 0x1p-76 // products about the least number above 0
			}
			return x
		}, nil},
		{"infinity in x", random[float32], func(c *convolved[float32]) { c.x[len(c.x)-1] = infinity }},
		{"infinity in w", random[float32], func(c *convolved[float32]) { c.w[len(c.w)-1] = -infinity }},
	} {
		t.Run(test.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(34, 0))
			for range 6 {
				axis := func() Axis { return Axis{4 + rng.IntN(9), 3, 1, rng.IntN(5), 1} }
				g := Convolution{1, 8 * (1 + rng.IntN(8)), 1 + rng.IntN(20), axis(), axis()}
				c := newConvolved(rng, g, []int{1, 3, 20}[rng.IntN(3)], test.draw)
				if test.mend != nil {
					test.mend(&c)
				}
				y, dy, pool, choices := c.y, c.dy, Pool{}, []int32(nil)
				if kind := rng.IntN(3); kind > 0 {
					pool = Pool{Axis{g.Rows.Out(), 2, 2, 0, 1}, Axis{g.Columns.Out(), 2, 2, 0, 1}}
					if kind == 2 {
						pool.Rows.Kernel, pool.Rows.Padding, pool.Columns.Stride = 3, 1, 1
					}
					y = y[:len(y)/g.pixels()*pool.outputs()]
					dy, choices = dy[:len(y)], make([]int32, len(y))
					ConvolveReLUMaxPool(1, g, pool, y, c.x, c.w, c.bias, choices)
				} else {
					ConvolveReLU(1, g, y, c.x, c.w, c.bias)
				}
				compute := func(path string, threads int, dx []float32) (dw, dbias []float32) {
					restore, err := Use(path)
					if err != nil {
						t.Fatal(err)
					}
					defer restore()
					dw, dbias = append(dw, c.dw...), append(dbias, c.dbias...)
					if choices != nil {
						ConvolveReLUMaxPoolBackward(threads, g, pool, dx, dw, dbias, dy, c.x, c.w, y, choices)
					} else {
						ConvolveReLUBackward(threads, g, dx, dw, dbias, dy, c.x, c.w, y)
					}
					return dw, dbias
				}
				wantX := make([]float32, len(c.x))
				wantW, wantB := compute(goPath, 1, wantX)
				for _, path := range Paths() {
					for _, threads := range []int{1, 2} {
						what := fmt.Sprintf("%+v and %+v, path %s, %d threads: ", g, pool, path, threads)
						dx, check := guarded(t, what+"dx", c.dx)
						dw, dbias := compute(path, threads, dx)
						check()
						sameBits(t, what+"dx", dx, wantX)
						sameBits(t, what+"dw", dw, wantW)
						sameBits(t, what+"dbias", dbias, wantB)
						dw, _ = compute(path, threads, nil)
						sameBits(t, what+"dw without dx", dw, wantW)
					}
				}
			}
		})
	}
}

// TestWhenPatchesPay: they do with a pool, on every path that has the kernels.
func TestWhenPatchesPay(t *testing.T) {
	onAllPaths(t, func(t *testing.T) {
		k := imageKernelsOf[float32]()
		want := k != nil && k.patches.sums != nil
		three := Axis{8, 3, 1, 1, 1}
		y := make([]float32, 16*16)
		fill(y, 1)
		c := convolution[float32]{Convolution: Convolution{1, 16, 16, three, three}, n: 1, y: y}
		if got := c.canSkip(); got != want {
			t.Errorf("with a quarter of the gradient other than 0: %t, want %t", got, want)
		}
		c.y = make([]float32, c.outputs())
		fill(c.y, 1)
		if c.canSkip() {
			t.Error("with a gradient that is 0 nowhere: true, want false")
		}
	})
}
