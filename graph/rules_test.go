package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

// A caller adds an operation to a graph of either type.
type caller struct {
	op     string
	name   string
	shapes [][]int // of the inputs
	shape  []int   // of the result
	call   func(b builder, in []any) any
}

// A builder is the methods of Graph that add operations, for either type.
type builder struct {
	add, sub, mul, div, maximum, dot func(a, b any) any
	exp, log, sqrt, tanh, erf, hold  func(a any) any
	sum, max, broadcast              func(a any, axes ...int) any
	transpose, reshape               func(a any, axes ...int) any
	slice                            func(a any, axis, lo, hi int) any
	pad                              func(a any, axis, before, after int, fill float64) any
	concat                           func(axis int, in []any) any
	gather                           func(index, shape []int, fill float64, in []any) any
}

func methods[T graph.Number](g *graph.Graph[T]) builder {
	type node = *graph.Node[T]
	two := func(f func(a, b node) node) func(a, b any) any {
		return func(a, b any) any { return f(a.(node), b.(node)) }
	}
	one := func(f func(a node) node) func(a any) any { return func(a any) any { return f(a.(node)) } }
	axes := func(f func(a node, axes ...int) node) func(a any, axes ...int) any {
		return func(a any, axes ...int) any { return f(a.(node), axes...) }
	}
	nodes := func(in []any) (all []node) {
		for _, a := range in {
			all = append(all, a.(node))
		}
		return all
	}
	return builder{two(g.Add), two(g.Sub), two(g.Mul), two(g.Div), two(g.Maximum), two(g.Dot),
		one(g.Exp), one(g.Log), one(g.Sqrt), one(g.Tanh), one(g.Erf), one(g.Hold),
		axes(g.Sum), axes(g.Max), axes(g.Broadcast), axes(g.Transpose), axes(g.Reshape),
		func(a any, axis, lo, hi int) any { return g.Slice(a.(node), axis, lo, hi) },
		func(a any, axis, before, after int, fill float64) any {
			return g.Pad(a.(node), axis, before, after, fill)
		},
		func(axis int, in []any) any { return g.Concat(axis, nodes(in)...) },
		func(index, shape []int, fill float64, in []any) any {
			return g.Gather(index, shape, fill, nodes(in)...)
		}}
}

