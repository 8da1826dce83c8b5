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
// At x = 0 exactly the gradient is 0. A NaN in x goes through, and lets dy
// through.
//
// Forward keeps y. The book's mask, x <= 0, is y <= 0: the same elements.
type ReLU[T tensor.Float] struct {
	out Kept[T]
}

// NewReLU returns a ReLU layer.
func NewReLU[T tensor.Float]() *ReLU[T] { return &ReLU[T]{} }

func (l *ReLU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := p.New(x.Shape...)
	kernel.ReLU(y.Data, x.Data)
	l.out.Keep(p, y)
	return y
}

func (l *ReLU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := l.out.Of(p, l)
	mustShape(l, dy, y.Shape)
	dx := p.New(dy.Shape...)
	kernel.ReLUBackward(dx.Data, dy.Data, y.Data)
	return dx
}

// Mask returns the book's mask of the last Forward that kept: true where
// x <= 0, where nothing passes. Like everything kept it is gone after Reset.
func (l *ReLU[T]) Mask(p *Pass[T]) []bool {
	y := l.out.Of(p, l)
	mask := make([]bool, len(y.Data))
	for i, v := range y.Data {
		mask[i] = v <= 0
	}
	return mask
}

func (l *ReLU[T]) Params() []*Param[T] { return nil }

func (l *ReLU[T]) String() string { return "ReLU" }
