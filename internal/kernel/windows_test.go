package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// pools are of every kind; those of 2x2 have a kernel of their own, and so have columns that
// lie 1, 2 or 3 apart.
func pools() (all []Pool) {
	for _, n := range []int{2, 3, 4, 7, 14, 15, 16, 17, 24, 31, 33, 64, 66, 100} {
		all = append(all, Pool{Axis{5, 2, 2, 0, 1}, Axis{n, 2, 2, 0, 1}})
	}
	for stride := 1; stride <= 5; stride++ {
		for kernel := 1; kernel <= 4; kernel++ {
			for padding := range (kernel + 1) / 2 {
				for _, n := range []int{4, 5, 12, 34, 51, 97} {
					all = append(all, Pool{Axis{4, 2, 1, 0, 1}, Axis{n, kernel, stride, padding, 1}})
				}
			}
		}
	}
	return append(all,
		Pool{Axis{7, 3, 2, 1, 1}, Axis{9, 3, 2, 1, 1}},
		Pool{Axis{1, 1, 1, 0, 1}, Axis{11, 4, 3, 2, 1}},
		Pool{Axis{6, 2, 2, 0, 1}, Axis{8, 2, 1, 1, 1}},
		Pool{Axis{6, 3, 1, 0, 1}, Axis{8, 2, 2, 0, 1}},
		Pool{Axis{28, 3, 1, 1, 1}, Axis{28, 3, 1, 1, 1}},
		Pool{Axis{33, 3, 2, 1, 1}, Axis{70, 3, 2, 1, 1}},
		Pool{Axis{5, 5, 7, 2, 1}, Axis{40, 3, 5, 1, 1}},
		Pool{Axis{12, 1, 3, 0, 1}, Axis{9, 1, 2, 0, 1}},
		Pool{Axis{8, 8, 8, 0, 1}, Axis{8, 8, 8, 0, 1}})
}

// fewNumbers returns numbers of which many are equal, zeros of either sign, infinities
// and NaN.
func fewNumbers[T Float](rng *rand.Rand, n int) []T {
	few := []float64{1, 2, 0, math.Copysign(0, -1), -1, math.Inf(1), math.Inf(-1), math.NaN()}
	x := make([]T, n)
	for i := range x {
		x[i] = T(few[rng.IntN(len(few))])
	}
	return x
}

// ties is fewNumbers without NaN.
func ties[T Float](rng *rand.Rand, n int) []T {
	x := fewNumbers[T](rng, n)
	for i, v := range x {
		if v != v {
			x[i] = T(math.Inf(-1))
		}
	}
	return x
}

// onAllPaths calls f on each path.
func onAllPaths(t *testing.T, f func(t *testing.T)) {
	for _, path := range Paths() {
		t.Run(path, func(t *testing.T) {
			restore, err := Use(path)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			f(t)
		})
	}
}

// TestMaxPool: the maximum is that of a search from the first element of a window to the
// last, which a NaN ends.
func TestMaxPool(t *testing.T) {
	t.Run("float32", testMaxPool[float32])
	t.Run("float64", testMaxPool[float64])
}

func testMaxPool[T Float](t *testing.T) {
	onAllPaths(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(41, 0))
		for _, g := range pools() {
			for _, draw := range []func(*rand.Rand, int) []T{random[T], ties[T], fewNumbers[T]} {
				const planes = 3
				x := draw(rng, planes*g.inputs())
				y, checkY := guarded(t, "y", make([]T, planes*g.outputs()))
				choices := make([]int32, len(y)+1)
				choices[len(y)] = -7
				MaxPool(1, g, y, x, choices[:len(y)])
				checkY()
				if choices[len(y)] != -7 {
					t.Fatalf("%+v: MaxPool wrote behind choices", g)
				}
				i := 0
				for p := range planes {
					plane := x[p*g.inputs():][:g.inputs()]
					for r := range g.Rows.Out() {
						for c := range g.Columns.Out() {
							want := -1
							for a := range g.Rows.Kernel {
								for b := range g.Columns.Kernel {
									row, column := r*g.Rows.Stride+a-g.Rows.Padding, c*g.Columns.Stride+b-g.Columns.Padding
									at := row*g.Columns.Size + column
									if row < 0 || row >= g.Rows.Size || column < 0 || column >= g.Columns.Size {
										continue
									}
									if want < 0 || plane[want] == plane[want] && !(plane[at] <= plane[want]) {
										want = at
									}
								}
							}
							if int(choices[i]) != want || bits(y[i]) != bits(plane[want]) {
								t.Fatalf("%+v: element %d is %v, the one at %d, want %v, that at %d", g, i, y[i], choices[i], plane[want], want)
							}
							i++
						}
					}
				}
			}
		}
	})
}

func TestMaxPoolBackward(t *testing.T) {
	g := Pool{Axis{1, 1, 1, 0, 1}, Axis{4, 2, 1, 0, 1}}
	y, choices, dx := make([]float32, 3), make([]int32, 3), make([]float32, 4)
	MaxPool(1, g, y, []float32{1, 3, 3, 2}, choices)
	MaxPoolBackward(1, g, dx, []float32{1, 10, 100}, choices)
	if want := []float32{0, 11, 100, 0}; !slices.Equal(dx, want) {
		t.Errorf("dx is %v, want %v", dx, want)
	}
}

