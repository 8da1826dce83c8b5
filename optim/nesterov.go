package optim

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Nesterov is [Momentum] with the gradient at the place to which the velocity leads. Here w
// is that place, so that the gradient is always taken at w:
//
//	v ← α·v - η·g
//	w ← w + α·v - η·g          with the new v
//
// The book writes the second line with the old v, as w + α²·v - (1 + α)·η·g, which is the
// same. With LateRate it is as in PyTorch and ONNX, which is the same while the learning
// rate is constant:
//
//	v ← α·v + g
//	w ← w - η·(g + α·v)
//
// Settings and ranges are as in [Momentum]. (Nesterov, "A method for solving the convex
// programming problem with convergence rate O(1/k²)", Soviet Mathematics Doklady 27, 1983;
// Bengio, Boulanger-Lewandowski and Pascanu, "Advances in optimizing recurrent networks",
// ICASSP 2013, which the book follows.)
type Nesterov[T tensor.Float] struct {
	Alpha    float64
	LateRate bool
}

// NewNesterov returns the optimizer for the parameters. It panics if a parameter is listed
// twice.
func NewNesterov[T tensor.Float](params []*nn.Param[T], lr, alpha float64) *Optimizer[T] {
	return New(params, lr, &Nesterov[T]{Alpha: alpha})
}

func (*Nesterov[T]) State() []string { return []string{"velocity"} }

func (n *Nesterov[T]) Update(u Update[T]) {
	gain, rate := rates(u.LR, n.LateRate)
	kernel.Nesterov(u.W, u.State[0], u.Grad, T(n.Alpha), gain, rate)
}
