package nn

import (
	"iter"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Softmax turns each row of logits into probabilities that sum to 1.
//
//	forward   yₖ  = e^(xₖ - max x) / Σⱼ e^(xⱼ - max x)      x, y (N, K) or (K)
//	backward  dxₖ = yₖ·(dyₖ - Σⱼ dyⱼ·yⱼ)
//
// Subtracting the largest logit changes no result and keeps e^x from overflowing.
// Forward saves y. For training use [SoftmaxWithLoss] on the logits instead:
// its gradient is simpler, and exact.
type Softmax[T tensor.Float] struct {
	y Saved[T]
}

// NewSoftmax returns a Softmax layer.
func NewSoftmax[T tensor.Float]() *Softmax[T] { return &Softmax[T]{} }

func (l *Softmax[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	if len(x.Shape) != 1 && len(x.Shape) != 2 {
		panic(&tensor.ShapeError{Op: "Softmax.Forward", Want: "(N, K) or (K)", Got: slices.Clone(x.Shape)})
	}
	y := p.New(x.Shape...)
	kernel.SoftmaxRows(y.Data, x.Data, x.Shape[len(x.Shape)-1])
	l.y.Set(p, y)
	return y
}

func (l *Softmax[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := l.y.Get(p, l)
	CheckShape(l, dy, y.Shape)
	dx := p.New(dy.Shape...)
	kernel.SoftmaxRowsBackward(dx.Data, dy.Data, y.Data, y.Shape[len(y.Shape)-1])
	return dx
}

func (l *Softmax[T]) Params() []*Param[T] { return nil }

// WeightInit returns [Xavier].
func (l *Softmax[T]) WeightInit() Init { return Xavier }

func (l *Softmax[T]) String() string { return "Softmax" }

// rows yields the begin and the end of each row, along the last axis of x.
func rows[T tensor.Float](x *tensor.Tensor[T]) iter.Seq2[int, int] {
	return func(yield func(lo, hi int) bool) {
		k := x.Shape[len(x.Shape)-1]
		for lo := 0; k > 0 && lo < len(x.Data) && yield(lo, lo+k); lo += k {
		}
	}
}
