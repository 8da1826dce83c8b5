package graph_test

import (
	"errors"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

// TestFanOut: a node used several times sums what comes back, and a second
// Backward forgets the first.
func TestFanOut(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{3})
	y := g.Add(g.Mul(x, x), g.Mul(g.Mul(x, x), x)) // x² + x³
	for range 2 {
		g.Backward(y)
		if got, want := x.Grad[0], 2*3.0+3*9; got != want {
			t.Errorf("dx = %v, want %v", got, want)
		}
	}
}

// TestInnerNode: the gradient of any node, and 0 for what it does not depend on.
func TestInnerNode(t *testing.T) {
	g := graph.New[float64]()
	a, b := g.Input("a", []float64{2}), g.Input("b", []float64{5})
	y := g.Mul(a, b)
	z := g.Mul(y, g.Const(7))
	g.Backward(z)
	g.Backward(y)
	for _, test := range []struct {
		name string
		node *graph.Node[float64]
		want float64
	}{{"a", a, 5}, {"b", b, 2}, {"y", y, 1}, {"z", z, 0}} {
		if test.node.Grad[0] != test.want {
			t.Errorf("d%s = %v, want %v", test.name, test.node.Grad[0], test.want)
		}
	}
	if g.Output() != y {
		t.Error("Output is not the node of the last Backward")
	}
}

// TestAside: an infinity in a node y does not depend on stays there, even if the
// gradient was that node's before.
func TestAside(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{0})
	aside := g.Log(x) // -Inf, its derivative +Inf
	y := g.Add(x, g.Const(1))
	g.Backward(aside)
	g.Backward(y)
	if x.Grad[0] != 1 {
		t.Errorf("dx = %v, want 1", x.Grad[0])
	}
}

// TestForward: after a change of an input, what depends on it is new.
func TestForward(t *testing.T) {
	g := graph.New[float64]()
	a, b := g.Input("a", []float64{2}), g.Input("b", []float64{5})
	sum, product := g.Add(a, b), g.Mul(a, g.Const(10))
	y := g.Mul(sum, product)
	a.Value[0], b.Value[0] = 3, 4
	g.Forward(b)
	if sum.Value[0] != 7 || product.Value[0] != 20 || y.Value[0] != 140 {
		t.Errorf("Forward(b): %v %v %v, want 7 20 140", sum.Value, product.Value, y.Value)
	}
	g.Forward()
	if product.Value[0] != 30 || y.Value[0] != 210 {
		t.Errorf("Forward(): %v %v, want 30 210", product.Value, y.Value)
	}
}

// TestMillionNodes: no recursion, and one allocation a scalar node.
func TestMillionNodes(t *testing.T) {
	const n = 1_000_000
	g := graph.New[float64]()
	x := g.Input("x", []float64{1})
	one := g.Const(1)
	y := x
	for range n {
		y = g.Add(g.Mul(y, one), x)
	}
	g.Backward(y)
	if y.Value[0] != n+1 || x.Grad[0] != n+1 {
		t.Errorf("y = %v, dx = %v, want %v", y.Value[0], x.Grad[0], n+1)
	}
	if allocs := testing.AllocsPerRun(1000, func() { g.Mul(y, x) }); allocs != 1 {
		t.Errorf("a scalar node takes %v allocations, want 1", allocs)
	}
	if allocs := testing.AllocsPerRun(1, func() { g.Backward(y) }); allocs != 0 {
		t.Errorf("Backward takes %v allocations, want 0", allocs)
	}
}

func TestGroup(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{1})
	var outer, inner *graph.Node[float64]
	g.Group("Sequential", func() {
		g.Group("Affine", func() { inner = g.Mul(x, x) })
		outer = g.Add(inner, x)
	})
	after := g.Add(x, x)
	if x.Group != nil || after.Group != nil || outer.Group.Name != "Sequential" ||
		inner.Group.Name != "Affine" || inner.Group.Outer != outer.Group {
		t.Errorf("x %v, inner %v, outer %v, after %v", x.Group, inner.Group, outer.Group, after.Group)
	}
}

