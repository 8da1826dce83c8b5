package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// SoftmaxWithLoss is softmax followed by the mean cross-entropy error: the loss of a
// classifier. x (N, K) are its logits.
//
//	forward   L  = -1/N Σₙ Σₖ tₙₖ·log yₙₖ,  y = softmax(x)
//	backward  dx = (y - t) / N
//
// With [Targets].Labels, t is the one-hot row of the label. With Targets.Values, t is a row of
// them: a distribution over the classes, each 0 or more, with the sum 1. (If the sum is not 1,
// (y - t)/N is not the gradient.) The logarithm is computed as
// -log yₖ = log Σⱼ e^(xⱼ - max x) + max x - xₖ, so the loss is finite for any finite logits, and
// (y - t)/N is its exact derivative. (The book computes log(y + 1e-7) instead, whose derivative
// is not y - t: every element of its gradients has a relative error of 1e-7/y, which is 1e-6
// where y is 0.1, as in an untrained network of ten classes.)
//
// With label smoothing ε or class weights w, the loss is the same as PyTorch's CrossEntropyLoss:
//
//	forward   L  = -1/D Σₙ Σₖ uₙₖ·log yₙₖ,  uₙₖ = wₖ·((1 - ε)·tₙₖ + ε/K)
//	backward  dx = (y·Σₖ uₙₖ - u) / D
//
// D is the sum of the weights of the labels, or N where the targets are Values. A batch
// with D = 0 has the loss 0, and no gradient. (Szegedy et al., "Rethinking the Inception
// architecture for computer vision", CVPR 2016.)
type SoftmaxWithLoss[T tensor.Float] struct {
	// LabelSmoothing is ε, from 0 to 1: the share of each target that is spread evenly
	// over the classes.
	LabelSmoothing float64

	// ClassWeights is w: for each class a weight of 0 or more, which its samples have in
	// the loss. Nil gives all classes the weight 1.
	ClassWeights []float64

	y     Saved[T]
	t     Targets[T] // the targets, or u
	sums  Saved[T]   // Σₖ uₙₖ, if there are ε or w
	total float64    // D
}

// NewSoftmaxWithLoss returns the loss.
func NewSoftmaxWithLoss[T tensor.Float]() *SoftmaxWithLoss[T] { return &SoftmaxWithLoss[T]{} }

// Forward panics with a LabelError if a label is not one of the classes.
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
	var sums *tensor.Tensor[T]
	total := float64(n)
	switch {
	case l.LabelSmoothing != 0 || l.ClassWeights != nil:
		l.mustCheck(k)
		total = l.Weight(l.mustTargets(x, t))
		t, sums = l.smoothed(p, t, n, k)
		sum = kernel.SoftmaxSoftLoss(y.Data, x.Data, t.Values.Data, k)
	case t.Labels == nil && t.Values != nil:
		sum = kernel.SoftmaxSoftLoss(y.Data, x.Data, l.mustTargets(x, t).Values.Data, k)
	default:
		sum = kernel.SoftmaxLoss(y.Data, x.Data, l.mustTargets(x, t).Labels)
	}
	if p != nil && p.Keep {
		l.y.Set(p, y)
		l.t, l.total = t, total
		l.sums = Saved[T]{}
		if sums != nil {
			l.sums.Set(p, sums)
		}
	}
	if total == 0 {
		return 0
	}
	return sum / total
}

// Backward returns dx of the last Forward.
func (l *SoftmaxWithLoss[T]) Backward(p *Pass[T]) *tensor.Tensor[T] {
	y := l.y.Get(p, l)
	n, k := y.Shape[0], y.Shape[1]
	dx := p.New(n, k)
	switch {
	case l.sums.t != nil:
		kernel.WeightedLossBackward(dx.Data, y.Data, l.t.Values.Data, l.sums.Get(p, l).Data, T(l.total))
	case l.t.Labels == nil:
		kernel.SoftmaxLossBackward(dx.Data, y.Data, l.t.Values.Data, n)
	default:
		kernel.OneHotLossBackward(dx.Data, y.Data, l.t.Labels)
	}
	return dx
}

// Weight implements [WeightedLoss]: it returns D.
func (l *SoftmaxWithLoss[T]) Weight(t Targets[T]) float64 {
	if l.ClassWeights == nil || t.Labels == nil {
		return float64(t.Len())
	}
	var total float64
	for _, label := range t.Labels {
		total += l.ClassWeights[label]
	}
	return total
}

// mustTargets returns t. It panics unless t are targets for the logits x.
func (l *SoftmaxWithLoss[T]) mustTargets(x *tensor.Tensor[T], t Targets[T]) Targets[T] {
	if t.Labels == nil && t.Values != nil {
		t.mustValues("SoftmaxWithLoss", x)
	} else {
		t.mustLabels("SoftmaxWithLoss", x.Shape[0], x.Shape[1])
	}
	return t
}

// mustCheck panics unless the settings fit a loss with the given number of classes.
func (l *SoftmaxWithLoss[T]) mustCheck(classes int) {
	if !(l.LabelSmoothing >= 0 && l.LabelSmoothing <= 1) {
		panic(&FieldError{"SoftmaxWithLoss", "LabelSmoothing", fmt.Errorf("want a number from 0 to 1, got %v", l.LabelSmoothing)})
	}
	if n := len(l.ClassWeights); l.ClassWeights != nil && n != classes {
		panic(&FieldError{"SoftmaxWithLoss", "ClassWeights", fmt.Errorf("want %d, one for each class, got %d", classes, n)})
	}
	for class, w := range l.ClassWeights {
		if !(w >= 0 && w <= math.MaxFloat32) {
			panic(&FieldError{"SoftmaxWithLoss", "ClassWeights", fmt.Errorf("want finite numbers of 0 or more, got %v for class %d", w, class)})
		}
	}
}

// smoothed returns u and the sum of each row of u.
func (l *SoftmaxWithLoss[T]) smoothed(p *Pass[T], t Targets[T], n, k int) (u Targets[T], sums *tensor.Tensor[T]) {
	u.Values, sums = p.New(n, k), p.New(n)
	for i := range n {
		row := u.Values.Data[i*k:][:k]
		var sum float64
		for j := range row {
			var target float64
			switch {
			case t.Labels == nil:
				target = float64(t.Values.Data[i*k+j])
			case t.Labels[i] == j:
				target = 1
			}
			v := math.FMA(1-l.LabelSmoothing, target, l.LabelSmoothing/float64(k))
			if l.ClassWeights != nil {
				v *= l.ClassWeights[j]
			}
			row[j] = T(v)
			sum += float64(row[j])
		}
		sums.Data[i] = T(sum)
	}
	return u, sums
}

func (l *SoftmaxWithLoss[T]) String() string { return "SoftmaxWithLoss" }
