package nn

import (
	"math"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// SigmoidWithLoss is sigmoid followed by the mean binary cross-entropy error: the loss of
// a classifier of two classes, or of one with any number of independent yes-or-no
// answers (multi-label), from its logits x (N, ...).
//
//	forward   L  = -1/M Σᵢ tᵢ·log yᵢ + (1 - tᵢ)·log(1 - yᵢ),  y = sigmoid(x)    over all M elements of the batch
//	backward  dx = (y - t) / M
//
// It takes [Targets].Values: probabilities t from 0 to 1. An element is computed as
// log(1 + e^-|x|) + (1 - t)·x where x > 0, else - t·x, so the loss is finite for any finite
// logits and (y - t)/M is its exact derivative. (PyTorch's BCEWithLogitsLoss is the same;
// SigmoidWithLoss is its name in the second volume of the book.)
type SigmoidWithLoss[T tensor.Float] struct{ regression[T] }

// NewSigmoidWithLoss returns the loss.
func NewSigmoidWithLoss[T tensor.Float]() *SigmoidWithLoss[T] { return &SigmoidWithLoss[T]{} }

// Forward implements [Loss]. The sum is taken in float64, in the order of the elements.
func (l *SigmoidWithLoss[T]) Forward(p *Pass[T], x *tensor.Tensor[T], t Targets[T]) float64 {
	values := l.save(p, l, x, t)
	logs := p.New(x.Shape...) // log(1 + e^-|x|)
	for i, v := range x.Data {
		logs.Data[i] = -T(math.Abs(float64(v)))
	}
	kernel.Softplus(p.threads(), logs.Data, logs.Data)
	var sum float64
	for i, v := range x.Data {
		x, t := float64(v), float64(values.Data[i])
		if x > 0 {
			t -= 1
		}
		sum += math.FMA(-t, x, float64(logs.Data[i]))
	}
	return sum / float64(len(x.Data))
}

// Backward implements [Loss].
func (l *SigmoidWithLoss[T]) Backward(p *Pass[T]) *tensor.Tensor[T] {
	x := l.y.Get(p, l)
	dx := p.New(x.Shape...)
	kernel.Sigmoid(p.threads(), dx.Data, x.Data)
	kernel.SoftmaxLossBackward(dx.Data, dx.Data, l.t.Data, len(x.Data))
	return dx
}

func (l *SigmoidWithLoss[T]) String() string { return "SigmoidWithLoss" }
