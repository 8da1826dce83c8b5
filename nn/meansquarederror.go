package nn

import "github.com/chainrule-go/chainrule/tensor"

// MeanSquaredError is the usual loss for regression: the mean squared difference of the outputs
// y (N, ...) from their target values t.
//
//	forward   L  = 1/M Σᵢ (yᵢ - tᵢ)²    over all M elements of the batch
//	backward  dy = 2·(y - t) / M
//
// It takes [Targets].Values. (PyTorch's MSELoss is the same. Section 4.2.1 of the book has
// ½ Σ (y - t)² for one sample.)
type MeanSquaredError[T tensor.Float] struct{ regression[T] }

// NewMeanSquaredError returns the loss.
func NewMeanSquaredError[T tensor.Float]() *MeanSquaredError[T] { return &MeanSquaredError[T]{} }

// Forward implements [Loss]. The sum is taken in float64, in the order of the
// elements.
func (l *MeanSquaredError[T]) Forward(p *Pass[T], y *tensor.Tensor[T], t Targets[T]) float64 {
	return l.mean(p, l, y, t, func(d float64) float64 { return float64(d * d) })
}

// Backward implements [Loss].
func (l *MeanSquaredError[T]) Backward(p *Pass[T]) *tensor.Tensor[T] {
	return l.gradient(p, l, 2, func(d T) T { return d })
}

func (l *MeanSquaredError[T]) String() string { return "MeanSquaredError" }
