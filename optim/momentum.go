package optim

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Momentum is gradient descent with a velocity v, as of a ball that rolls down
// a slope and is slowed by friction.
//
//	v ← α·v - η·g
//	w ← w + v
//
// η is the learning rate, and α is Alpha, the share of the velocity that is left
// after a step, 0 to 1, usually 0.9; with 0 it is [SGD]. Both are rounded to T. A
// velocity too small for a normal number is 0. (Polyak, "Some methods of speeding up
// the convergence of iteration methods", USSR Computational Mathematics and
// Mathematical Physics 4, 1964; chapter 6 of the book.)
type Momentum[T tensor.Float] struct{ Alpha float64 }

// NewMomentum returns the optimizer of the parameters. It panics if one is listed
// twice.
func NewMomentum[T tensor.Float](params []*nn.Param[T], lr, alpha float64) *Optimizer[T] {
	return New(params, lr, &Momentum[T]{alpha})
}

func (*Momentum[T]) State() []string { return []string{"velocity"} }

func (m *Momentum[T]) Update(u Update[T]) {
	kernel.Momentum(u.Threads, u.W, u.State[0], u.Grad, T(m.Alpha), u.LR)
}
