package graph

import (
	"fmt"
	"slices"
)

// A Graph is a tape of nodes. Every node is computed when it is added, from
// nodes that are there already, so the order of creation is a topological one:
// forward is a walk along the tape and backward a walk back, with no sorting and
// no recursion.
//
// A Graph is not safe for concurrent use.
type Graph[T Number] struct {
	nodes  []*Node[T]
	rules  map[string]*rule[T]
	group  *Group   // of the nodes being added
	output *Node[T] // of the last Backward
	marked []bool   // by node: scratch of Forward and Backward
}

// A Node is an elementary operation and its result.
type Node[T Number] struct {
	ID    int         // its place on the tape
	Op    string      // as in [Rules], or "input" or "const"
	Label string      // a name for pictures, "" if it has none
	Group *Group      // nil if it belongs to none
	In    []*Node[T]  // a, or a and b, in the words of [Rules]; of a gather any number
	Shape []int       // not to be changed; empty for a scalar
	Value []T         // row-major
	Grad  []T         // of the output of the last Backward, as long as Value
	Attr  *Attributes // of a gather; nil for all else

	rule *rule[T]    // nil for inputs and constants
	in   [2]*Node[T] // where In has its elements, unless they are more
	one  [2]T        // where a scalar has its Value and Grad
}

// Attributes are what an operation is given beside its inputs. They are not to be
// changed.
type Attributes struct {
	Kind  string  // "transpose", "reshape", "slice", "pad" or "concat"; "" for [Graph.Gather] itself
	Index []int   // which element of the inputs each element is, or -1
	Fill  float64 // the value where Index is -1
}

// A Group holds nodes that belong together, such as those of a layer. Two groups
// may have the same name.
type Group struct {
	Name  string
	Outer *Group // the one it lies in, or nil
}

// The leaves, which no rule computes.
const (
	OpInput = "input"
	OpConst = "const"
)

// New returns an empty graph.
func New[T Number]() *Graph[T] {
	g := &Graph[T]{rules: map[string]*rule[T]{}}
	for _, r := range table[T]() {
		g.rules[r.Op] = &r
	}
	return g
}

// Nodes returns all nodes in order of creation.
func (g *Graph[T]) Nodes() []*Node[T] { return g.nodes }

// Output returns the node whose gradients the nodes hold, that of the last
// Backward, or nil.
func (g *Graph[T]) Output() *Node[T] { return g.output }

// Group puts the nodes that add creates into a group of their own. Groups may lie
// in groups.
func (g *Graph[T]) Group(name string, add func()) {
	outer := g.group
	g.group = &Group{Name: name, Outer: outer}
	defer func() { g.group = outer }()
	add()
}

// As names the node, and returns it.
func (n *Node[T]) As(label string) *Node[T] {
	n.Label = label
	return n
}

// Leaf reports whether the node is an input or a constant.
func (n *Node[T]) Leaf() bool { return n.rule == nil }

// Input adds an array of the given shape, a scalar without one, with a copy of
// data as its elements.
func (g *Graph[T]) Input(label string, data []T, shape ...int) *Node[T] {
	if size("input", shape) != len(data) {
		panic(&ShapeError{Op: "input", Want: fmt.Sprintf("a shape of %d elements", len(data)), Got: [][]int{slices.Clone(shape)}})
	}
	n := g.add(OpInput, nil, slices.Clone(shape))
	n.Label = label
	copy(n.Value, data)
	return n
}

// Const adds an array of the given shape, a scalar without one, whose elements
// are all value.
func (g *Graph[T]) Const(value T, shape ...int) *Node[T] {
	n := g.add(OpConst, nil, slices.Clone(shape))
	for i := range n.Value {
		n.Value[i] = value
	}
	return n
}

// Add adds a + b. As for all elementwise operations, the shapes must be equal;
// see [Graph.Broadcast].
func (g *Graph[T]) Add(a, b *Node[T]) *Node[T] { return g.elementwise("+", a, b) }

// Sub adds a - b.
func (g *Graph[T]) Sub(a, b *Node[T]) *Node[T] { return g.elementwise("-", a, b) }

// Mul adds a * b, element by element.
func (g *Graph[T]) Mul(a, b *Node[T]) *Node[T] { return g.elementwise("*", a, b) }

// Div adds a / b.
func (g *Graph[T]) Div(a, b *Node[T]) *Node[T] { return g.elementwise("/", a, b) }

// Maximum adds the larger of a and b, element by element. The gradient goes to
// the larger, and to b where they are equal, so that ReLU, the maximum of x and
// 0, has the gradient 0 at 0. NaN is larger than any number. Complex numbers are
// compared by their real parts.
func (g *Graph[T]) Maximum(a, b *Node[T]) *Node[T] { return g.elementwise("maximum", a, b) }

// Exp adds e^a, element by element.
func (g *Graph[T]) Exp(a *Node[T]) *Node[T] { return g.apply("exp", a.Shape, a) }

