package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// ReLU is the rectified linear unit, for x of any shape.
//
//	forward   y  = x  where x > 0, else 0
//	backward  dx = dy where x > 0, else 0
//
// At x = 0 exactly the gradient is 0. Where x is NaN, y is NaN and dx is dy.
//
// Forward saves y. The book's mask, x <= 0, is y <= 0: the same elements.
type ReLU[T tensor.Float] struct{ activation[T] }

// NewReLU returns a ReLU layer.
func NewReLU[T tensor.Float]() *ReLU[T] { return &ReLU[T]{} }

func (l *ReLU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x, kernel.ReLU[T])
}

func (l *ReLU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy, kernel.ReLUBackward[T])
}

// Mask returns the book's mask of the last Forward that saved: true where x <= 0, where
// the gradient does not pass. It panics after [Pass.Reset], as after a Forward that did
// not save. It also panics if the ReLU ran together with the Convolution before it and
// the MaxPool after it, which saves no y for it: set [Pass.Unfused] then.
func (l *ReLU[T]) Mask(p *Pass[T]) []bool {
	y := l.y.Get(p, l)
	mask := make([]bool, len(y.Data))
	for i, v := range y.Data {
		mask[i] = v <= 0
	}
	return mask
}

func (l *ReLU[T]) String() string { return "ReLU" }
