package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Loss ends the chain: it measures how far the outputs of a network are from their targets,
// as a mean over the batch. It is not a [Layer], because its Backward takes no dy.
//
// Forward saves what Backward needs if p.Keep is set. If p.Keep is false or p is nil, it writes
// nothing, and any number of goroutines may call it at once.
type Loss[T tensor.Float] interface {
	// Forward returns the loss of the outputs y (N, ...), N at least 1. Neither y nor t
	// may change before Backward.
	Forward(p *Pass[T], y *tensor.Tensor[T], t Targets[T]) float64

	// Backward returns dy = ∂L/∂y of the last Forward with this p. p.Keep must have been set.
	Backward(p *Pass[T]) *tensor.Tensor[T]

	String() string
}

// A WeightedLoss is a [Loss] that is a weighted mean over the samples of a batch. Weight returns
// the sum of the weights. The loss of a set is then Σ weight·loss / Σ weight, over its batches.
// Without this method, the weight of a batch is its number of samples.
type WeightedLoss[T tensor.Float] interface {
	Loss[T]
	Weight(t Targets[T]) float64
}

// Targets are the right answers for the samples of a batch: classes or values. Exactly one of
// the two is set. A loss that takes only the other one panics with a *[TargetsError].
type Targets[T tensor.Float] struct {
	Labels []int             // (N): the index of each sample's class
	Values *tensor.Tensor[T] // (N, ...): the shape of the outputs
}

// A loss panics with a TargetsError if it does not take targets of the given kind.
type TargetsError struct {
	Op, Want, Got string
}

func (e *TargetsError) Error() string {
	return fmt.Sprintf("nn: %s wants %s, got %s", e.Op, e.Want, e.Got)
}

// Labels returns class indices as targets.
func Labels[T tensor.Float](labels ...int) Targets[T] { return Targets[T]{Labels: labels} }

// Values returns values as targets.
func Values[T tensor.Float](values *tensor.Tensor[T]) Targets[T] { return Targets[T]{Values: values} }

// Len returns the number of samples.
func (t Targets[T]) Len() int {
	if t.Values != nil && len(t.Values.Shape) > 0 {
		return t.Values.Shape[0]
	}
	return len(t.Labels)
}

// String prints the labels or the values, whichever is set.
func (t Targets[T]) String() string {
	if t.Values != nil {
		return t.Values.String()
	}
	return fmt.Sprint(t.Labels)
}

// mustValues returns the values. It panics unless they have the shape of y.
func (t Targets[T]) mustValues(loss string, y *tensor.Tensor[T]) *tensor.Tensor[T] {
	if t.Values == nil || t.Labels != nil {
		panic(&TargetsError{loss + ".Forward", "Targets.Values alone", t.kinds()})
	}
	if n, ok := tensor.Size(t.Values.Shape...); !ok || n != len(t.Values.Data) || !slices.Equal(t.Values.Shape, y.Shape) {
		panic(&tensor.ShapeError{Op: loss + ".Forward(t)", Want: tensor.FormatShape(y.Shape) + ", the shape of y", Got: slices.Clone(t.Values.Shape)})
	}
	return t.Values
}

// mustLabels panics unless the targets are labels, one for each sample, from 0 to classes-1.
func (t Targets[T]) mustLabels(loss string, samples, classes int) {
	if t.Values != nil || t.Labels == nil {
		panic(&TargetsError{loss + ".Forward", "Targets.Labels or Targets.Values", t.kinds()})
	}
	if len(t.Labels) != samples {
		panic(&tensor.ShapeError{Op: loss + ".Forward(labels)", Want: tensor.FormatShape([]int{samples}), Got: []int{len(t.Labels)}})
	}
	for i, label := range t.Labels {
		if label < 0 || label >= classes {
			panic(&LabelError{loss + ".Forward", i, label, classes})
		}
	}
}

func (t Targets[T]) kinds() string {
	switch {
	case t.Values != nil && t.Labels != nil:
		return "values and labels"
	case t.Labels != nil:
		return "labels"
	}
	return "neither values nor labels"
}

// Backpropagate runs a batch forward through net and loss and returns the loss. If the loss is
// finite, it then runs the chain rule backward, which adds the gradient of the loss to the Grad
// of every parameter. p.Keep must be set.
//
// This is the gradient of every training step, check and benchmark.
func Backpropagate[T tensor.Float](p *Pass[T], net Layer[T], loss Loss[T], x *tensor.Tensor[T], t Targets[T]) float64 {
	l := loss.Forward(p, net.Forward(p, x), t)
	if math.IsNaN(l) || math.IsInf(l, 0) {
		return l
	}
	dy := loss.Backward(p)
	if pb, ok := net.(ParamsBackward[T]); ok {
		pb.BackwardParams(p, dy)
	} else {
		net.Backward(p, dy)
	}
	return l
}
