package nn

import (
	"fmt"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// LeakyReLU is a ReLU with a small slope below 0, for x of any shape.
//
//	forward   y  = x  where x > 0, else a·x
//	backward  dx = dy where x > 0, else a·dy
//
// At x = 0 exactly the gradient is a·dy. Where x is NaN, y is NaN and dx is dy.
// (Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models",
// ICML 2013.)
//
// Forward saves x, which may not change before Backward.
type LeakyReLU[T tensor.Float] struct {
	slope float64 // a
	activationOfX[T]
}

// NewLeakyReLU returns a LeakyReLU layer with the usual slope a = 0.01.
func NewLeakyReLU[T tensor.Float]() *LeakyReLU[T] { return LeakyReLUOf[T](0.01) }

// LeakyReLUOf returns a LeakyReLU layer with the given slope, from 0 to 1. It panics with a
// *[FieldError] if the slope is outside that range.
func LeakyReLUOf[T tensor.Float](slope float64) *LeakyReLU[T] {
	l := &LeakyReLU[T]{slope: slope}
	MustBuild(l)
	return l
}

func (l *LeakyReLU[T]) Fields(f *Fields[T]) { f.Float("slope", &l.slope, 0, 1) }

func (l *LeakyReLU[T]) Settings(s *Settings[T]) { s.Float("slope", &l.slope, 0.01) }

// Slope returns a.
func (l *LeakyReLU[T]) Slope() float64 { return l.slope }

func (l *LeakyReLU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x, func(threads int, y, x []T) { kernel.LeakyReLU(threads, y, x, T(l.slope)) })
}

func (l *LeakyReLU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy, func(threads int, dx, dy, x []T) { kernel.LeakyReLUBackward(threads, dx, dy, x, T(l.slope)) })
}

func (l *LeakyReLU[T]) String() string { return fmt.Sprintf("LeakyReLU(%v)", l.slope) }