var callers = []caller{
	{"+", "", [][]int{{2, 3}, {2, 3}}, []int{2, 3}, func(b builder, in []any) any { return b.add(in[0], in[1]) }},
	{"+", "of a scalar and itself", [][]int{{}}, nil, func(b builder, in []any) any { return b.add(in[0], in[0]) }},
	{"-", "", [][]int{{2, 3}, {2, 3}}, []int{2, 3}, func(b builder, in []any) any { return b.sub(in[0], in[1]) }},
	{"-", "of itself", [][]int{{2, 3}}, []int{2, 3}, func(b builder, in []any) any { return b.sub(in[0], in[0]) }},
	{"*", "", [][]int{{2, 3}, {2, 3}}, []int{2, 3}, func(b builder, in []any) any { return b.mul(in[0], in[1]) }},
	{"*", "of itself", [][]int{{2, 3}}, []int{2, 3}, func(b builder, in []any) any { return b.mul(in[0], in[0]) }},
	{"/", "", [][]int{{2, 3}, {2, 3}}, []int{2, 3}, func(b builder, in []any) any { return b.div(in[0], in[1]) }},
	{"exp", "", [][]int{{4}}, []int{4}, func(b builder, in []any) any { return b.exp(in[0]) }},
	{"sqrt", "", [][]int{{4}}, []int{4}, func(b builder, in []any) any { return b.sqrt(in[0]) }},
	{"tanh", "", [][]int{{4}}, []int{4}, func(b builder, in []any) any { return b.tanh(in[0]) }},
	{"erf", "", [][]int{{4}}, []int{4}, func(b builder, in []any) any { return b.erf(in[0]) }},
	{"log", "", [][]int{{4}}, []int{4}, func(b builder, in []any) any { return b.log(in[0]) }},
	{"maximum", "", [][]int{{3, 4}, {3, 4}}, []int{3, 4}, func(b builder, in []any) any { return b.maximum(in[0], in[1]) }},
	{"dot", "of matrices", [][]int{{2, 3}, {3, 4}}, []int{2, 4}, func(b builder, in []any) any { return b.dot(in[0], in[1]) }},
	{"dot", "of a vector and a matrix", [][]int{{3}, {3, 4}}, []int{4}, func(b builder, in []any) any { return b.dot(in[0], in[1]) }},
	{"dot", "of a matrix and a vector", [][]int{{2, 3}, {3}}, []int{2}, func(b builder, in []any) any { return b.dot(in[0], in[1]) }},
	{"dot", "of vectors", [][]int{{3}, {3}}, nil, func(b builder, in []any) any { return b.dot(in[0], in[1]) }},
	{"sum", "of all", [][]int{{2, 3}}, nil, func(b builder, in []any) any { return b.sum(in[0]) }},
	{"sum", "of columns", [][]int{{2, 3}}, []int{1, 3}, func(b builder, in []any) any { return b.sum(in[0], 0) }},
	{"sum", "of rows", [][]int{{2, 3}}, []int{2, 1}, func(b builder, in []any) any { return b.sum(in[0], 1) }},
	{"sum", "of the outer of three", [][]int{{2, 3, 4}}, []int{1, 3, 1}, func(b builder, in []any) any { return b.sum(in[0], 0, 2) }},
	{"max", "of all", [][]int{{2, 3}}, nil, func(b builder, in []any) any { return b.max(in[0]) }},
	{"max", "of columns", [][]int{{2, 3}}, []int{1, 3}, func(b builder, in []any) any { return b.max(in[0], 0) }},
	{"max", "of the middle of three", [][]int{{2, 3, 4}}, []int{2, 1, 4}, func(b builder, in []any) any { return b.max(in[0], 1) }},
	{"broadcast", "of a scalar", [][]int{{}}, []int{2, 3}, func(b builder, in []any) any { return b.broadcast(in[0], 2, 3) }},
	{"broadcast", "of a row", [][]int{{3}}, []int{2, 3}, func(b builder, in []any) any { return b.broadcast(in[0], 2, 3) }},
	{"broadcast", "of a column", [][]int{{2, 1}}, []int{2, 3}, func(b builder, in []any) any { return b.broadcast(in[0], 2, 3) }},
	{"broadcast", "of the middle of three", [][]int{{3, 1}}, []int{2, 3, 4}, func(b builder, in []any) any { return b.broadcast(in[0], 2, 3, 4) }},
	{"hold", "", [][]int{{2, 2}}, []int{2, 2}, func(b builder, in []any) any { return b.hold(in[0]) }},
	{"gather", "in another order, one twice, one never", [][]int{{4}}, []int{2, 3}, func(b builder, in []any) any {
		return b.gather([]int{3, 1, -1, 0, 1, -1}, []int{2, 3}, 7, in)
	}},
	{"gather", "of a scalar", [][]int{{}}, nil, func(b builder, in []any) any { return b.gather([]int{0}, nil, 0, in) }},
	{"gather", "of three", [][]int{{2}, {}, {1, 2}}, []int{4}, func(b builder, in []any) any { return b.gather([]int{4, 2, 0, 4}, []int{4}, 0, in) }},
	{"gather", "of nothing", [][]int{{2}}, []int{2}, func(b builder, in []any) any { return b.gather([]int{-1, -1}, []int{2}, 3, in) }},
	{"gather", "transpose", [][]int{{2, 3}}, []int{3, 2}, func(b builder, in []any) any { return b.transpose(in[0]) }},
	{"gather", "transpose of four axes", [][]int{{2, 3, 1, 4}}, []int{1, 4, 2, 3}, func(b builder, in []any) any { return b.transpose(in[0], 2, 3, 0, 1) }},
	{"gather", "reshape", [][]int{{2, 6}}, []int{3, 4}, func(b builder, in []any) any { return b.reshape(in[0], 3, 4) }},
	{"gather", "slice", [][]int{{2, 4, 3}}, []int{2, 2, 3}, func(b builder, in []any) any { return b.slice(in[0], 1, 1, 3) }},
	{"gather", "pad", [][]int{{2, 2, 2}}, []int{2, 5, 2}, func(b builder, in []any) any { return b.pad(in[0], 1, 1, 2, 0.5) }},
	{"gather", "concat", [][]int{{2, 1, 2}, {2, 3, 2}, {2, 1, 2}}, []int{2, 5, 2}, func(b builder, in []any) any { return b.concat(1, in) }},
	{"gather", "concat with itself", [][]int{{2, 3}}, []int{4, 3}, func(b builder, in []any) any { return b.concat(0, []any{in[0], in[0]}) }},
}

