package graph

import "slices"

// Forward computes the graph again after the values of inputs were changed: all of it, or,
// if the changed nodes are given, the nodes that depend on them.
func (g *Graph[T]) Forward(changed ...*Node[T]) {
	stale := g.mark("forward", changed)
	for _, n := range g.nodes {
		if n.rule == nil {
			continue
		}
		if len(changed) == 0 || slices.ContainsFunc(n.In, func(a *Node[T]) bool { return stale[a.ID] }) {
			n.rule.forward(n)
			stale[n.ID] = true
		}
	}
}

// Backward computes the gradient of y, which must have one element, with respect to every
// node, and sets the Grad of the nodes. It is 0 where y does not depend on a node.
func (g *Graph[T]) Backward(y *Node[T]) {
	if len(y.Value) != 1 {
		panic(shapeError("backward", "one element (for more, use BackwardFrom)", y))
	}
	g.BackwardFrom(y, []T{1})
}

// BackwardFrom is Backward from a y of any shape with the gradient dy. It is the gradient
// of the sum of dy * y.
func (g *Graph[T]) BackwardFrom(y *Node[T], dy []T) {
	if len(dy) != len(y.Value) {
		panic(&ShapeError{Op: "backward", Want: "a gradient for each element of " + FormatShape(y.Shape), Got: [][]int{{len(dy)}}})
	}
	// Nodes that y does not depend on are skipped. Their gradient is 0, but 0 times
	// an infinite local derivative would be NaN.
	needed := g.mark("backward", []*Node[T]{y})
	for _, n := range g.nodes {
		clear(n.Grad)
	}
	copy(y.Grad, dy)
	g.output = y
	for _, n := range slices.Backward(g.nodes[:y.ID+1]) {
		if !needed[n.ID] || n.rule == nil {
			continue
		}
		for _, a := range n.In {
			needed[a.ID] = true
		}
		n.rule.backward(n)
	}
}

// mark returns a mark for every node, which is set for the given nodes.
func (g *Graph[T]) mark(op string, nodes []*Node[T]) []bool {
	g.marked = slices.Grow(g.marked[:0], len(g.nodes))[:len(g.nodes)]
	clear(g.marked)
	for _, n := range nodes {
		g.mustOwn(op, n)
		g.marked[n.ID] = true
	}
	return g.marked
}

// Terms returns what the last Backward added to the gradient of each input through
// this node: the terms of the chain rule. The Grad of an input that several nodes
// use is the sum of their terms. A leaf has no terms.
func (n *Node[T]) Terms() [][]T {
	if n.Leaf() {
		return nil
	}
	var terms [][]T
	y := *n
	y.In = nil
	for _, a := range n.In {
		apart := *a
		apart.Grad = make([]T, len(a.Value))
		y.In = append(y.In, &apart)
		terms = append(terms, apart.Grad)
	}
	n.rule.backward(&y)
	return terms
}
