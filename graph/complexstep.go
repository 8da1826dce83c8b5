package graph

import (
	"runtime"
	"slices"
	"sync"
)

// stepSize is the h of the complex step. It is so small that h² is lost in any sum.
const stepSize = 1e-30

// ComplexStep returns the gradient of y, which must have one element, with
// respect to the input x, without the chain rule: an element of x is moved by ih,
// where i² = -1 and h = 1e-30, the graph is computed forward over complex numbers,
// and the imaginary part of y, divided by h, is the derivative,
//
//	f(x + ih) = f(x) + ih·f'(x) + O(h²)
//
// No difference is taken, so nothing cancels, and the O(h²) is far below rounding. Where y
// is not differentiable, the derivative is that of the argument which the maximum takes.
//
// It returns the derivatives for all elements of x, or for the given ones. Each needs a forward
// pass of the nodes that depend on x; see [Complex]. Goroutines divide the elements among them,
// each with a graph of its own, and g does not change.
func ComplexStep[T Number](g *Graph[T], y, x *Node[T], elements ...int) []float64 {
	if len(y.Value) != 1 {
		panic(shapeError("complex step", "one element", y))
	}
	g.mustOwn("complex step", y)
	g.mustOwn("complex step", x)
	if len(elements) == 0 {
		for i := range x.Value {
			elements = append(elements, i)
		}
	}
	grad := make([]float64, len(elements))
	const least = 64 // elements for each goroutine, which has to make a graph
	workers := max(1, min(runtime.GOMAXPROCS(0), len(elements)/least))
	share := func(worker int) {
		lo, hi := worker*len(elements)/workers, (worker+1)*len(elements)/workers
		steps(Complex(g), y.ID, x.ID, elements[lo:hi], grad[lo:hi])
	}
	var others sync.WaitGroup
	for worker := 1; worker < workers; worker++ {
		others.Go(func() { share(worker) })
	}
	share(0)
	others.Wait()
	return grad
}

// ComplexStepAlong returns the derivative of y, of any shape, when each input moves along its
// direction: J·v, the Jacobian times the vector of all directions.
func ComplexStepAlong[T Number](g *Graph[T], y *Node[T], directions map[*Node[T]][]float64) []float64 {
	g.mustOwn("complex step", y)
	c := Complex(g)
	for x, v := range directions {
		g.mustOwn("complex step", x)
		if len(v) != len(x.Value) {
			panic(&ShapeError{Op: "complex step", Want: "a direction for each element of " + FormatShape(x.Shape), Got: [][]int{{len(v)}}})
		}
		moved := c.nodes[x.ID]
		for i := range v {
			moved.Value[i] += complex(0, stepSize*v[i])
		}
	}
	c.Forward()
	derivative := make([]float64, len(y.Value))
	for i, v := range c.nodes[y.ID].Value {
		derivative[i] = imag(v) / stepSize
	}
	return derivative
}

// Complex returns the same graph over complex numbers: the same operations and values, at
// the same places of the tape. Gradients are not copied.
func Complex[T Number](g *Graph[T]) *Graph[complex128] {
	c := New[complex128]()
	for _, n := range g.nodes {
		c.group = n.Group
		var in []*Node[complex128]
		for _, a := range n.In {
			in = append(in, c.nodes[a.ID])
		}
		var twin *Node[complex128]
		if n.Leaf() {
			twin = c.add(n.Op, nil, n.Shape)
			for i, v := range n.Value {
				twin.Value[i] = complexOf(v)
			}
		} else {
			twin = c.node(n.Op, n.Shape, in...)
			twin.Attr = n.Attr
			twin.rule.forward(twin)
		}
		twin.Label = n.Label
	}
	c.group = nil
	return c
}

// steps sets grad to the derivatives of node y of g with respect to elements of node x.
// Afterwards the values in g are not defined.
func steps(g *Graph[complex128], y, x int, elements []int, grad []float64) {
	in, out := g.nodes[x], g.nodes[y]
	affected := g.dependents(in, out)
	for k, i := range elements {
		v := in.Value[i]
		in.Value[i] = v + complex(0, stepSize)
		for _, d := range affected {
			d.forward(in, i)
		}
		grad[k] = imag(out.Value[0]) / stepSize
		in.Value[i] = v
		for _, d := range affected {
			if d.narrow {
				copy(d.Value, d.whole) // the others are computed as a whole next time
			}
		}
	}
}

// A dependent is a node that is computed again when an element of an input moves.
type dependent[T Number] struct {
	*Node[T]
	narrow bool // a dot of which only a row or column changes
	whole  []T  // its value when nothing has moved
}

// dependents returns the nodes up to y that depend on x, in order.
func (g *Graph[T]) dependents(x, y *Node[T]) []dependent[T] {
	var all []dependent[T]
	stale := g.mark("dependents", []*Node[T]{x})
	for _, n := range g.nodes[:y.ID+1] {
		moved := 0 // number of inputs that depend on x
		for _, a := range n.In {
			if stale[a.ID] {
				moved++
			}
		}
		if moved > 0 {
			stale[n.ID] = true
			d := dependent[T]{Node: n, narrow: n.Op == "dot" && moved == 1 && slices.Contains(n.In, x)}
			if d.narrow {
				d.whole = slices.Clone(n.Value)
			}
			all = append(all, d)
		}
	}
	return all
}

// forward computes the node after element i of x has moved. The elements of a dot that do
// not depend on that element are left out, which changes no bit.
func (d dependent[T]) forward(x *Node[T], i int) {
	if d.narrow {
		dotForwardElement(d.Node, x, i)
	} else {
		d.rule.forward(d.Node)
	}
}