// TestShapeErrors: mistakes name the operation, what it wants and what it got.
func TestShapeErrors(t *testing.T) {
	zeros := func(g *graph.Graph[float64], shape ...int) *graph.Node[float64] { return g.Const(0, shape...) }
	tests := []struct {
		do   func(g *graph.Graph[float64])
		want string
	}{
		{func(g *graph.Graph[float64]) { g.Add(zeros(g, 2, 3), zeros(g, 3)) }, "+: want equal shapes, got (2, 3) and (3)"},
		{func(g *graph.Graph[float64]) { g.Maximum(zeros(g, 1), zeros(g)) }, "maximum: want equal shapes, got (1) and ()"},
		{func(g *graph.Graph[float64]) { g.Dot(zeros(g, 2, 3), zeros(g, 2, 3)) }, "dot: want (M, K) and (K, N), got (2, 3) and (2, 3)"},
		{func(g *graph.Graph[float64]) { g.Dot(zeros(g), zeros(g, 2)) }, "dot: want (M, K) and (K, N), got () and (2)"},
		{func(g *graph.Graph[float64]) { g.Dot(zeros(g, 2), zeros(g, 2, 1, 1)) }, "dot: want (M, K) and (K, N), got (2) and (2, 1, 1)"},
		{func(g *graph.Graph[float64]) { g.Transpose(zeros(g, 2, 3), 0, 0) }, "transpose: want each axis once, not axes [0 0], got (2, 3)"},
		{func(g *graph.Graph[float64]) { g.Transpose(zeros(g, 2, 3), 0) }, "transpose: want each axis once, not axes [0], got (2, 3)"},
		{func(g *graph.Graph[float64]) { g.Transpose(zeros(g, 2, 3), 0, 1, 2) }, "transpose: want each axis once, not axes [0 1 2], got (2, 3)"},
		{func(g *graph.Graph[float64]) { g.Gather([]int{0}, []int{2}, 0, zeros(g, 3)) }, "gather: want an index for each of the 2 elements of (2), not 1, got (3)"},
		{func(g *graph.Graph[float64]) { g.Gather([]int{0, 5}, []int{2}, 0, zeros(g, 3), zeros(g, 2)) }, "gather: want an index from -1 to 4, not 5 as the index 1, got (3) and (2)"},
		{func(g *graph.Graph[float64]) { g.Gather([]int{-2}, []int{1}, 0, zeros(g, 3)) }, "gather: want an index from -1 to 2, not -2 as the index 0, got (3)"},
		{func(g *graph.Graph[float64]) { g.Reshape(zeros(g, 2, 3), 4) }, "reshape to (4): want 4 elements, got (2, 3)"},
		{func(g *graph.Graph[float64]) { g.Slice(zeros(g, 2, 3), 1, 1, 4) }, "slice: want places 1 to 4 of an axis 1, got (2, 3)"},
		{func(g *graph.Graph[float64]) { g.Slice(zeros(g, 2, 3), 2, 0, 0) }, "slice: want places 0 to 0 of an axis 2, got (2, 3)"},
		{func(g *graph.Graph[float64]) { g.Pad(zeros(g, 2), 0, -1, 0, 0) }, "pad: want an axis 0, and 0 or more at either end, not -1 and 0, got (2)"},
		{func(g *graph.Graph[float64]) { g.Concat(0) }, "concat: want one input or more with an axis 0, got nothing"},
		{func(g *graph.Graph[float64]) { g.Concat(0, zeros(g, 2), zeros(g, 2, 2)) }, "concat: want equally many axes, got (2) and (2, 2)"},
		{func(g *graph.Graph[float64]) { g.Concat(0, zeros(g, 2, 3), zeros(g, 2, 2)) }, "concat: want equal lengths but along axis 0, got (2, 3) and (2, 2)"},
		{func(g *graph.Graph[float64]) { graph.MeanSquaredError(g, zeros(g, 0, 2), zeros(g, 0, 2)) }, "mean squared error: want at least one element, got (0, 2)"},
		{func(g *graph.Graph[float64]) { g.Sum(zeros(g, 2), 1) }, "sum: want an axis 1, got (2)"},
		{func(g *graph.Graph[float64]) { g.Max(zeros(g, 2), -1) }, "max: want an axis -1, got (2)"},
		{func(g *graph.Graph[float64]) { g.Max(zeros(g, 2, 0), 1) }, "max: want at least one element, got (2, 0)"},
		{func(g *graph.Graph[float64]) { g.Broadcast(zeros(g, 2), 2, 3) }, "broadcast to (2, 3): want lengths of 1 or of (2, 3), got (2)"},
		{func(g *graph.Graph[float64]) { g.Broadcast(zeros(g, 1, 3), 3) }, "broadcast to (3): want lengths of 1 or of (3), got (1, 3)"},
		{func(g *graph.Graph[float64]) { g.Input("x", []float64{1}, 2) }, "input: want a shape of 1 elements, got (2)"},
		{func(g *graph.Graph[float64]) { g.Const(0, 2, -1) }, "const: want lengths of 0 or more whose product fits an int, got (2, -1)"},
		{func(g *graph.Graph[float64]) { g.Backward(zeros(g, 2)) }, "backward: want one element (for more, use BackwardFrom), got (2)"},
		{func(g *graph.Graph[float64]) { g.BackwardFrom(zeros(g, 2), []float64{1}) }, "backward: want a gradient for each element of (2), got (1)"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			g := graph.New[float64]()
			var got *graph.ShapeError
			if err, _ := panicOf(func() { test.do(g) }).(error); !errors.As(err, &got) || got.Error() != "graph: "+test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if g.Output() != nil {
				t.Error("there is an output after the mistake")
			}
		})
	}
}

