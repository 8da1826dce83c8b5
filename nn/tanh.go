package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Tanh is the hyperbolic tangent, for x of any shape.
//
//	forward   y  = (e^x - e^-x) / (e^x + e^-x)
//	backward  dx = dy·(1 - y²)
//
// Forward never overflows; it saves y. (Where y rounds to 1, from about x = 9 in float32
// and 19 in float64, the gradient is 0.)
type Tanh[T tensor.Float] struct{ activation[T] }

// NewTanh returns a Tanh layer.
func NewTanh[T tensor.Float]() *Tanh[T] { return &Tanh[T]{} }

func (l *Tanh[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x, kernel.Tanh[T])
}

func (l *Tanh[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy, kernel.TanhBackward[T])
}

// WeightInit returns [Xavier].
func (l *Tanh[T]) WeightInit() Init { return Xavier }

func (l *Tanh[T]) String() string { return "Tanh" }
