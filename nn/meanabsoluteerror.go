package nn

import (
	"math"

	"github.com/chainrule-go/chainrule/tensor"
)

// MeanAbsoluteError is a loss for regression in which single outliers count little: the mean
// absolute difference of the outputs y (N, ...) from their target values t.
//
//	forward   L  = 1/M Σᵢ |yᵢ - tᵢ|      over all M elements of the batch
//	backward  dy = sign(y - t) / M
//
// Where y = t exactly the gradient is 0. It takes [Targets].Values. (PyTorch's L1Loss.)
type MeanAbsoluteError[T tensor.Float] struct{ regression[T] }

// NewMeanAbsoluteError returns the loss.
func NewMeanAbsoluteError[T tensor.Float]() *MeanAbsoluteError[T] { return &MeanAbsoluteError[T]{} }

// Forward implements [Loss]. The sum is taken in float64, in the order of the elements.
func (l *MeanAbsoluteError[T]) Forward(p *Pass[T], y *tensor.Tensor[T], t Targets[T]) float64 {
	return l.mean(p, l, y, t, math.Abs)
}

// Backward implements [Loss].
func (l *MeanAbsoluteError[T]) Backward(p *Pass[T]) *tensor.Tensor[T] {
	return l.gradient(p, l, 1, func(d T) T {
		switch {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return d // 0 or NaN
	})
}

func (l *MeanAbsoluteError[T]) String() string { return "MeanAbsoluteError" }
