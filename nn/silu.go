package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// SiLU is the sigmoid linear unit, also called swish, for x of any shape.
//
//	forward   y  = x·s          s = 1 / (1 + e^-x)
//	backward  dx = dy·(s + x·s·(1 - s))
//
// (Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
// approximation in reinforcement learning", Neural Networks 107, 2018.)
//
// Forward never overflows; it saves x, which may not change before Backward. A y or dx
// that would be a subnormal number is 0.
type SiLU[T tensor.Float] struct{ activationOfX[T] }

// NewSiLU returns a SiLU layer.
func NewSiLU[T tensor.Float]() *SiLU[T] { return &SiLU[T]{} }

func (l *SiLU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x, kernel.SiLU[T])
}

func (l *SiLU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy, kernel.SiLUBackward[T])
}

func (l *SiLU[T]) String() string { return "SiLU" }