// Log adds the natural logarithm, element by element.
func (g *Graph[T]) Log(a *Node[T]) *Node[T] { return g.apply("log", a.Shape, a) }

// Sqrt adds the square root, element by element.
func (g *Graph[T]) Sqrt(a *Node[T]) *Node[T] { return g.apply("sqrt", a.Shape, a) }

// Tanh adds the hyperbolic tangent, element by element.
func (g *Graph[T]) Tanh(a *Node[T]) *Node[T] { return g.apply("tanh", a.Shape, a) }

// Erf adds the error function 2/√π ∫ e^-t² dt from 0 to a, element by element. Of
// complex numbers it is exact to rounding if their imaginary parts are as small as
// those of [ComplexStep], and useless for others.
func (g *Graph[T]) Erf(a *Node[T]) *Node[T] { return g.apply("erf", a.Shape, a) }

// Hold adds a as a constant: its value, through which no gradient goes back. It is
// for values on which the result does not depend, such as the one that Softmax
// subtracts.
func (g *Graph[T]) Hold(a *Node[T]) *Node[T] { return g.apply("hold", a.Shape, a) }

// Dot adds the matrix product of a (M, K) and b (K, N). Either may be a vector
// (K): a row on the left, a column on the right, and no axis of the result. Sums
// run from the first term to the last.
func (g *Graph[T]) Dot(a, b *Node[T]) *Node[T] {
	if len(a.Shape) < 1 || len(a.Shape) > 2 || len(b.Shape) < 1 || len(b.Shape) > 2 || a.Shape[len(a.Shape)-1] != b.Shape[0] {
		panic(shapeError("dot", "(M, K) and (K, N)", a, b))
	}
	return g.apply("dot", slices.Concat(a.Shape[:len(a.Shape)-1], b.Shape[1:]), a, b)
}

// Sum adds the sum along axes, which keep the length 1 (so that a Broadcast is
// the way back), or, without axes, of all elements, a scalar. Sums run in the
// order of the elements.
func (g *Graph[T]) Sum(a *Node[T], axes ...int) *Node[T] {
	return g.apply("sum", reduced("sum", a.Shape, axes), a)
}

// Max adds the largest element along axes, which keep the length 1, or, without
// axes, of all elements, a scalar. The gradient goes to it, and to the first
// where several are equal. NaN is larger than any number. Complex numbers are
// compared by their real parts.
func (g *Graph[T]) Max(a *Node[T], axes ...int) *Node[T] {
	shape := reduced("max", a.Shape, axes)
	if len(a.Value) == 0 && size("max", shape) > 0 {
		panic(shapeError("max", "at least one element", a))
	}
	return g.apply("max", shape, a)
}

// Broadcast adds a repeated to the shape: shapes are compared from their last
// axes, and where a has length 1, or no axis, it is repeated.
func (g *Graph[T]) Broadcast(a *Node[T], shape ...int) *Node[T] {
	skip := len(shape) - len(a.Shape)
	ok := skip >= 0
	for axis, d := range a.Shape {
		ok = ok && (d == 1 || d == shape[skip+axis])
	}
	if !ok {
		panic(shapeError("broadcast to "+FormatShape(shape), "lengths of 1 or of "+FormatShape(shape), a))
	}
	return g.apply("broadcast", slices.Clone(shape), a)
}

func (g *Graph[T]) elementwise(op string, a, b *Node[T]) *Node[T] {
	if !slices.Equal(a.Shape, b.Shape) {
		panic(shapeError(op, "equal shapes", a, b))
	}
	return g.apply(op, a.Shape, a, b)
}

// apply adds the node of an operation and computes it.
func (g *Graph[T]) apply(op string, shape []int, in ...*Node[T]) *Node[T] {
	n := g.node(op, shape, in...)
	n.rule.forward(n)
	return n
}

// node adds the node of an operation.
func (g *Graph[T]) node(op string, shape []int, in ...*Node[T]) *Node[T] {
	for _, n := range in {
		g.mustOwn(op, n)
	}
	r := g.rules[op]
	n := g.add(r.Op, r, shape)
	n.In = append(n.in[:0], in...)
	return n
}

// add adds a node of zeros.
func (g *Graph[T]) add(op string, r *rule[T], shape []int) *Node[T] {
	n := &Node[T]{ID: len(g.nodes), Op: op, Group: g.group, Shape: shape, rule: r}
	if len(shape) == 0 {
		n.Value, n.Grad = n.one[:1:1], n.one[1:]
	} else {
		k := size(op, shape)
		n.Value, n.Grad = make([]T, k), make([]T, k)
	}
	g.nodes = append(g.nodes, n)
	return n
}

func (g *Graph[T]) mustOwn(op string, n *Node[T]) {
	if n.ID >= len(g.nodes) || g.nodes[n.ID] != n {
		panic(fmt.Sprintf("graph: %s: node %d %q belongs to another graph", op, n.ID, n.Label))
	}
}
