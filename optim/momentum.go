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
//
// With LateRate the learning rate comes after the velocity, as in PyTorch and ONNX:
//
//	v ← α·v + g
//	w ← w - η·v
//
// While the learning rate stays the same, both are the same but for a factor of -η in v.
// When it falls, what v has gathered before goes on at the old rate, or with LateRate at
// the new one.
type Momentum[T tensor.Float] struct {
	Alpha    float64
	LateRate bool
}

// NewMomentum returns the optimizer of the parameters. It panics if one is listed
// twice.
func NewMomentum[T tensor.Float](params []*nn.Param[T], lr, alpha float64) *Optimizer[T] {
	return New(params, lr, &Momentum[T]{Alpha: alpha})
}

func (*Momentum[T]) State() []string { return []string{"velocity"} }

func (m *Momentum[T]) Update(u Update[T]) {
	gain, rate := rates(u.LR, m.LateRate)
	kernel.Momentum(u.W, u.State[0], u.Grad, T(m.Alpha), gain, rate)
}

// rates returns what multiplies the gradient in the velocity, and the velocity in w.
func rates[T tensor.Float](lr T, late bool) (gain, rate T) {
	if late {
		return 1, -lr
	}
	return -lr, 1
}
