package nn

import (
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// Flatten makes each sample one row, as [Affine] needs it.
//
//	forward   y  = x as (N, d1·d2·...)      x (N, d1, d2, ...)
//	backward  dx = dy as (N, d1, d2, ...)
//
// The elements keep their order. y shares the memory of x; nothing is copied.
type Flatten[T tensor.Float] struct{ reshaped[T] }

// NewFlatten returns a Flatten layer.
func NewFlatten[T tensor.Float]() *Flatten[T] { return &Flatten[T]{} }

func (l *Flatten[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	if len(x.Shape) == 0 {
		panic(&tensor.ShapeError{Op: "Flatten.Forward", Want: "(N, ...)", Got: slices.Clone(x.Shape)})
	}
	return l.forward(p, x, []int{x.Shape[0], sampleSize(x)})
}

func (l *Flatten[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy)
}

func (l *Flatten[T]) String() string { return "Flatten" }