func TestForeignNode(t *testing.T) {
	g, other := graph.New[float64](), graph.New[float64]()
	x, y := g.Input("x", []float64{1}), other.Input("y", []float64{1})
	for name, do := range map[string]func(){
		"+":        func() { g.Add(x, y) },
		"forward":  func() { g.Forward(y) },
		"backward": func() { g.Backward(y) },
	} {
		t.Run(name, func(t *testing.T) {
			if message, _ := panicOf(do).(string); !strings.Contains(message, "graph: "+name+`: node 0 "y" belongs to another graph`) {
				t.Errorf("panic %q", message)
			}
		})
	}
}

func panicOf(do func()) (value any) {
	defer func() { value = recover() }()
	do()
	return nil
}

// TestInputCopies: the data of an input is the graph's own.
func TestInputCopies(t *testing.T) {
	g := graph.New[float64]()
	data, shape := []float64{1, 2}, []int{2}
	x := g.Input("x", data, shape...)
	data[0], shape[0] = 9, 9
	if x.Value[0] != 1 || x.Shape[0] != 2 {
		t.Errorf("x = %v %v", x.Value, x.Shape)
	}
}

// TestMaximumPinned: the gradient at ties, where it is a choice, and NaN.
func TestMaximumPinned(t *testing.T) {
	nan := math.NaN()
	g := graph.New[float64]()
	a := g.Input("a", []float64{1, 2, 0, nan, 1, nan}, 6)
	b := g.Input("b", []float64{2, 1, 0, 1, nan, nan}, 6)
	y := g.Maximum(a, b)
	g.BackwardFrom(y, []float64{1, 1, 1, 1, 1, 1})
	equal(t, "maximum", y.Value, []float64{2, 2, 0, nan, nan, nan})
	equal(t, "da", a.Grad, []float64{0, 1, 0, 1, 0, 0})
	equal(t, "db", b.Grad, []float64{1, 0, 1, 0, 1, 1})

	x := g.Input("x", []float64{1, 3, 3, nan, 2, nan}, 2, 3)
	rows := g.Max(x, 1)
	g.BackwardFrom(rows, []float64{1, 1})
	equal(t, "max of rows", rows.Value, []float64{3, nan})
	equal(t, "its gradient", x.Grad, []float64{0, 1, 0, 1, 0, 0})
	all := g.Max(x)
	g.Backward(all)
	equal(t, "max of all", all.Value, []float64{nan})
	equal(t, "its gradient", x.Grad, []float64{0, 0, 0, 1, 0, 0})
}