func TestAveragePool(t *testing.T) {
	g := Pool{Axis{2, 2, 1, 1, 1}, Axis{3, 3, 2, 1, 1}}
	y, dx := make([]float64, 6), make([]float64, 6)
	AveragePool(1, g, y, []float64{6, 12, 18, 24, 30, 36})
	if want := []float64{3, 5, 12, 16, 9, 11}; !slices.Equal(y, want) {
		t.Errorf("y is %v, want %v", y, want)
	}
	AveragePoolBackward(1, g, dx, []float64{6, 12, 18, 24, 30, 36})
	if want := []float64{4, 10, 6, 8, 18, 10}; !slices.Equal(dx, want) {
		t.Errorf("dx is %v, want %v", dx, want)
	}
}

// TestAveragePoolOnAllPaths: every path gives the bits of the loops in Go, and writes
// nothing else.
func TestAveragePoolOnAllPaths(t *testing.T) {
	t.Run("float32", testAveragePool[float32])
	t.Run("float64", testAveragePool[float64])
}

func testAveragePool[T Float](t *testing.T) {
	const planes = 3
	rng := rand.New(rand.NewPCG(43, 0))
	for _, g := range pools() {
		for _, draw := range []func(*rand.Rand, int) []T{random[T], fewNumbers[T], nasty[T]} {
			x, dy := draw(rng, planes*g.inputs()), draw(rng, planes*g.outputs())
			y, dx := make([]T, len(dy)), make([]T, len(x))
			restore := use(goPath)
			AveragePool(1, g, y, x)
			AveragePoolBackward(1, g, dx, dy)
			restore()
			onAllPaths(t, func(t *testing.T) {
				for _, threads := range []int{1, 2} {
					gotY, checkY := guarded(t, "y", make([]T, len(y)))
					gotX, checkX := guarded(t, "dx", random[T](rng, len(x)))
					AveragePool(threads, g, gotY, x)
					AveragePoolBackward(threads, g, gotX, dy)
					sameBits(t, fmt.Sprintf("y of %+v", g), gotY, y)
					sameBits(t, fmt.Sprintf("dx of %+v", g), gotX, dx)
					checkY()
					checkX()
				}
			})
		}
	}
}

func TestAverages(t *testing.T) {
	y, dx := make([]float64, 2), make([]float64, 6)
	Averages(1, y, []float64{1, 2, 6, 3, 4, 5})
	AveragesBackward(1, dx, []float64{3, 6})
	if want := []float64{3, 4}; !slices.Equal(y, want) {
		t.Errorf("y is %v, want %v", y, want)
	}
	if want := []float64{1, 1, 1, 2, 2, 2}; !slices.Equal(dx, want) {
		t.Errorf("dx is %v, want %v", dx, want)
	}
	mustPanic(t, "whole number of rows", func() { Averages(1, y, make([]float64, 5)) })
}

// TestConvolutionAndMaxPool: in one pass they have the bits of one after the other.
func TestConvolutionAndMaxPool(t *testing.T) {
	t.Run("float32", testConvolutionAndMaxPool[float32])
	t.Run("float64", testConvolutionAndMaxPool[float64])
}

func testConvolutionAndMaxPool[T Float](t *testing.T) {
	onAllPaths(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(42, 0))
		for _, pool := range pools() {
			g := Convolution{1, 2, 9, Axis{pool.Rows.Size, 1, 1, 0, 1}, Axis{pool.Columns.Size, 3, 1, 1, 1}}
			c := newConvolved(rng, g, 3, nasty[T])
			size := 3 * g.Out * pool.outputs()
			y, choices, dPool := make([]T, size), make([]int32, size), nasty[T](rng, size)

			// Apart.
			ConvolveReLU(1, g, c.y, c.x, c.w, c.bias)
			MaxPool(1, pool, y, c.y, choices)
			MaxPoolBackward(1, pool, c.dy, dPool, choices)
			dw, dbias, dx := slices.Clone(c.dw), slices.Clone(c.dbias), make([]T, len(c.x))
			ConvolveReLUBackward(1, g, dx, dw, dbias, c.dy, c.x, c.w, c.y)

			for _, threads := range []int{1, 3} {
				what := fmt.Sprintf("%+v, %d threads: ", pool, threads)
				gotY, gotChoices, gotW, gotB := make([]T, size), make([]int32, size), slices.Clone(c.dw), slices.Clone(c.dbias)
				ConvolveReLUMaxPool(threads, g, pool, gotY, c.x, c.w, c.bias, gotChoices)
				ConvolveReLUMaxPoolBackward(threads, g, pool, c.dx, gotW, gotB, dPool, c.x, c.w, gotY, gotChoices)
				sameBits(t, what+"y", gotY, y)
				sameBits(t, what+"dx", c.dx, dx)
				sameBits(t, what+"dw", gotW, dw)
				sameBits(t, what+"dbias", gotB, dbias)
				if !slices.Equal(gotChoices, choices) {
					t.Fatalf("%schoices are %v, want %v", what, gotChoices, choices)
				}
			}
		}
	})
}
