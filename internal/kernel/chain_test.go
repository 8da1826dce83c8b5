package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// randomStages draws a chain: any stride, dilation, kernel and padding, with and without
// ReLU and pool.
func randomStages(rng *rand.Rand, n int) []Stage[float32] {
	in, rows, columns := 1+rng.IntN(4), 6+rng.IntN(16), 6+rng.IntN(16)
	var stages []Stage[float32]
	for range n {
		axis := func(n int) Axis {
			a := Axis{Size: n, Kernel: 1 + rng.IntN(3), Stride: 1 + rng.IntN(2), Dilation: 1 + rng.IntN(2)}
			a.Padding = rng.IntN(a.reach() + 1)
			a.Size = max(a.Size, 1)
			return a
		}
		g := Convolution{Groups: 1, In: in, Out: 16 * (1 + rng.IntN(4)), Rows: axis(rows), Columns: axis(columns)}
		if g.pixels() == 0 {
			break
		}
		s := Stage[float32]{Convolution: g, W: random[float32](rng, g.Out*g.terms()), Bias: random[float32](rng, g.Out), ReLU: rng.IntN(3) > 0}
		in, rows, columns = g.Out, g.Rows.Out(), g.Columns.Out()
		if rng.IntN(2) == 0 && min(rows, columns) >= 3 {
			s.Pool = Pool{Axis{rows, 1 + rng.IntN(3), 1 + rng.IntN(2), 0, 1}, Axis{columns, 1 + rng.IntN(3), 1 + rng.IntN(2), 0, 1}}
			rows, columns = s.Pool.Rows.Out(), s.Pool.Columns.Out()
		}
		stages = append(stages, s)
	}
	return stages
}

// oneByOne computes a chain layer by layer.
func oneByOne(stages []Stage[float32], n int, x []float32) []float32 {
	for _, s := range stages {
		y := make([]float32, n*s.outputs())
		Convolve(1, s.Convolution, y, x, s.W, s.Bias)
		if s.ReLU {
			ReLU(1, y, y)
		}
		if x = y; s.Pool != (Pool{}) {
			x = make([]float32, n*s.Out*s.Pool.outputs())
			MaxPool(1, s.Pool, x, y, make([]int32, len(x)))
		}
	}
	return x
}

func runChain(stages []Stage[float32], threads int, y, x []float32) bool {
	var c Chain[float32]
	for _, s := range stages {
		c.Add(s)
	}
	if !c.Ready() {
		return false
	}
	c.Run(threads, y, x)
	return true
}

// A chain has the bits of its layers one by one, for any number of images and threads.
func TestChainChangesNoBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	did := 0
	for i := range 200 {
		stages, n := randomStages(rng, 1+rng.IntN(4)), 1+rng.IntN(4)
		if len(stages) == 0 {
			continue
		}
		x := random[float32](rng, n*stages[0].inputs())
		if i%10 == 0 {
			x[rng.IntN(len(x))] = float32(math.NaN())
		}
		want := oneByOne(stages, n, x)
		for _, path := range paths {
			for _, threads := range []int{1, 3} {
				t.Run(fmt.Sprintf("%d: %d stages, %d images, %s, %d threads", i, len(stages), n, path, threads), func(t *testing.T) {
					use(path)
					defer use(paths[0])
					got := make([]float32, len(want))
					if !runChain(stages, threads, got, x) {
						return
					}
					did++
					sameBits(t, "y", got, want)
				})
			}
		}
	}
	if did == 0 && imageKernelsOf[float32]() != nil {
		t.Error("no chain was computed")
	}
}
