package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Softplus is a smooth ReLU, for x of any shape.
//
//	forward   y  = log(1 + e^x)
//	backward  dx = dy / (1 + e^-x), which is dy·(1 - e^-y)
//
// (Dugas et al., "Incorporating second-order functional knowledge for better option pricing",
// NIPS 2000. PyTorch's Softplus has a setting beta, which is 1 here. It returns x itself above
// 20; this one is exact there too.)
//
// Forward never overflows; it saves y.
type Softplus[T tensor.Float] struct{ activation[T] }

// NewSoftplus returns a Softplus layer.
func NewSoftplus[T tensor.Float]() *Softplus[T] { return &Softplus[T]{} }

func (l *Softplus[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x, kernel.Softplus[T])
}

func (l *Softplus[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy, kernel.SoftplusBackward[T])
}

func (l *Softplus[T]) String() string { return "Softplus" }
