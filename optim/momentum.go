package optim

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Momentum is gradient descent with a velocity v, like a ball that rolls down a slope and
// is slowed by friction.
//
//	v ← α·v - η·g
//	w ← w + v
//
// η is the learning rate. α is Alpha, from 0 to 1 and usually 0.9: the share of the
// velocity that remains after a step; with 0 it is [SGD]. Both are rounded to T. A velocity
// below the smallest normal number becomes 0. (Polyak, "Some methods of speeding up the
// convergence of iteration methods", USSR Computational Mathematics and Mathematical
// Physics 4, 1964; chapter 6 of the book.)
//
// With LateRate the learning rate is applied after the velocity, as in PyTorch and ONNX:
//
//	v ← α·v + g
//	w ← w - η·v
//
// While the learning rate is constant, both forms give the same w; their v differ by the
// factor -η. When the learning rate falls, the velocity from earlier steps keeps the old
// rate, or with LateRate gets the new one.
type Momentum[T tensor.Float] struct {
	Alpha    float64
	LateRate bool
}

// NewMomentum returns the optimizer for the parameters. It panics if a parameter is listed
// twice.
func NewMomentum[T tensor.Float](params []*nn.Param[T], lr, alpha float64) *Optimizer[T] {
	return New(params, lr, &Momentum[T]{Alpha: alpha})
}

func (*Momentum[T]) State() []string { return []string{"velocity"} }

func (m *Momentum[T]) Update(u Update[T]) {
	gain, rate := rates(u.LR, m.LateRate)
	kernel.Momentum(u.W, u.State[0], u.Grad, T(m.Alpha), gain, rate)
}

// rates returns the factor of the gradient in v, and the factor of v in w.
func rates[T tensor.Float](lr T, late bool) (gain, rate T) {
	if late {
		return 1, -lr
	}
	return -lr, 1
}
