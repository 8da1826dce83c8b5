package tensor

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Float is the set of element types: exactly float32 and float64.
type Float interface {
	float32 | float64
}

// A Tensor is a dense array: Data holds the elements in row-major order (the
// last axis varies fastest), and len(Data) is the product of Shape. An axis may
// have length 0, so that a batch of no samples is a Tensor like any other.
//
// The fields are exported because kernels work on Data directly. Code that changes Shape
// must keep the product of its lengths.
type Tensor[T Float] struct {
	Shape []int
	Data  []T
}

// New returns a tensor of zeros. It panics with a *[ShapeError] if a length is
// negative or the number of elements overflows an int.
func New[T Float](shape ...int) *Tensor[T] {
	return &Tensor[T]{Shape: slices.Clone(shape), Data: make([]T, mustSize("tensor.New", shape))}
}

// Of returns a tensor that uses data as its elements, without copying. It
// panics with a *[ShapeError] if the shape does not have len(data) elements.
func Of[T Float](data []T, shape ...int) *Tensor[T] {
	if mustSize("tensor.Of", shape) != len(data) {
		panic(&ShapeError{Op: "tensor.Of", Want: fmt.Sprintf("a shape of %d elements", len(data)), Got: slices.Clone(shape)})
	}
	return &Tensor[T]{Shape: slices.Clone(shape), Data: data}
}

// Size returns the number of elements of a shape. ok is false if a length is negative or
// the product does not fit an int.
func Size(shape ...int) (n int, ok bool) {
	if slices.ContainsFunc(shape, func(d int) bool { return d < 0 }) {
		return 0, false
	}
	if slices.Contains(shape, 0) {
		return 0, true
	}
	n = 1
	for _, d := range shape {
		if n > math.MaxInt/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

func mustSize(op string, shape []int) int {
	n, ok := Size(shape...)
	if !ok {
		panic(&ShapeError{Op: op, Want: "lengths of 0 or more whose product fits an int", Got: slices.Clone(shape)})
	}
	return n
}

// Clone returns a copy that shares no memory with x.
func (x *Tensor[T]) Clone() *Tensor[T] {
	return &Tensor[T]{Shape: slices.Clone(x.Shape), Data: slices.Clone(x.Data)}
}

// Rows returns the rows lo to hi-1 along the first axis, which share memory with x. Like a
// slice expression, it panics if the range is out of bounds.
func (x *Tensor[T]) Rows(lo, hi int) *Tensor[T] {
	if len(x.Shape) == 0 || lo < 0 || hi < lo || hi > x.Shape[0] {
		panic(&ShapeError{Op: fmt.Sprintf("Tensor.Rows(%d, %d)", lo, hi), Want: fmt.Sprintf("at least %d rows", hi), Got: slices.Clone(x.Shape)})
	}
	row, _ := Size(x.Shape[1:]...)
	shape := slices.Clone(x.Shape)
	shape[0] = hi - lo
	return &Tensor[T]{Shape: shape, Data: x.Data[lo*row : hi*row : hi*row]}
}

// Index returns the position along each axis of element i of Data.
func (x *Tensor[T]) Index(i int) []int { return Index(i, x.Shape...) }

// Index returns the position along each axis of element i of a tensor with the given shape,
// in row-major order.
func Index(i int, shape ...int) []int {
	index := make([]int, len(shape))
	for axis, d := range slices.Backward(shape) {
		index[axis] = i % d
		i /= d
	}
	return index
}

// String prints the shape and, for a small tensor, its elements.
func (x *Tensor[T]) String() string {
	const most = 64
	if len(x.Data) > most {
		return "Tensor" + FormatShape(x.Shape)
	}
	var s strings.Builder
	s.WriteString("Tensor" + FormatShape(x.Shape) + " ")
	next := 0
	var write func(axis int)
	write = func(axis int) {
		if axis == len(x.Shape) {
			fmt.Fprint(&s, x.Data[next])
			next++
			return
		}
		s.WriteByte('[')
		for i := range x.Shape[axis] {
			if i > 0 {
				s.WriteByte(' ')
			}
			write(axis + 1)
		}
		s.WriteByte(']')
	}
	if len(x.Data) > 0 {
		write(0)
	} else {
		s.WriteString("[]")
	}
	return s.String()
}

// FormatShape writes a shape as the documentation does: (3, 784).
func FormatShape(shape []int) string {
	var s strings.Builder
	s.WriteByte('(')
	for i, d := range shape {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(strconv.Itoa(d))
	}
	s.WriteByte(')')
	return s.String()
}

// An operation panics with a ShapeError when an array has the wrong shape: a mistake in the
// program, not in its input.
type ShapeError struct {
	Op   string // the operation with its configuration, such as "Affine(784->50).Forward"
	Want string // the right shape, such as "(N, 784)"
	Got  []int  // the wrong shape; a copy
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("%s: want %s, got %s", e.Op, e.Want, FormatShape(e.Got))
}