// objective builds L = Σ r*y for the operation y of c on the data; a plain sum
// would hide what is lost between elements.
func objective[T graph.Number](c caller, data [][]float64, r []float64) (g *graph.Graph[T], in []*graph.Node[T], y, l *graph.Node[T]) {
	g = graph.New[T]()
	var args []any
	for i, shape := range c.shapes {
		in = append(in, g.Input("", graph.Numbers[T](data[i]...), shape...))
		args = append(args, in[i])
	}
	y = c.call(methods(g), args).(*graph.Node[T])
	l = g.Sum(g.Mul(y, g.Input("r", graph.Numbers[T](r[:len(y.Value)]...), y.Shape...)))
	return g, in, y, l
}

// TestRules compares every rule with two references: central differences, and the
// complex step, which has no error but rounding.
func TestRules(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	tested := map[string]bool{}
	for _, c := range callers {
		tested[c.op] = true
		t.Run(fmt.Sprintf("%s %s", c.op, c.name), func(t *testing.T) {
			var data [][]float64
			for _, shape := range c.shapes {
				n := 1
				for _, d := range shape {
					n *= d
				}
				var x []float64
				for range n { // above 0 for log, and far from 0 for /
					x = append(x, 0.5+2*random.Float64())
				}
				data = append(data, x)
			}
			var r []float64
			for range 24 {
				r = append(r, random.NormFloat64())
			}

			g, in, y, l := objective[float64](c, data, r)
			if y.Op != c.op || !slices.Equal(y.Shape, c.shape) {
				t.Fatalf("the node is %s %v, want %s %v", y.Op, y.Shape, c.op, c.shape)
			}
			g.Backward(l)
			complexG, complexIn, _, complexL := objective[complex128](c, data, r)
			for i, x := range in {
				step := graph.ComplexStep(complexG, complexL, complexIn[i])
				for j := range x.Value {
					const h = 1e-5
					v := x.Value[j]
					x.Value[j] = v + h
					g.Forward(x)
					up := l.Value[0]
					x.Value[j] = v - h
					g.Forward(x)
					down := l.Value[0]
					x.Value[j] = v
					g.Forward(x)
					got, difference := x.Grad[j], (up-down)/(2*h)
					if math.Abs(got-step[j]) > 1e-14*max(1, math.Abs(got)) {
						t.Errorf("input %d, element %d: gradient %v, by complex step %v", i, j, got, step[j])
					}
					if c.op == "hold" {
						difference = 0 // it is no constant for those who move it
					}
					if math.Abs(got-difference) > 1e-8*max(1, math.Abs(got)) {
						t.Errorf("input %d, element %d: gradient %v, by central difference %v", i, j, got, difference)
					}
				}
			}
		})
	}
	for _, rule := range graph.Rules() {
		if !tested[rule.Op] {
			t.Errorf("no test of %q", rule.Op)
		}
	}
}

