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
			a := Axis{Size: n, Kernel: 2 + rng.IntN(3), Stride: 1 + rng.IntN(2), Dilation: 1 + rng.IntN(2)}
			a.Padding = rng.IntN(a.reach() + 1)
			return a
		}
		g := Convolution{Groups: 1, In: in, Out: 8 * (1 + rng.IntN(8)), Rows: axis(rows), Columns: axis(columns)}
		if g.pixels() == 0 {
			break
		}
		s := stageWith(rng, g)
		s.ReLU = rng.IntN(3) > 0
		in, rows, columns = g.Out, g.Rows.Out(), g.Columns.Out()
		if rng.IntN(2) == 0 && min(rows, columns) >= 3 {
			s.Pool = Pool{Axis{rows, 1 + rng.IntN(3), 1 + rng.IntN(2), 0, 1}, Axis{columns, 1 + rng.IntN(3), 1 + rng.IntN(2), 0, 1}}
			rows, columns = s.Pool.Rows.Out(), s.Pool.Columns.Out()
		}
		stages = append(stages, s)
	}
	return stages
}

// stageWith returns a stage with weights drawn, a few of them -0 or 0.
func stageWith(rng *rand.Rand, g Convolution) Stage[float32] {
	s := Stage[float32]{Convolution: g, W: random[float32](rng, g.Out*g.terms()), Bias: random[float32](rng, g.Out)}
	for range 1 + len(s.W)/10 {
		s.W[rng.IntN(len(s.W))] = signed(rng.IntN(2))
	}
	return s
}

// signed returns 0, or -0 for 1.
func signed(sign int) float32 { return float32(math.Copysign(0, float64(-sign))) }

// twoStages is a chain that all kernels compute.
func twoStages() []Stage[float32] {
	rng := rand.New(rand.NewPCG(3, 4))
	first := Convolution{1, 2, 16, Axis{7, 3, 1, 1, 1}, Axis{9, 3, 1, 1, 1}}
	second := Convolution{1, 16, 32, Axis{7, 3, 1, 1, 1}, Axis{9, 3, 2, 1, 1}}
	a, b := stageWith(rng, first), stageWith(rng, second)
	a.ReLU = true
	b.Pool = Pool{Axis{7, 2, 2, 0, 1}, Axis{5, 2, 2, 0, 1}}
	return []Stage[float32]{a, b}
}

// oneByOne computes a chain layer by layer.
func oneByOne(stages []Stage[float32], x []float32) []float32 {
	n := len(x) / stages[0].inputs()
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

// ready sets a chain to stages, and reports whether it can compute them.
func ready(c *Chain[float32], stages []Stage[float32]) bool {
	c.Clear()
	for _, s := range stages {
		c.Add(s)
	}
	return c.Ready()
}

// canChain reports whether there are kernels for chains.
func canChain() bool {
	k := imageKernelsOf[float32]()
	return k != nil && k.channels != nil
}

// onPaths runs a test on each path.
func onPaths(t *testing.T, test func(*testing.T)) {
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			defer use(path)()
			test(t)
		})
	}
}

// A chain has the bits of its layers one by one, for any number of images and threads, and
// whatever it was used for before.
func TestChainChangesNoBit(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		rng, did := rand.New(rand.NewPCG(1, 2)), 0
		var c Chain[float32]
		for i := range 150 {
			stages, n := randomStages(rng, 1+rng.IntN(4)), 1+rng.IntN(4)
			if len(stages) == 0 || !ready(&c, stages) {
				continue
			}
			did++
			x := random[float32](rng, n*stages[0].inputs())
			x[rng.IntN(len(x))] = signed(1)
			if special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32, 1e-45}; i%2 == 0 {
				x[rng.IntN(len(x))] = float32(special[i/2%len(special)])
			}
			if i%5 == 0 {
				stages[0].Bias[rng.IntN(stages[0].Out)] = float32(math.NaN())
			}
			want := oneByOne(stages, x)
			for _, threads := range []int{1, 2, 3} {
				t.Run(fmt.Sprintf("%d: %d stages, %d images, %d threads", i, len(stages), n, threads), func(t *testing.T) {
					got := make([]float32, len(want))
					c.Run(threads, got, x)
					sameBits(t, "y", got, want)
				})
			}
		}
		if canChain() && did < 30 {
			t.Errorf("%d chains were computed, want 30 or more", did)
		}
	})
}

// A chain sees each change of its weights, by whomever, were it only of a sign.
func TestChainSeesChangedWeights(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		if !canChain() {
			t.Skip("no kernels for chains")
		}
		stages := twoStages()
		x := random[float32](rand.New(rand.NewPCG(5, 6)), stages[0].inputs())
		x[0] = float32(math.Inf(1)) // times 0 is NaN
		var c Chain[float32]
		check := func(what string) {
			t.Helper()
			want := oneByOne(stages, x)
			got := make([]float32, len(want))
			if !ready(&c, stages) {
				t.Fatalf("%s: not ready", what)
			}
			c.Run(1, got, x)
			sameBits(t, what, got, want)
		}
		check("first")
		for i, s := range stages {
			for _, at := range []int{0, len(s.W) / 2, len(s.W) - 1} {
				for _, w := range []float32{7, signed(0), signed(1)} {
					s.W[at] = w
					check(fmt.Sprintf("stage %d, weight %d is %v", i, at, w))
				}
			}
			s.Bias[s.Out-1]++
			check(fmt.Sprintf("stage %d, bias", i))
		}
		s := &stages[0] // the same weights, as those of more channels
		s.In, s.Out, s.Bias = 1, 32, make([]float32, 32)
		stages, x = stages[:1], x[:s.inputs()]
		check("another shape")
	})
}

