package graph_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

// TestReLU: the book's x, and 0 and NaN, which are choices.
func TestReLU(t *testing.T) {
	nan := math.NaN()
	g := graph.New[float64]()
	x := g.Input("x", []float64{1, -0.5, -2, 3, 0, nan}, 6)
	y := graph.ReLU(g, x)
	g.BackwardFrom(y, []float64{1, 1, 1, 1, 1, 1})
	equal(t, "y", y.Value, []float64{1, 0, 0, 3, 0, nan})
	equal(t, "dx", x.Grad, []float64{1, 0, 0, 1, 0, 1})
}

// TestSigmoid: what the nodes give is y·(1 - y).
func TestSigmoid(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{-30, -2, -0.5, 0, 0.5, 2, 30}, 7)
	y := graph.Sigmoid(g, x)
	g.BackwardFrom(y, []float64{1, 1, 1, 1, 1, 1, 1})
	for i, v := range x.Value {
		// 1 - y of y near 1 has no digits left; 1/(1+e^x) has.
		want := 1 / (1 + math.Exp(v)) / (1 + math.Exp(-v))
		if math.Abs(x.Grad[i]-want) > 1e-15*want {
			t.Errorf("dx at %v: %v, want %v", v, x.Grad[i], want)
		}
	}
	if y.Value[3] != 0.5 {
		t.Errorf("sigmoid 0 = %v", y.Value[3])
	}
}

// TestAffine: one sample and a batch; the numbers are the book's.
func TestAffine(t *testing.T) {
	w, b := []float64{2, 4, 6, 4, 3, 2}, []float64{1, 2, 3}
	for _, test := range []struct {
		x, y, dy, db []float64
		n            []int // the axes before the last
	}{
		{[]float64{1, 2}, []float64{11, 12, 13}, []float64{4, 5, 6}, []float64{4, 5, 6}, nil},
		{[]float64{0, 0, 1, 2}, []float64{1, 2, 3, 11, 12, 13}, []float64{1, 2, 3, 4, 5, 6}, []float64{5, 7, 9}, []int{2}},
	} {
		g := graph.New[float64]()
		x := g.Input("x", test.x, append(test.n, 2)...)
		bias := g.Input("b", b, 3)
		y := graph.Affine(g, x, g.Input("W", w, 2, 3), bias)
		equal(t, "y", y.Value, test.y)
		g.BackwardFrom(y, test.dy)
		equal(t, "db", bias.Grad, test.db)
	}
}

// TestSoftmaxWithLoss: dx is (softmax(x) - t)/N, for one-hot and soft targets,
// however large the logits; and the complex step says the same.
func TestSoftmaxWithLoss(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 3))
	for _, shape := range [][]int{{4}, {2, 4}, {3, 4}} {
		samples := 1
		if len(shape) > 1 {
			samples = shape[0]
		}
		for _, scale := range []float64{1, 1e4} {
			var logits, targets []float64
			for range 4 * samples {
				logits = append(logits, scale*random.NormFloat64())
				targets = append(targets, 0.25)
			}
			copy(targets, []float64{0, 1, 0, 0})

			g := graph.New[float64]()
			x := g.Input("x", logits, shape...)
			y := graph.Softmax(g, x)
			l := graph.SoftmaxWithLoss(g, x, g.Input("t", targets, shape...))
			g.Backward(l)

			for _, n := range g.Nodes() {
				if n.Op == "max" && slices.ContainsFunc(n.Grad, func(v float64) bool { return v != 0 }) {
					t.Errorf("%v, scale %v: the gradient of the largest is %v, want exactly 0", shape, scale, n.Grad)
				}
			}

			complexG := graph.New[complex128]()
			complexX := complexG.Input("x", graph.Numbers[complex128](logits...), shape...)
			complexL := graph.SoftmaxWithLoss(complexG, complexX, complexG.Input("t", graph.Numbers[complex128](targets...), shape...))
			step := graph.ComplexStep(complexG, complexL, complexX)

			for i := range logits {
				want := (y.Value[i] - targets[i]) / float64(samples)
				if math.Abs(x.Grad[i]-want) > 1e-15 {
					t.Errorf("%v, scale %v: dx[%d] = %v, want %v", shape, scale, i, x.Grad[i], want)
				}
				if math.Abs(step[i]-want) > 1e-15 {
					t.Errorf("%v, scale %v: dx[%d] by complex step = %v, want %v", shape, scale, i, step[i], want)
				}
			}
			if !(l.Value[0] > 0) || math.IsInf(l.Value[0], 1) {
				t.Errorf("%v, scale %v: loss %v", shape, scale, l.Value[0])
			}
		}
	}
}

