package graph

import (
	"fmt"
	"slices"
)

// Gather adds an array of the given shape. Element i is the element index[i] of the inputs,
// or fill if index[i] is -1. The elements are numbered through all inputs, one after
// another, so several inputs can be joined. Backward adds the gradient of each element to
// the element it was taken from.
//
// [Graph.Transpose], [Graph.Reshape], [Graph.Slice], [Graph.Pad] and [Graph.Concat]
// are gathers.
func (g *Graph[T]) Gather(index, shape []int, fill float64, in ...*Node[T]) *Node[T] {
	return g.gather("", slices.Clone(index), slices.Clone(shape), fill, in...)
}

// gather is Gather with a kind. It does not copy its slices.
func (g *Graph[T]) gather(kind string, index, shape []int, fill float64, in ...*Node[T]) *Node[T] {
	elements := 0
	for _, a := range in {
		elements += len(a.Value)
	}
	if n := size("gather", shape); n != len(index) {
		panic(shapeError("gather", fmt.Sprintf("an index for each of the %d elements of %s, not %d", n, FormatShape(shape), len(index)), in...))
	}
	for i, j := range index {
		if j < -1 || j >= elements {
			panic(shapeError("gather", fmt.Sprintf("an index from -1 to %d, not %d as the index %d", elements-1, j, i), in...))
		}
	}
	n := g.node("gather", shape, in...)
	n.Attr = &Attributes{kind, index, fill}
	n.rule.forward(n)
	return n
}

// Transpose adds a with its axes in another order: axis i of the result is axis
// axes[i] of a. Without axes their order is reversed; a matrix (M, N) becomes
// (N, M).
func (g *Graph[T]) Transpose(a *Node[T], axes ...int) *Node[T] {
	if len(axes) == 0 {
		for i := range a.Shape {
			axes = append([]int{i}, axes...)
		}
	}
	var shape, steps []int
	from := strides(a.Shape)
	for i, axis := range axes {
		if axis < 0 || axis >= len(a.Shape) || slices.Contains(axes[:i], axis) {
			break
		}
		shape, steps = append(shape, a.Shape[axis]), append(steps, from[axis])
	}
	if len(shape) != len(a.Shape) || len(axes) != len(a.Shape) {
		panic(shapeError("transpose", fmt.Sprintf("each axis once, not axes %v", axes), a))
	}
	return g.gather("transpose", places(shape, steps, 0), shape, 0, a)
}

// Reshape adds an array with the elements of a, in order, and another shape.
func (g *Graph[T]) Reshape(a *Node[T], shape ...int) *Node[T] {
	if size("reshape", shape) != len(a.Value) {
		panic(shapeError("reshape to "+FormatShape(shape), fmt.Sprintf("%d elements", size("reshape", shape)), a))
	}
	shape = slices.Clone(shape)
	return g.gather("reshape", places(shape, strides(shape), 0), shape, 0, a)
}

// Slice adds the part of a from place lo to place hi-1 along the axis.
func (g *Graph[T]) Slice(a *Node[T], axis, lo, hi int) *Node[T] {
	if axis < 0 || axis >= len(a.Shape) || lo < 0 || lo > hi || hi > a.Shape[axis] {
		panic(shapeError("slice", fmt.Sprintf("places %d to %d of an axis %d", lo, hi, axis), a))
	}
	shape, steps := slices.Clone(a.Shape), strides(a.Shape)
	shape[axis] = hi - lo
	return g.gather("slice", places(shape, steps, lo*steps[axis]), shape, 0, a)
}

// Pad adds a with before elements more at the start of the axis and after more at
// its end, all of them fill.
func (g *Graph[T]) Pad(a *Node[T], axis, before, after int, fill float64) *Node[T] {
	if axis < 0 || axis >= len(a.Shape) || before < 0 || after < 0 {
		panic(shapeError("pad", fmt.Sprintf("an axis %d, and 0 or more at either end, not %d and %d", axis, before, after), a))
	}
	shape := slices.Clone(a.Shape)
	shape[axis] += before + after
	index := slices.Repeat([]int{-1}, size("pad", shape))
	steps := strides(shape)
	for i, j := range strided(a.Shape, steps, before*steps[axis]) {
		index[j] = i
	}
	return g.gather("pad", index, shape, fill, a)
}

// Concat adds the inputs one after another along the axis. Their other axes must
// be equally long.
func (g *Graph[T]) Concat(axis int, in ...*Node[T]) *Node[T] {
	if len(in) == 0 || axis < 0 || axis >= len(in[0].Shape) {
		panic(shapeError("concat", fmt.Sprintf("one input or more with an axis %d", axis), in...))
	}
	shape := slices.Clone(in[0].Shape)
	shape[axis] = 0
	for _, a := range in {
		if len(a.Shape) != len(shape) {
			panic(shapeError("concat", "equally many axes", in...))
		}
		for i := range shape {
			if i == axis {
				shape[i] += a.Shape[i]
			} else if shape[i] != a.Shape[i] {
				panic(shapeError("concat", fmt.Sprintf("equal lengths but along axis %d", axis), in...))
			}
		}
	}
	index := make([]int, size("concat", shape))
	steps := strides(shape)
	place, first := 0, 0 // where the input begins, along the axis and among all elements
	for _, a := range in {
		for i, j := range strided(a.Shape, steps, place*steps[axis]) {
			index[j] = first + i
		}
		place, first = place+a.Shape[axis], first+len(a.Value)
	}
	return g.gather("concat", index, shape, 0, in...)
}

func gatherForward[T Number](y *Node[T]) {
	fill := number[T](y.Attr.Fill)
	for i, j := range y.Attr.Index {
		if j < 0 {
			y.Value[i] = fill
			continue
		}
		a, j := y.source(j)
		y.Value[i] = a.Value[j]
	}
}

func gatherBackward[T Number](y *Node[T]) {
	for i, j := range y.Attr.Index {
		if j >= 0 {
			a, j := y.source(j)
			a.Grad[j] += y.Grad[i]
		}
	}
}

// source returns the input that has element j of all inputs, and the place in that input.
func (n *Node[T]) source(j int) (*Node[T], int) {
	k := 0
	for j >= len(n.In[k].Value) {
		j -= len(n.In[k].Value)
		k++
	}
	return n.In[k], j
}
