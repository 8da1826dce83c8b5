package optim

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// SGD is stochastic gradient descent.
//
//	w ← w - η·g
//
// η is the learning rate. (Robbins and Monro, "A stochastic approximation method",
// Annals of Mathematical Statistics 22, 1951; chapter 6 of the book.)
type SGD[T tensor.Float] struct{}

// NewSGD returns the optimizer for the parameters. It panics if a parameter is listed twice.
func NewSGD[T tensor.Float](params []*nn.Param[T], lr float64) *Optimizer[T] {
	return New(params, lr, SGD[T]{})
}

func (SGD[T]) State() []string { return nil }

func (SGD[T]) Update(u Update[T]) { kernel.SGD(u.W, u.Grad, u.LR) }
