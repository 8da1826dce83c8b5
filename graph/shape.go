package graph

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
)

// An operation panics with a ShapeError if the shapes of its inputs do not fit: a mistake
// in the program.
type ShapeError struct {
	Op   string
	Want string
	Got  [][]int // one shape for each input
}

func (e *ShapeError) Error() string {
	if len(e.Got) == 0 {
		return fmt.Sprintf("graph: %s: want %s, got nothing", e.Op, e.Want)
	}
	var got []string
	for _, shape := range e.Got {
		got = append(got, FormatShape(shape))
	}
	return fmt.Sprintf("graph: %s: want %s, got %s", e.Op, e.Want, strings.Join(got, " and "))
}

func shapeError[T Number](op, want string, in ...*Node[T]) *ShapeError {
	e := &ShapeError{Op: op, Want: want}
	for _, n := range in {
		e.Got = append(e.Got, slices.Clone(n.Shape))
	}
	return e
}

// FormatShape writes a shape as in (2, 3); the shape of a scalar is ().
func FormatShape(shape []int) string {
	return "(" + strings.Join(strings.Fields(strings.Trim(fmt.Sprint(shape), "[]")), ", ") + ")"
}

// size returns the number of elements of a shape.
func size(op string, shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > math.MaxInt/d {
			panic(&ShapeError{Op: op, Want: "lengths of 0 or more whose product fits an int", Got: [][]int{slices.Clone(shape)}})
		}
		n *= d
	}
	return n
}

// reduced returns the shape with the given axes shortened to 1; without axes, the shape of
// a scalar.
func reduced(op string, shape, axes []int) []int {
	if len(axes) == 0 {
		return nil
	}
	short := slices.Clone(shape)
	for _, axis := range axes {
		if axis < 0 || axis >= len(shape) {
			panic(&ShapeError{Op: op, Want: fmt.Sprintf("an axis %d", axis), Got: [][]int{slices.Clone(shape)}})
		}
		short[axis] = 1
	}
	return short
}

// repeated returns the strides of a small array that is repeated to the shape. Its axes,
// counted from the last, have the same length, or length 1, or are missing.
func repeated(small, shape []int) []int {
	all := make([]int, len(shape))
	stride := 1
	for axis, d := range slices.Backward(small) {
		if d != 1 { // along an axis of 1 nothing moves
			all[len(shape)-len(small)+axis] = stride
		}
		stride *= d
	}
	return all
}

// strides returns, for each axis, how far apart two neighbors along it are among
// the elements.
func strides(shape []int) []int {
	all := make([]int, len(shape))
	stride := 1
	for axis, d := range slices.Backward(shape) {
		all[axis] = stride
		stride *= d
	}
	return all
}

// places returns the j of strided.
func places(shape, strides []int, start int) []int {
	all := make([]int, 0, size("", shape))
	for _, j := range strided(shape, strides, start) {
		all = append(all, j)
	}
	return all
}

// strided pairs each element i of an array of the shape with a j that begins at
// start and moves, with each axis, by its stride.
func strided(shape, strides []int, start int) iter.Seq2[int, int] {
	return func(yield func(i, j int) bool) {
		at := make([]int, len(shape))
		j := start
		for i := range size("", shape) {
			if !yield(i, j) {
				return
			}
			for axis := len(shape) - 1; axis >= 0; axis-- {
				at[axis]++
				j += strides[axis]
				if at[axis] < shape[axis] {
					break
				}
				at[axis] = 0
				j -= strides[axis] * shape[axis]
			}
		}
	}
}
