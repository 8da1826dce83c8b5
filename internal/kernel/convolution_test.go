package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomConvolution draws a convolution of every kind: several groups, any stride,
// padding (also more than the kernel reaches) and dilation, and one axis only.
func randomConvolution(rng *rand.Rand) Convolution {
	axis := func() Axis {
		a := Axis{Size: 1 + rng.IntN(20), Kernel: 1 + rng.IntN(5), Stride: 1 + rng.IntN(3), Padding: rng.IntN(4), Dilation: 1 + rng.IntN(3)}
		a.Size = max(a.Size, a.reach()+1-2*a.Padding)
		return a
	}
	g := Convolution{Groups: 1 + rng.IntN(3), Rows: axis(), Columns: axis()}
	g.In, g.Out = g.Groups*(1+rng.IntN(4)), g.Groups*(1+rng.IntN(40))
	switch rng.IntN(4) {
	case 0:
		g.Rows = Axis{1, 1, 1, 0, 1}
	case 1:
		g.Rows.Stride, g.Rows.Dilation, g.Columns.Stride, g.Columns.Dilation = 1, 1, 1, 1
	}
	return g
}

// A convolved is a convolution with its numbers.
type convolved[T Float] struct {
	Convolution
	y, x, w, bias, dy, dx, dw, dbias []T
}

func newConvolved[T Float](rng *rand.Rand, g Convolution, n int, draw func(*rand.Rand, int) []T) convolved[T] {
	weights := g.Out * g.terms()
	return convolved[T]{
		Convolution: g, x: draw(rng, n*g.inputs()), w: draw(rng, weights), bias: draw(rng, g.Out), dy: draw(rng, n*g.outputs()),
		y: make([]T, n*g.outputs()), dx: make([]T, n*g.inputs()), dw: draw(rng, weights), dbias: draw(rng, g.Out),
	}
}

// each calls f for every product in y: of the elements at of x, weight of w and to of y
// in image n, in the order of the weights of an element of y.
func (c Convolution) each(n int, f func(at, weight, to int)) {
	in, out := c.In/c.Groups, c.Out/c.Groups
	for p := range c.Out {
		for i := range c.Rows.Out() {
			for j := range c.Columns.Out() {
				to := ((n*c.Out+p)*c.Rows.Out()+i)*c.Columns.Out() + j
				for q := range in {
					for a := range c.Rows.Kernel {
						for b := range c.Columns.Kernel {
							row := i*c.Rows.Stride + a*c.Rows.Dilation - c.Rows.Padding
							column := j*c.Columns.Stride + b*c.Columns.Dilation - c.Columns.Padding
							if row < 0 || row >= c.Rows.Size || column < 0 || column >= c.Columns.Size {
								continue
							}
							at := ((n*c.In+p/out*in+q)*c.Rows.Size+row)*c.Columns.Size + column
							f(at, ((p*in+q)*c.Rows.Kernel+a)*c.Columns.Kernel+b, to)
						}
					}
				}
			}
		}
	}
}

// byDefinition computes all results one product after another.
func (c convolved[T]) byDefinition(relu bool) convolved[T] {
	n, pixels := len(c.x)/c.inputs(), c.pixels()
	y, dx, dw, dbias := make([]T, len(c.y)), make([]T, len(c.dx)), append([]T(nil), c.dw...), append([]T(nil), c.dbias...)
	for i := range y {
		y[i] = c.bias[i/pixels%c.Out]
	}
	for i := range n {
		c.each(i, func(at, weight, to int) { y[to] = fma(c.w[weight], c.x[at], y[to]) })
	}
	for i := range y {
		if y[i] += 0; relu {
			y[i] = max(y[i], 0)
		}
	}
	dy := append([]T(nil), c.dy...)
	for i := range dy {
		if relu && y[i] <= 0 {
			dy[i] = 0
		}
	}
	// dx: by planes of y, and for each from the last element of the kernel to the first.
	kernel := c.Rows.Kernel * c.Columns.Kernel
	for i := range n {
		terms := make([][][2]int, c.Out*kernel)
		c.each(i, func(at, weight, to int) {
			k := weight/c.terms()*kernel + kernel - 1 - weight%kernel
			terms[k] = append(terms[k], [2]int{at, to})
		})
		for k, all := range terms {
			for _, t := range all {
				in := t[0] / (c.Rows.Size * c.Columns.Size) % (c.In / c.Groups) // in the group
				weight := k/kernel*c.terms() + in*kernel + kernel - 1 - k%kernel
				dx[t[0]] = fma(c.w[weight], dy[t[1]], dx[t[0]])
			}
		}
	}
	for i := range dx {
		dx[i] += 0
	}
	parts := min(n, 16)
	totalW, totalB := make([]T, len(dw)), make([]T, len(dbias))
	for part := range parts {
		sumW, sumB := make([]T, len(dw)), make([]T, len(dbias))
		for i := part * n / parts; i < (part+1)*n/parts; i++ {
			c.each(i, func(at, weight, to int) { sumW[weight] = fma(c.x[at], dy[to], sumW[weight]) })
			for p := range sumB {
				sumB[p] += Sum(dy[(i*c.Out+p)*pixels:][:pixels])
			}
		}
		for i, v := range sumW {
			totalW[i] += v
		}
		for i, v := range sumB {
			totalB[i] += v
		}
	}
	for i, v := range totalW {
		dw[i] += v + 0
	}
	for i, v := range totalB {
		dbias[i] += v + 0
	}
	return convolved[T]{y: y, dx: dx, dw: dw, dbias: dbias}
}

