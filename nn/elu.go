package nn

import (
	"fmt"
	"math"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// ELU is the exponential linear unit, for x of any shape.
//
//	forward   y  = x  where x > 0, else α·(e^x - 1)
//	backward  dx = dy where x > 0, else dy·α·e^x, which is dy·(y + α)
//
// At x = 0 exactly the gradient is α·dy. Where x is NaN, y is NaN and dx is dy.
// (Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
// exponential linear units", ICLR 2016.)
//
// Forward saves y. (Where y rounds to -α, from about x = -17 in float32 and -37 in
// float64, the gradient is 0.)
type ELU[T tensor.Float] struct {
	alpha float64
	activation[T]
}

// NewELU returns an ELU layer with the usual α = 1.
func NewELU[T tensor.Float]() *ELU[T] { return ELUOf[T](1) }

// ELUOf returns an ELU layer with the given α. It panics with a *[FieldError] if α is negative
// or not a float32.
func ELUOf[T tensor.Float](alpha float64) *ELU[T] {
	l := &ELU[T]{alpha: alpha}
	MustBuild(l)
	return l
}

func (l *ELU[T]) Fields(f *Fields[T]) { f.Float("alpha", &l.alpha, 0, math.MaxFloat32) }

func (l *ELU[T]) Settings(s *Settings[T]) { s.Float("alpha", &l.alpha, 1) }

// Alpha returns α.
func (l *ELU[T]) Alpha() float64 { return l.alpha }

func (l *ELU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x, func(threads int, y, x []T) { kernel.ELU(threads, y, x, T(l.alpha)) })
}

func (l *ELU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy, func(threads int, dx, dy, y []T) { kernel.ELUBackward(threads, dx, dy, y, T(l.alpha)) })
}

func (l *ELU[T]) String() string { return fmt.Sprintf("ELU(%v)", l.alpha) }
