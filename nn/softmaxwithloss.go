package nn

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// SoftmaxWithLoss is softmax followed by the mean cross-entropy error: the loss
// of a classifier, from its logits x (N, K).
//
//	forward   L  = -1/N Σₙ Σₖ tₙₖ·log yₙₖ,  y = softmax(x)
//	backward  dx = (y - t) / N
//
// t is the one-hot row of the label if the targets are [Targets].Labels. Or it is a row
// of Values, a distribution over the classes: 0 or more, summing to 1. (For a row
// that does not, (y - t)/N is not the gradient.) The logarithm is
// taken of the sum, -log yₖ = log Σⱼ e^(xⱼ - max x) + max x - xₖ, so the loss is finite
// for any finite logits and (y - t)/N is its exact derivative. (The book computes
// log(y + 1e-7) instead, whose derivative is not y - t: every element of its
// gradients is off by a relative 1e-7/y: 1e-6 where y is 0.1, as in an untrained
// network of ten classes.)
type SoftmaxWithLoss[T tensor.Float] struct {
	y Saved[T]
	t Targets[T]
}

// NewSoftmaxWithLoss returns the loss.
func NewSoftmaxWithLoss[T tensor.Float]() *SoftmaxWithLoss[T] { return &SoftmaxWithLoss[T]{} }

// A LabelError is the value of the panic when a label is not one of the
// classes.
type LabelError struct {
	Op             string
	Sample         int // the row in the batch
	Label, Classes int
}

func (e *LabelError) Error() string {
	return fmt.Sprintf("%s: the label of sample %d is %d, and the classes are 0 to %d", e.Op, e.Sample, e.Label, e.Classes-1)
}

// Forward implements [Loss], for logits x (N, K), both 1 or more. It panics with a
// *[LabelError] if a label is not one of the classes 0 to K-1.
func (l *SoftmaxWithLoss[T]) Forward(p *Pass[T], x *tensor.Tensor[T], t Targets[T]) float64 {
	mustFit(l, "Forward", x)
	if len(x.Shape) != 2 || len(x.Data) == 0 {
		panic(&tensor.ShapeError{Op: "SoftmaxWithLoss.Forward", Want: "(N, K), both 1 or more", Got: slices.Clone(x.Shape)})
	}
	n, k := x.Shape[0], x.Shape[1]
	y := p.New(n, k)
	var sum float64
	if t.Labels == nil && t.Values != nil {
		sum = kernel.SoftmaxSoftLoss(y.Data, x.Data, t.mustValues("SoftmaxWithLoss", x).Data, k)
	} else {
		t.mustLabels("SoftmaxWithLoss", n, k)
		sum = kernel.SoftmaxLoss(y.Data, x.Data, t.Labels)
	}
	if p != nil && p.Keep {
		l.y.Set(p, y)
		l.t = t
	}
	return sum / float64(n)
}

// Backward returns dx = (y - t)/N of the last Forward.
func (l *SoftmaxWithLoss[T]) Backward(p *Pass[T]) *tensor.Tensor[T] {
	y := l.y.Get(p, l)
	n, k := y.Shape[0], y.Shape[1]
	dx := p.New(n, k)
	if l.t.Labels == nil {
		kernel.SoftmaxLossBackward(dx.Data, y.Data, l.t.Values.Data, n)
	} else {
		kernel.OneHotLossBackward(dx.Data, y.Data, l.t.Labels)
	}
	return dx
}

func (l *SoftmaxWithLoss[T]) String() string { return "SoftmaxWithLoss" }
