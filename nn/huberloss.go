package nn

import (
	"fmt"
	"math"

	"github.com/chainrule-go/chainrule/tensor"
)

// HuberLoss is a loss for regression. With d = y - t, the difference of an output from its
// target value, it is squared where d is small, and linear where d is large.
//
//	forward   L  = 1/M Σᵢ d²/2 where |d| ≤ δ, else δ·(|d| - δ/2)    over all M elements of the batch
//	backward  dy = d / M, limited to the range from -δ/M to δ/M
//
// It takes [Targets].Values. (Huber, "Robust estimation of a location parameter", Annals of
// Mathematical Statistics 35, 1964; PyTorch's HuberLoss is the same.)
type HuberLoss[T tensor.Float] struct {
	delta float64
	regression[T]
}

// NewHuberLoss returns the loss for the given δ; 1 is usual. It panics with a *[FieldError] if
// δ is not above 0 or not a float32.
func NewHuberLoss[T tensor.Float](delta float64) *HuberLoss[T] {
	if !(delta > 0 && delta <= math.MaxFloat32) {
		panic(&FieldError{"HuberLoss", "delta", fmt.Errorf("want a finite number above 0, got %v", delta)})
	}
	return &HuberLoss[T]{delta: delta}
}

// Delta returns δ.
func (l *HuberLoss[T]) Delta() float64 { return l.delta }

// Forward implements [Loss]. The sum is taken in float64, in the order of the elements.
func (l *HuberLoss[T]) Forward(p *Pass[T], y *tensor.Tensor[T], t Targets[T]) float64 {
	return l.mean(p, l, y, t, func(d float64) float64 {
		d = math.Abs(d)
		near := min(d, l.delta)
		return float64(near * (d - near/2))
	})
}

// Backward implements [Loss].
func (l *HuberLoss[T]) Backward(p *Pass[T]) *tensor.Tensor[T] {
	delta := T(l.delta)
	return l.gradient(p, l, 1, func(d T) T { return max(-delta, min(d, delta)) })
}

func (l *HuberLoss[T]) String() string { return fmt.Sprintf("HuberLoss(%v)", l.delta) }
