package nn

import (
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// MeanSquaredError is the loss of a regression: the mean of the squared differences
// of all elements of the outputs y (N, ...) from their target values t.
//
//	forward   L  = 1/M Σᵢ (yᵢ - tᵢ)²    over all M elements of the batch
//	backward  dy = 2·(y - t) / M
//
// It takes [Targets].Values. (PyTorch's MSELoss is the same; section 4.2.1 of the
// book has ½ Σ (y - t)² of one sample.)
type MeanSquaredError[T tensor.Float] struct {
	y Saved[T]
	t *tensor.Tensor[T]
}

// NewMeanSquaredError returns the loss.
func NewMeanSquaredError[T tensor.Float]() *MeanSquaredError[T] { return &MeanSquaredError[T]{} }

// Forward implements [Loss]. The sum is taken in float64, in the order of the
// elements.
func (l *MeanSquaredError[T]) Forward(p *Pass[T], y *tensor.Tensor[T], t Targets[T]) float64 {
	mustFit(l, "Forward", y)
	if len(y.Data) == 0 {
		panic(&tensor.ShapeError{Op: "MeanSquaredError.Forward", Want: "(N, ...) with 1 or more elements", Got: slices.Clone(y.Shape)})
	}
	values := t.mustValues("MeanSquaredError", y)
	var sum float64
	for i, v := range y.Data {
		d := float64(v) - float64(values.Data[i])
		sum += float64(d * d)
	}
	if p != nil && p.Keep {
		l.y.Set(p, y)
		l.t = values
	}
	return sum / float64(len(y.Data))
}

// Backward implements [Loss].
func (l *MeanSquaredError[T]) Backward(p *Pass[T]) *tensor.Tensor[T] {
	y := l.y.Get(p, l)
	dy := p.New(y.Shape...)
	scale := 2 / T(len(y.Data))
	for i, v := range y.Data {
		dy.Data[i] = (v - l.t.Data[i]) * scale
	}
	return dy
}

func (l *MeanSquaredError[T]) String() string { return "MeanSquaredError" }