// TestConvolutionsByDefinition: on every path and any number of threads, convolutions of
// all kinds have the bits of their terms taken one after another.
func TestConvolutionsByDefinition(t *testing.T) {
	t.Run("float32", testConvolutions[float32])
	t.Run("float64", testConvolutions[float64])
}

func testConvolutions[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 0))
	for trial := range 60 {
		g := randomConvolution(rng)
		draw := random[T]
		if trial%3 == 2 {
			draw = nasty[T]
		}
		c := newConvolved(rng, g, []int{1, 2, 3, 20}[rng.IntN(4)], draw)
		for _, relu := range []bool{false, true} {
			want := c.byDefinition(relu)
			for _, path := range Paths() {
				for _, threads := range []int{1, 2, 3} {
					restore, err := Use(path)
					if err != nil {
						t.Fatal(err)
					}
					got := c
					got.dw, got.dbias = append([]T(nil), c.dw...), append([]T(nil), c.dbias...)
					what := fmt.Sprintf("%+v, %d images, ReLU %t, path %s, %d threads: ", g, len(c.x)/g.inputs(), relu, path, threads)
					got.compute(t, what, threads, relu)
					restore()
					sameBits(t, what+"y", got.y, want.y)
					sameBits(t, what+"dx", got.dx, want.dx)
					sameBits(t, what+"dw", got.dw, want.dw)
					sameBits(t, what+"dbias", got.dbias, want.dbias)
				}
			}
		}
	}
}

// compute computes all results by the kernels, which must keep to their slices.
func (c *convolved[T]) compute(t *testing.T, what string, threads int, relu bool) {
	y, checkY := guarded(t, what+"y", c.y)
	dx, checkX := guarded(t, what+"dx", c.dx)
	c.y, c.dx = y, dx
	if relu {
		ConvolveReLU(threads, c.Convolution, c.y, c.x, c.w, c.bias)
		ConvolveReLUBackward(threads, c.Convolution, c.dx, c.dw, c.dbias, c.dy, c.x, c.w, c.y)
	} else {
		Convolve(threads, c.Convolution, c.y, c.x, c.w, c.bias)
		ConvolveBackward(threads, c.Convolution, c.dx, c.dw, c.dbias, c.dy, c.x, c.w)
	}
	checkY()
	checkX()
}

// Without dx the other gradients are the same.
func TestConvolutionWithoutDX(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 0))
	c := newConvolved(rng, randomConvolution(rng), 3, random[float32])
	c.dw, c.dbias = make([]float32, len(c.dw)), make([]float32, len(c.dbias))
	with := c
	with.compute(t, "", 1, false)
	dw, dbias := make([]float32, len(c.dw)), make([]float32, len(c.dbias))
	ConvolveBackward(1, c.Convolution, nil, dw, dbias, c.dy, c.x, c.w)
	sameBits(t, "dw", dw, with.dw)
	sameBits(t, "dbias", dbias, with.dbias)
}

func TestConvolutionAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 0))
	c := newConvolved(rng, Convolution{1, 3, 5, Axis{9, 3, 1, 1, 1}, Axis{8, 3, 2, 1, 1}}, 20, random[float32])
	for _, threads := range []int{1, 2} {
		if n := testing.AllocsPerRun(5, func() {
			ConvolveReLU(threads, c.Convolution, c.y, c.x, c.w, c.bias)
			ConvolveReLUBackward(threads, c.Convolution, c.dx, c.dw, c.dbias, c.dy, c.x, c.w, c.y)
		}); n != 0 {
			t.Errorf("%d threads: %v allocations", threads, n)
		}
	}
}

func TestConvolutionOfWrongLengths(t *testing.T) {
	g := Convolution{1, 1, 1, Axis{4, 3, 1, 0, 1}, Axis{4, 3, 1, 0, 1}}
	x, y, w, b := make([]float32, 16), make([]float32, 4), make([]float32, 9), make([]float32, 1)
	mustPanic(t, "kernel.Convolve:", func() { Convolve(1, g, y[:3], x, w, b) })
	mustPanic(t, "kernel.Convolve:", func() { Convolve(1, g, y, x, w[:8], b) })
	mustPanic(t, "kernel.ConvolveBackward:", func() { ConvolveBackward(1, g, x[:15], w, b, y, x, w) })
	mustPanic(t, "kernel.ConvolveBackward:", func() { ConvolveReLUBackward(1, g, nil, w, b, y, x, w, x) })
	g.Rows.Size = 2
	mustPanic(t, "kernel.Convolve:", func() { Convolve(1, g, nil, x[:8], w, b) })
}

// TestPlacedImagesAreSmall: strides and dilations as large as an image leave a placed image
// no larger than twice the padded one, or than as many of the result as there may be copies.
func TestPlacedImagesAreSmall(t *testing.T) {
	for _, test := range []struct {
		name string
		axis Axis
	}{
		{"stride of the image", Axis{64, 3, 64, 1, 1}},
		{"stride beyond the image", Axis{64, 3, 1 << 20, 1, 1}},
		{"dilation of half the image", Axis{64, 3, 1, 1, 32}},
		{"stride and dilation", Axis{64, 3, 30, 1, 31}},
		{"stride beyond the image and dilation", Axis{64, 5, 1 << 20, 0, 15}},
		{"wide kernel", Axis{64, 60, 1, 30, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := Convolution{1, 2, 2, test.axis, test.axis}
			var forward, back correlation
			forward.of(g, 0, g.Rows.Out())
			back.ofGradient(g)
			padded := test.axis.Size + 2*test.axis.Padding
			most := 2 * 2 * padded * max(2*padded, mostCopies*test.axis.Size)
			if got := max(forward.size(), back.size()); got > most+test.axis.Size+100 {
				t.Errorf("%+v: %d elements, want at most %d", test.axis, got, most)
			}
		})
	}
}
