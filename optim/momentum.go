package optim

import (
	"slices"

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
// η is LR, the learning rate, and α is Alpha, the share of the velocity that is
// left after a step, 0 to 1, usually 0.9; with 0 it is [SGD]. Both are rounded
// to T and free to change between steps. A velocity too small for a normal
// number is 0. (Polyak, "Some methods of speeding up the convergence of
// iteration methods", USSR Computational Mathematics and Mathematical Physics
// 4, 1964; chapter 6 of the book.)
type Momentum[T tensor.Float] struct {
	LR, Alpha float64
	Velocity  []*tensor.Tensor[T] // of each parameter, in their order; zero at first
	params    []*nn.Param[T]
}

// NewMomentum returns the optimizer of the parameters. It panics if one is
// listed twice.
func NewMomentum[T tensor.Float](params []*nn.Param[T], lr, alpha float64) *Momentum[T] {
	mustDiffer(params)
	o := &Momentum[T]{LR: lr, Alpha: alpha, params: slices.Clone(params)}
	for _, p := range params {
		o.Velocity = append(o.Velocity, tensor.New[T](p.Value.Shape...))
	}
	return o
}

func (o *Momentum[T]) Step() {
	for i, p := range o.params {
		kernel.Momentum(p.Value.Data, o.Velocity[i].Data, p.Grad.Data, T(o.Alpha), T(o.LR))
	}
}
