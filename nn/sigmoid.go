package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Sigmoid is the logistic function, for x of any shape.
//
//	forward   y  = 1 / (1 + e^-x)
//	backward  dx = dy·y·(1 - y)
//
// The book derives the backward pass node by node: through / it is -dy·y²,
// through + the same, through exp it is -dy·y²·e^-x, through ×(-1) it is
// dy·y²·e^-x, and y²·e^-x = y·(1 - y).
//
// Forward works with e^-|x| and so never overflows; it saves y. (Where y rounds
// to 1, from about x = 17 in float32 and 37 in float64, the gradient is 0.)
type Sigmoid[T tensor.Float] struct{ activation[T] }

// NewSigmoid returns a Sigmoid layer.
func NewSigmoid[T tensor.Float]() *Sigmoid[T] { return &Sigmoid[T]{} }

func (l *Sigmoid[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x, kernel.Sigmoid[T])
}

func (l *Sigmoid[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy, kernel.SigmoidBackward[T])
}

// WeightInit returns [Xavier].
func (l *Sigmoid[T]) WeightInit() Init { return Xavier }

func (l *Sigmoid[T]) String() string { return "Sigmoid" }
