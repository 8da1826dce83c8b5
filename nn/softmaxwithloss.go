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
// t is the one-hot row of the label, or, with [SoftmaxWithLoss.ForwardSoft], a
// distribution over the classes. The logarithm is taken of the sum,
// -log yₖ = log Σⱼ e^(xⱼ - max x) + max x - xₖ, so the loss is finite for any
// finite logits and (y - t)/N is its exact derivative. (The book computes
// log(y + 1e-7) instead, whose derivative is not y - t: every element of its
// gradients is off by a relative 1e-7/y: 1e-6 where y is 0.1, as in an untrained network
// of ten classes.)
//
// A loss ends the chain, so it is no [Layer]: Backward takes no dy.
type SoftmaxWithLoss[T tensor.Float] struct {
	y      Kept[T]
	labels []int             // the t of Forward
	soft   *tensor.Tensor[T] // the t of ForwardSoft
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

// Forward returns the mean loss of the logits x (N, K), N at least 1, for the
// labels, class indices 0 to K-1. The labels may not change before Backward.
func (l *SoftmaxWithLoss[T]) Forward(p *Pass[T], x *tensor.Tensor[T], labels []int) float64 {
	n, k := l.mustLogits(x)
	if len(labels) != n {
		panic(&tensor.ShapeError{Op: "SoftmaxWithLoss.Forward(labels)", Want: tensor.FormatShape([]int{n}), Got: []int{len(labels)}})
	}
	for i, t := range labels {
		if t < 0 || t >= k {
			panic(&LabelError{"SoftmaxWithLoss.Forward", i, t, k})
		}
	}
	y := p.New(n, k)
	sum := kernel.SoftmaxLoss(y.Data, x.Data, labels)
	l.keep(p, y, labels, nil)
	return sum / float64(n)
}

// ForwardSoft returns the mean loss of the logits x (N, K), N at least 1, for
// the targets t (N, K), each row a distribution: 0 or more, summing to 1. (For
// a row that does not, (y - t)/N is not the gradient.) The targets may not
// change before Backward.
func (l *SoftmaxWithLoss[T]) ForwardSoft(p *Pass[T], x, t *tensor.Tensor[T]) float64 {
	n, k := l.mustLogits(x)
	if !slices.Equal(t.Shape, x.Shape) {
		panic(&tensor.ShapeError{Op: "SoftmaxWithLoss.ForwardSoft(t)", Want: tensor.FormatShape(x.Shape), Got: slices.Clone(t.Shape)})
	}
	y := p.New(n, k)
	sum := kernel.SoftmaxSoftLoss(y.Data, x.Data, t.Data, k)
	l.keep(p, y, nil, t)
	return sum / float64(n)
}

// Backward returns dx = (y - t)/N of the last Forward or ForwardSoft.
func (l *SoftmaxWithLoss[T]) Backward(p *Pass[T]) *tensor.Tensor[T] {
	y := l.y.Of(p, l)
	n, k := y.Shape[0], y.Shape[1]
	dx := p.New(n, k)
	if l.soft != nil {
		kernel.SoftmaxLossBackward(dx.Data, y.Data, l.soft.Data, n)
	} else {
		kernel.OneHotLossBackward(dx.Data, y.Data, l.labels)
	}
	return dx
}

func (l *SoftmaxWithLoss[T]) String() string { return "SoftmaxWithLoss" }

func (l *SoftmaxWithLoss[T]) keep(p *Pass[T], y *tensor.Tensor[T], labels []int, soft *tensor.Tensor[T]) {
	if p != nil && p.Keep {
		l.y.Keep(p, y)
		l.labels, l.soft = labels, soft
	}
}

func (l *SoftmaxWithLoss[T]) mustLogits(x *tensor.Tensor[T]) (n, k int) {
	if len(x.Shape) != 2 || x.Shape[0] == 0 || x.Shape[1] == 0 {
		panic(&tensor.ShapeError{Op: "SoftmaxWithLoss.Forward", Want: "(N, K), both 1 or more", Got: slices.Clone(x.Shape)})
	}
	return x.Shape[0], x.Shape[1]
}