// TestTanh: the gradient is 1 - y², also where y is near 1.
func TestTanh(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{-800, -20, -1, 0, 0.5, 3, 20, 800}, 8)
	y := graph.Tanh(g, x)
	g.BackwardFrom(y, []float64{1, 1, 1, 1, 1, 1, 1, 1})
	for i, v := range x.Value {
		e := math.Exp(-2 * math.Abs(v))
		want := 4 * e / (1 + e) / (1 + e) // 1 - y² without its cancellation
		if math.Abs(x.Grad[i]-want) > 2e-15*want {
			t.Errorf("dx at %v: %v, want %v", v, x.Grad[i], want)
		}
	}
}

// TestMeanSquaredError: the mean over all elements, by hand; its gradient is
// 2(y - t) divided by their number.
func TestMeanSquaredError(t *testing.T) {
	g := graph.New[float64]()
	y := g.Input("y", []float64{1, 2, 3, 4}, 2, 2)
	target := g.Input("t", []float64{1, 0, 6, 5}, 2, 2)
	l := graph.MeanSquaredError(g, y, target)
	g.Backward(l)
	equal(t, "loss", l.Value, []float64{3.5})
	equal(t, "dy", y.Grad, []float64{0, 1, -1.5, -0.5})
	equal(t, "dt", target.Grad, []float64{0, -1, 1.5, 0.5})
}

// TestConvolution: a convolution is a gather, a dot and a gather.
func TestConvolution(t *testing.T) {
	const channels, height, width, filters, side = 2, 4, 5, 3, 3
	random := rand.New(rand.NewPCG(1, 7))
	draw := func(n int) (data []float64) {
		for range n {
			data = append(data, random.NormFloat64())
		}
		return data
	}
	g := graph.New[float64]()
	x := g.Input("x", draw(channels*height*width), channels, height, width)
	w := g.Input("w", draw(filters*channels*side*side), filters, channels*side*side)

	// at is the element of x, or -1 beyond the edge, that element k of the filter
	// meets at place p of the result, which is as large as x.
	at := func(p, k int) int {
		i, j := p/width+k/side%side-1, p%width+k%side-1
		if i < 0 || i >= height || j < 0 || j >= width {
			return -1
		}
		return (k/side/side*height+i)*width + j
	}
	var index []int
	for p := range height * width {
		for k := range channels * side * side {
			index = append(index, at(p, k))
		}
	}
	patches := g.Gather(index, []int{height * width, channels * side * side}, 0, x)
	y := g.Reshape(g.Transpose(g.Dot(patches, g.Transpose(w))), filters, height, width)
	dy := draw(len(y.Value))
	g.BackwardFrom(y, dy)

	wantY, wantX, wantW := make([]float64, len(y.Value)), make([]float64, len(x.Value)), make([]float64, len(w.Value))
	for f := range filters {
		for p := range height * width {
			for k := range channels * side * side {
				if a := at(p, k); a >= 0 {
					o, b := f*height*width+p, f*channels*side*side+k
					wantY[o] += x.Value[a] * w.Value[b]
					wantX[a] += dy[o] * w.Value[b]
					wantW[b] += dy[o] * x.Value[a]
				}
			}
		}
	}
	for name, pair := range map[string][2][]float64{"y": {y.Value, wantY}, "dx": {x.Grad, wantX}, "dw": {w.Grad, wantW}} {
		t.Run(name, func(t *testing.T) {
			for i, got := range pair[0] {
				if math.Abs(got-pair[1][i]) > 1e-13 {
					t.Errorf("element %d is %v, want %v", i, got, pair[1][i])
				}
			}
		})
	}
}
