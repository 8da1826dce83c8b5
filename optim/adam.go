package optim

import (
	"math"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Adam is gradient descent by m, the mean of the gradients, divided for each element by the
// root of v, the mean of their squares. In both, older gradients weigh less.
//
//	m ← β₁·m + (1 - β₁)·g
//	v ← β₂·v + (1 - β₂)·g²
//	w ← w - η·m̂/(√v̂ + ε)      m̂ = m/(1 - β₁ᵗ)   v̂ = v/(1 - β₂ᵗ)
//
// η is the learning rate, usually 0.001, and t counts the steps from 1. Means below the
// smallest normal number become 0. (Kingma and Ba, "Adam: A method for stochastic
// optimization", ICLR 2015, algorithm 1, as in PyTorch. The book and ONNX add ε to √v,
// before v is corrected, a form that section 2 of the paper mentions.)
type Adam[T tensor.Float] struct {
	Beta1, Beta2 float64 // 0 to below 1, usually 0.9 and 0.999
	Epsilon      float64 // above 0, usually 1e-8
	EarlyEpsilon bool    // ε is added to √v and not to √v̂, as in the book and ONNX
}

// NewAdam returns the optimizer of the parameters with the usual settings. It panics if
// a parameter is listed twice.
func NewAdam[T tensor.Float](params []*nn.Param[T], lr float64) *Optimizer[T] {
	return New(params, lr, usualAdam[T]())
}

// NewAdamW returns [Adam] with decoupled weight decay λ, usually 0.01:
//
//	w ← w - η·λ·w
//
// before each step of Adam. (Loshchilov and Hutter, "Decoupled weight decay
// regularization", ICLR 2019; as in PyTorch, λ is multiplied by the learning rate.) It
// panics if a parameter is listed twice.
func NewAdamW[T tensor.Float](params []*nn.Param[T], lr, decay float64) *Optimizer[T] {
	o := NewAdam(params, lr)
	o.Decay, o.Decoupled = decay, true
	return o
}

func usualAdam[T tensor.Float]() *Adam[T] { return &Adam[T]{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8} }

func (*Adam[T]) State() []string { return []string{"mean", "square"} }

func (a *Adam[T]) Update(u Update[T]) {
	root := math.Sqrt(1 - power(a.Beta2, u.Step))
	rate := float64(u.LR) * root / (1 - power(a.Beta1, u.Step))
	epsilon := a.Epsilon
	if !a.EarlyEpsilon {
		epsilon *= root
	}
	kernel.Adam(u.W, u.State[0], u.State[1], u.Grad, T(1-a.Beta1), T(1-a.Beta2), T(rate), T(epsilon))
}
