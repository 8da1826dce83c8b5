package nn

import "github.com/chainrule-go/chainrule/tensor"

// Identity returns x: it is the shortcut of a [Residual], or a branch of a [Concat].
//
//	forward   y  = x      x of any shape
//	backward  dx = dy
//
// y shares the memory of x; nothing is copied.
type Identity[T tensor.Float] struct{ reshaped[T] }

// NewIdentity returns an Identity layer.
func NewIdentity[T tensor.Float]() *Identity[T] { return &Identity[T]{} }

func (l *Identity[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	return l.forward(p, x, x.Shape)
}

func (l *Identity[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy)
}

func (l *Identity[T]) String() string { return "Identity" }
