package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// GELU is the Gaussian error linear unit, for x of any shape: exact, or approximated with tanh.
//
//	exact     y  = x·Φ(x)       Φ(x) = (1 + erf(x/√2)) / 2
//	          dx = dy·(Φ(x) + x·e^(-x²/2)/√(2π))
//	by tanh   y  = x·s          s = (1 + tanh u) / 2    u = √(2/π)·(x + 0.044715·x³)
//	          dx = dy·(s + 2·x·s·(1 - s)·du/dx)
//
// The approximation, which BERT and GPT-2 use, differs from the exact function by up to 5e-4.
// (Hendrycks and Gimpel, "Gaussian error linear units", 2016.)
//
// Forward never overflows; it saves x, which may not change before Backward. A y or dx
// that would be a subnormal number is 0.
type GELU[T tensor.Float] struct {
	tanh bool
	activationOfX[T]
}

// NewGELU returns an exact GELU layer.
func NewGELU[T tensor.Float]() *GELU[T] { return &GELU[T]{} }

// NewGELUTanh returns a GELU layer that uses the approximation with tanh.
func NewGELUTanh[T tensor.Float]() *GELU[T] { return &GELU[T]{tanh: true} }

func (l *GELU[T]) Fields(f *Fields[T]) { f.Bool("tanh", &l.tanh) }

func (l *GELU[T]) Settings(s *Settings[T]) { s.Bool("tanh", &l.tanh, false) }

// Tanh reports whether the layer uses the approximation with tanh.
func (l *GELU[T]) Tanh() bool { return l.tanh }

func (l *GELU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	if l.tanh {
		return l.forward(p, l, x, kernel.GELUTanh[T])
	}
	return l.forward(p, l, x, kernel.GELU[T])
}

func (l *GELU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	if l.tanh {
		return l.backward(p, l, dy, kernel.GELUTanhBackward[T])
	}
	return l.backward(p, l, dy, kernel.GELUBackward[T])
}

func (l *GELU[T]) String() string {
	if l.tanh {
		return "GELU(tanh)"
	}
	return "GELU"
}
