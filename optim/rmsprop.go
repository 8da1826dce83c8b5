package optim

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// RMSProp is gradient descent in which each element of the gradient is divided by the root
// of v, the mean of its squares. Older gradients weigh less.
//
//	v ← β·v + (1 - β)·g²
//	w ← w - η·g/(√v + ε)
//
// η is the learning rate, usually 0.001. A mean below the smallest normal number becomes 0. The
// book and PyTorch have ε in the same place. (Tieleman and Hinton, "Lecture 6.5: RMSProp",
// Coursera: Neural networks for machine learning, 2012; chapter 6 of the book.)
type RMSProp[T tensor.Float] struct {
	Beta    float64 // 0 to below 1, usually 0.99
	Epsilon float64 // above 0, usually 1e-7 (the book) or 1e-8 (PyTorch)
}

// NewRMSProp returns the optimizer of the parameters with the usual settings. It panics
// if a parameter is listed twice.
func NewRMSProp[T tensor.Float](params []*nn.Param[T], lr float64) *Optimizer[T] {
	return New(params, lr, usualRMSProp[T]())
}

func usualRMSProp[T tensor.Float]() *RMSProp[T] { return &RMSProp[T]{Beta: 0.99, Epsilon: 1e-7} }

func (*RMSProp[T]) State() []string { return []string{"square"} }

func (r *RMSProp[T]) Update(u Update[T]) {
	kernel.RMSProp(u.W, u.State[0], u.Grad, T(1-r.Beta), u.LR, T(r.Epsilon))
}
