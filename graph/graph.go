package graph

import (
	"fmt"
	"slices"
)

// A Graph is a tape of nodes. A node is computed when it is added, from nodes that are
// already there. So the order of creation is a topological order: forward walks along the
// tape and backward walks back, without sorting and without recursion.
//
// A Graph is not safe for concurrent use.
type Graph[T Number] struct {
	nodes  []*Node[T]
	rules  map[string]*rule[T]
	group  *Group   // the group to which nodes are added
	output *Node[T] // the y of the last Backward
	marked []bool   // by node: scratch of Forward and Backward
}

// A Node is an elementary operation and its result.
type Node[T Number] struct {
	ID    int         // the place on the tape
	Op    string      // as in [Rules], or "input" or "const"
	Label string      // a name for pictures, "" if it has none
	Group *Group      // nil if it belongs to none
	In    []*Node[T]  // a, or a and b, as in [Rules]; a gather may have any number
	Shape []int       // not to be changed; empty for a scalar
	Value []T         // row-major
	Grad  []T         // the gradient in the last Backward; the same length as Value
	Attr  *Attributes // for a gather; otherwise nil

	rule *rule[T]    // nil for inputs and constants
	in   [2]*Node[T] // memory for In, if it has at most two elements
	one  [2]T        // memory for the Value and Grad of a scalar
}

// Attributes are the parameters of an operation beside its inputs. Do not change them.
type Attributes struct {
	Kind  string  // "transpose", "reshape", "slice", "pad" or "concat"; "" for [Graph.Gather] itself
	Index []int   // for each element, the number of the input's element, or -1
	Fill  float64 // the value where Index is -1
}

// A Group holds nodes that belong together, such as those of a layer. Two groups
// may have the same name.
type Group struct {
	Name  string
	Outer *Group // the group around it, or nil
}

// The leaves, which have no rule.
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

// Output returns the y of the last Backward, to which the gradients in the nodes belong, or nil.
func (g *Graph[T]) Output() *Node[T] { return g.output }

// Group puts the nodes that add creates into a new group. Groups may be nested.
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

// Input adds an array of the given shape, with a copy of data as its elements. Without a
// shape it is a scalar.
func (g *Graph[T]) Input(label string, data []T, shape ...int) *Node[T] {
	if size("input", shape) != len(data) {
		panic(&ShapeError{Op: "input", Want: fmt.Sprintf("a shape of %d elements", len(data)), Got: [][]int{slices.Clone(shape)}})
	}
	n := g.add(OpInput, nil, slices.Clone(shape))
	n.Label = label
	copy(n.Value, data)
	return n
}

// Const adds an array of the given shape whose elements are all value. Without a shape it
// is a scalar.
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

// Maximum adds the larger of a and b, element by element. The gradient goes to the larger
// one, and to b if they are equal. So ReLU, the maximum of x and 0, has the gradient 0 at
// 0. NaN counts as larger than any number. Complex numbers are compared by their real
// parts.
func (g *Graph[T]) Maximum(a, b *Node[T]) *Node[T] { return g.elementwise("maximum", a, b) }

// Exp adds e^a, element by element.
func (g *Graph[T]) Exp(a *Node[T]) *Node[T] { return g.apply("exp", a.Shape, a) }

// Log adds the natural logarithm, element by element.
func (g *Graph[T]) Log(a *Node[T]) *Node[T] { return g.apply("log", a.Shape, a) }

// Sqrt adds the square root, element by element.
func (g *Graph[T]) Sqrt(a *Node[T]) *Node[T] { return g.apply("sqrt", a.Shape, a) }

// Tanh adds the hyperbolic tangent, element by element.
func (g *Graph[T]) Tanh(a *Node[T]) *Node[T] { return g.apply("tanh", a.Shape, a) }

// Erf adds the error function 2/√π ∫ e^-t² dt from 0 to a, element by element. For complex
// numbers it is exact to rounding if the imaginary parts are as small as in [ComplexStep],
// and wrong otherwise.
func (g *Graph[T]) Erf(a *Node[T]) *Node[T] { return g.apply("erf", a.Shape, a) }

// Hold adds the value of a as a constant: no gradient goes back through it. Use it for
// values that do not change the result, such as the number that Softmax subtracts.
func (g *Graph[T]) Hold(a *Node[T]) *Node[T] { return g.apply("hold", a.Shape, a) }

// Dot adds the matrix product of a (M, K) and b (K, N). Either may be a vector (K): a row
// on the left, or a column on the right; the result then lacks that axis. Sums run from the
// first term to the last.
func (g *Graph[T]) Dot(a, b *Node[T]) *Node[T] {
	if len(a.Shape) < 1 || len(a.Shape) > 2 || len(b.Shape) < 1 || len(b.Shape) > 2 || a.Shape[len(a.Shape)-1] != b.Shape[0] {
		panic(shapeError("dot", "(M, K) and (K, N)", a, b))
	}
	return g.apply("dot", slices.Concat(a.Shape[:len(a.Shape)-1], b.Shape[1:]), a, b)
}

// Sum adds the sums along axes. These axes get the length 1, so that Broadcast is the way
// back. Without axes it adds the sum of all elements, a scalar. Sums run in the order of
// the elements.
func (g *Graph[T]) Sum(a *Node[T], axes ...int) *Node[T] {
	return g.apply("sum", reduced("sum", a.Shape, axes), a)
}

// Max adds the largest elements along axes. These axes get the length 1. Without axes it
// adds the largest of all elements, a scalar. The gradient goes to the largest element, and
// to the first if several are equal. NaN counts as larger than any number. Complex numbers
// are compared by their real parts.
func (g *Graph[T]) Max(a *Node[T], axes ...int) *Node[T] {
	shape := reduced("max", a.Shape, axes)
	if len(a.Value) == 0 && size("max", shape) > 0 {
		panic(shapeError("max", "at least one element", a))
	}
	return g.apply("max", shape, a)
}

// Broadcast adds a repeated to the given shape. The shapes are compared from their last
// axes; a is repeated along axes that it lacks, or where its length is 1.
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
