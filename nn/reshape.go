package nn

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// Reshape gives each sample another shape with the same number of elements.
//
//	forward   y  = x as (N, shape...)      x (N, ...)
//	backward  dx = dy as (N, ...)
//
// The elements keep their order. y shares the memory of x; nothing is copied. Reshape and
// [Flatten] undo each other.
type Reshape[T tensor.Float] struct {
	reshaped[T]
	shape []int
}

// NewReshape returns a Reshape layer. shape is the shape of one sample of y: at most 15 lengths,
// each 1 or more. It panics otherwise, or if the number of elements does not fit an int.
func NewReshape[T tensor.Float](shape ...int) *Reshape[T] {
	l := &Reshape[T]{shape: slices.Clone(shape)}
	MustBuild(l)
	return l
}

// mostAxes is the largest number of axes of a batch that [Reshape] makes.
const mostAxes = 16

func (l *Reshape[T]) Fields(f *Fields[T]) {
	f.Sizes("shape", &l.shape, mostAxes-1)
	if _, ok := tensor.Size(l.shape...); !ok && f.Building() {
		f.Fail("shape", "want a number of elements that fits an integer, got the shape %s", tensor.FormatShape(l.shape))
	}
}

// Shape returns the shape of one sample of y. The slice is shared: do not change it.
func (l *Reshape[T]) Shape() []int { return l.shape }

func (l *Reshape[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	want, _ := tensor.Size(l.shape...)
	if len(x.Shape) == 0 || sampleSize(x) != want {
		panic(&tensor.ShapeError{
			Op:   l.String() + ".Forward",
			Want: fmt.Sprintf("(N, ...) with %d elements a sample", want),
			Got:  slices.Clone(x.Shape),
		})
	}
	var shape [mostAxes]int
	shape[0] = x.Shape[0]
	return l.forward(p, x, shape[:1+copy(shape[1:], l.shape)])
}

func (l *Reshape[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy)
}

func (l *Reshape[T]) String() string { return "Reshape" + tensor.FormatShape(l.shape) }

// sampleSize returns the number of elements of one sample of x (N, ...).
func sampleSize[T tensor.Float](x *tensor.Tensor[T]) int {
	n, _ := tensor.Size(x.Shape[1:]...)
	return n
}

// reshaped is the common part of layers whose y is x in another shape. It saves x and y.
type reshaped[T tensor.Float] struct {
	x, y Saved[T]
}

func (r *reshaped[T]) forward(p *Pass[T], x *tensor.Tensor[T], shape []int) *tensor.Tensor[T] {
	y := p.View(x, shape...)
	r.x.Set(p, x)
	r.y.Set(p, y)
	return y
}

func (r *reshaped[T]) backward(p *Pass[T], layer any, dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	CheckShape(layer, dy, r.y.Get(p, layer).Shape)
	return p.View(dy, r.x.Get(p, layer).Shape...)
}

// Params returns nil.
func (r *reshaped[T]) Params() []*Param[T] { return nil }
