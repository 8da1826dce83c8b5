package optim

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// AdaGrad is gradient descent with a separate learning rate for each element. The rate
// falls as s, the sum of the squares of all gradients of the element, grows.
//
//	s ← s + g²
//	w ← w - η·g/(√s + ε)
//
// η is the learning rate, usually 0.01. A sum below the smallest normal number becomes 0.
// The book, PyTorch and ONNX have ε in the same place. (Duchi, Hazan and Singer, "Adaptive
// subgradient methods for online learning and stochastic optimization", Journal of Machine
// Learning Research 12, 2011; chapter 6 of the book.)
type AdaGrad[T tensor.Float] struct {
	Epsilon float64 // above 0, usually 1e-7 (the book) or 1e-10 (PyTorch)
}

// NewAdaGrad returns the optimizer of the parameters with the usual settings. It panics
// if a parameter is listed twice.
func NewAdaGrad[T tensor.Float](params []*nn.Param[T], lr float64) *Optimizer[T] {
	return New(params, lr, usualAdaGrad[T]())
}

func usualAdaGrad[T tensor.Float]() *AdaGrad[T] { return &AdaGrad[T]{Epsilon: 1e-7} }

func (*AdaGrad[T]) State() []string { return []string{"squares"} }

func (a *AdaGrad[T]) Update(u Update[T]) {
	kernel.AdaGrad(u.W, u.State[0], u.Grad, u.LR, T(a.Epsilon))
}