// TestMaximumComplex: imaginary parts decide nothing, so the complex step takes
// the side that is pinned at a tie.
func TestMaximumComplex(t *testing.T) {
	g := graph.New[complex128]()
	x := g.Input("x", []complex128{0})
	y := graph.ReLU(g, x)
	if step := graph.ComplexStep(g, y, x); step[0] != 0 {
		t.Errorf("the derivative of ReLU at 0 is %v by complex step, want 0", step[0])
	}
	row := g.Input("row", []complex128{complex(1, -1), complex(1, 1), complex(0, 9)}, 3)
	if largest := g.Max(row); largest.Value[0] != complex(1, -1) {
		t.Errorf("the first largest is %v, want (1-1i)", largest.Value[0])
	}
}

// equal compares bit for bit, but for the kind of NaN.
func equal(t *testing.T, name string, got, want []float64) {
	t.Helper()
	same := func(a, b float64) bool {
		return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
	}
	if !slices.EqualFunc(got, want, same) {
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

// TestComplexArithmetic: with an imaginary part far below rounding, each
// elementary function carries value and derivative as two real computations.
func TestComplexArithmetic(t *testing.T) {
	const h = 1e-30
	random := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		x := math.Exp(random.NormFloat64() * 3)
		u, v := random.NormFloat64()*h, random.NormFloat64()*h
		z := random.NormFloat64() * 5
		g := graph.New[complex128]()
		a := g.Input("a", []complex128{complex(z, u)})
		b := g.Input("b", []complex128{complex(x, v)})
		for _, test := range []struct {
			y        *graph.Node[complex128]
			re, im   float64
			rounding float64 // of the imaginary part: the size of its terms
			ulps     float64 // of error that are allowed, and one more of the imaginary part
		}{
			{g.Exp(a), math.Exp(z), u * math.Exp(z), 0, 2},
			{g.Sqrt(b), math.Sqrt(x), v / 2 / math.Sqrt(x), 0, 2},
			{g.Tanh(a), math.Tanh(z), u / math.Cosh(z) / math.Cosh(z), 0, 4},
			{g.Erf(a), math.Erf(z), u * 2 / math.SqrtPi * math.Exp(-z*z), 0, 2},
			{g.Log(b), math.Log(x), v / x, 0, 2},
			{g.Mul(a, b), z * x, u*x + v*z, math.Abs(u*x) + math.Abs(v*z), 2},
			{g.Div(a, b), z / x, u/x - v*z/x/x, math.Abs(u/x) + math.Abs(v*z/x/x), 2},
		} {
			got := test.y.Value[0]
			const ulp = 0x1p-52
			if math.Abs(real(got)-test.re) > test.ulps*ulp*math.Abs(test.re) ||
				math.Abs(imag(got)-test.im) > (test.ulps+1)*ulp*max(math.Abs(test.im), test.rounding) {
				t.Fatalf("%s of %v and %v: got %v, want %v", test.y.Op, a.Value, b.Value, got, complex(test.re, test.im))
			}
		}
	}
	if y := cmplx.Exp(complex(0, h)); imag(y) != h || real(y) != 1 {
		t.Errorf("exp(%vi) = %v", h, y)
	}
}

// TestTerms: what comes back along each edge, which sums to the gradient.
func TestTerms(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{3})
	scaled := g.Mul(x, g.Const(5))
	y := g.Mul(scaled, x)
	z := g.Mul(x, x)
	g.Backward(y)
	equal(t, "by the outer *", y.Terms()[1], []float64{15})
	equal(t, "by the inner *", scaled.Terms()[0], []float64{15})
	equal(t, "their sum", x.Grad, []float64{30})
	equal(t, "of a node aside", z.Terms()[0], []float64{0})
	g.Backward(z)
	equal(t, "left", z.Terms()[0], []float64{3})
	equal(t, "right", z.Terms()[1], []float64{3})
	if x.Terms() != nil {
		t.Errorf("terms of a leaf: %v", x.Terms())
	}
}