func TestChainIsNotReady(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s []Stage[float32])
	}{
		{"groups", func(s []Stage[float32]) { s[1].Groups = 2; s[1].W = s[1].W[:len(s[1].W)/2] }},
		{"no whole vectors", func(s []Stage[float32]) { s[1].Out = 12; s[1].W, s[1].Bias = s[1].W[:12*s[1].terms()], s[1].Bias[:12] }},
		{"padding of a pool's rows", func(s []Stage[float32]) { s[1].Pool.Rows.Padding = 1 }},
		{"padding of a pool's columns", func(s []Stage[float32]) { s[1].Pool.Columns.Padding = 1 }},
		{"NaN", func(s []Stage[float32]) { s[0].W[5] = float32(math.NaN()) }},
		{"Inf", func(s []Stage[float32]) { s[1].W[len(s[1].W)-1] = float32(math.Inf(-1)) }},
		{"only padding", func(s []Stage[float32]) { s[1].Rows.Padding, s[1].Rows.Stride = 5, 5; s[1].Pool = Pool{} }},
		{"kernel of a row", func(s []Stage[float32]) {
			s[1].Rows.Kernel, s[1].Rows.Padding, s[1].W = 1, 0, s[1].W[:len(s[1].W)/3]
		}},
		{"kernel of a column", func(s []Stage[float32]) {
			s[1].Columns.Kernel, s[1].Columns.Padding, s[1].W = 1, 0, s[1].W[:len(s[1].W)/3]
		}},
		{"many weights", func(s []Stage[float32]) {
			s[1].Out = 2048
			s[1].W, s[1].Bias = make([]float32, 2048*s[1].terms()), make([]float32, 2048)
		}},
		{"large images", func(s []Stage[float32]) {
			s[0].Columns.Size, s[1].Columns.Size, s[1].Pool = 1<<13, 1<<13, Pool{}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			stages := twoStages()
			var c Chain[float32]
			if ready(&c, stages) != canChain() {
				t.Fatalf("ready before the change: %t", !canChain())
			}
			test.change(stages)
			if ready(&c, stages) {
				t.Error("ready")
			}
		})
	}
	t.Run("no stages", func(t *testing.T) {
		if new(Chain[float32]).Ready() {
			t.Error("ready")
		}
	})
	t.Run("float64", func(t *testing.T) {
		g := Convolution{1, 1, 16, Axis{4, 3, 1, 1, 1}, Axis{4, 3, 1, 1, 1}}
		var c Chain[float64]
		c.Add(Stage[float64]{Convolution: g, W: make([]float64, 9*16), Bias: make([]float64, 16)})
		if c.Ready() {
			t.Error("ready")
		}
	})
}

func TestChainOfWrongLengths(t *testing.T) {
	if !canChain() {
		t.Skip("no kernels for chains")
	}
	for _, test := range []struct {
		name   string
		change func(s []Stage[float32])
	}{
		{"stages", func(s []Stage[float32]) { s[1].Rows.Size++ }},
		{"weights", func(s []Stage[float32]) { s[1].W = s[1].W[1:] }},
		{"bias", func(s []Stage[float32]) { s[1].Bias = s[1].Bias[1:] }},
		{"pool", func(s []Stage[float32]) { s[1].Pool.Rows.Size++ }},
	} {
		t.Run(test.name, func(t *testing.T) {
			stages := twoStages()
			test.change(stages)
			mustPanic(t, "kernel.Chain: stage 1", func() { ready(new(Chain[float32]), stages) })
		})
	}
	t.Run("images", func(t *testing.T) {
		stages := twoStages()
		var c Chain[float32]
		ready(&c, stages)
		x := make([]float32, stages[0].inputs())
		y := oneByOne(stages, x)
		mustPanic(t, "kernel.Chain: x and y", func() { c.Run(1, y, x[1:]) })
		mustPanic(t, "kernel.Chain: x and y", func() { c.Run(1, y[1:], x) })
	})
}

func TestChainAllocatesNothing(t *testing.T) {
	onPaths(t, func(t *testing.T) {
		if !canChain() {
			t.Skip("no kernels for chains")
		}
		stages := twoStages()
		x := make([]float32, 2*stages[0].inputs())
		y := oneByOne(stages, x)
		var c Chain[float32]
		for _, threads := range []int{1, 3} {
			step := func() {
				stages[0].W[0]++ // arranged anew
				ready(&c, stages)
				c.Run(threads, y, x)
			}
			if n := testing.AllocsPerRun(5, step); n != 0 {
				t.Errorf("%d threads: %v allocations", threads, n)
			}
		}
	})
}