// TestValues: forward, by hand.
func TestValues(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{1, 2, 3, 4, 5, 6}, 2, 3)
	w := g.Input("w", []float64{1, -1, 2, -2, 3, -3}, 3, 2)
	v := g.Input("v", []float64{1, 0, -1}, 3)
	for _, test := range []struct {
		name string
		y    *graph.Node[float64]
		want []float64
	}{
		{"x + x", g.Add(x, x), []float64{2, 4, 6, 8, 10, 12}},
		{"x - 1", g.Sub(x, g.Const(1, 2, 3)), []float64{0, 1, 2, 3, 4, 5}},
		{"x * x", g.Mul(x, x), []float64{1, 4, 9, 16, 25, 36}},
		{"x / 2", g.Div(x, g.Const(2, 2, 3)), []float64{0.5, 1, 1.5, 2, 2.5, 3}},
		{"exp 0", g.Exp(g.Const(0, 2)), []float64{1, 1}},
		{"log 1", g.Log(g.Const(1, 2)), []float64{0, 0}},
		{"x · w", g.Dot(x, w), []float64{14, -14, 32, -32}},
		{"x · v", g.Dot(x, v), []float64{-2, -2}},
		{"v · w", g.Dot(v, w), []float64{-2, 2}},
		{"v · v", g.Dot(v, v), []float64{2}},
		{"Σ x", g.Sum(x), []float64{21}},
		{"Σ columns", g.Sum(x, 0), []float64{5, 7, 9}},
		{"Σ rows", g.Sum(x, 1), []float64{6, 15}},
		{"Σ of none", g.Sum(g.Const(1, 0, 2), 0), []float64{0, 0}},
		{"max x", g.Max(x), []float64{6}},
		{"max columns", g.Max(x, 0), []float64{4, 5, 6}},
		{"broadcast v", g.Broadcast(v, 2, 3), []float64{1, 0, -1, 1, 0, -1}},
		{"broadcast rows", g.Broadcast(g.Sum(x, 1), 2, 2), []float64{6, 6, 15, 15}},
		{"sqrt 9", g.Sqrt(g.Const(9, 1)), []float64{3}},
		{"tanh", g.Tanh(g.Input("", []float64{0, 800, -800}, 3)), []float64{0, 1, -1}},
		{"erf", g.Erf(g.Input("", []float64{0, 30, -30}, 3)), []float64{0, 1, -1}},
		{"gather", g.Gather([]int{7, -1, 0, 7}, []int{2, 2}, 9, x, v), []float64{0, 9, 1, 0}},
		{"gather of no input", g.Gather([]int{-1}, nil, 9), []float64{9}},
		{"transpose x", g.Transpose(x), []float64{1, 4, 2, 5, 3, 6}},
		{"transpose x as it is", g.Transpose(x, 0, 1), []float64{1, 2, 3, 4, 5, 6}},
		{"reshape x", g.Reshape(x, 3, 1, 2), []float64{1, 2, 3, 4, 5, 6}},
		{"slice columns", g.Slice(x, 1, 1, 3), []float64{2, 3, 5, 6}},
		{"slice of nothing", g.Slice(x, 0, 1, 1), nil},
		{"pad rows", g.Pad(v, 0, 1, 2, -1), []float64{-1, 1, 0, -1, -1, -1}},
		{"concat columns", g.Concat(1, x, g.Sum(x, 1), x), []float64{1, 2, 3, 6, 1, 2, 3, 4, 5, 6, 15, 4, 5, 6}},
		{"concat rows", g.Concat(0, x, g.Broadcast(v, 1, 3)), []float64{1, 2, 3, 4, 5, 6, 1, 0, -1}},
	} {
		t.Run(test.name, func(t *testing.T) { equal(t, "value", test.y.Value, test.want) })
	}
}
