package nn_test

import (
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Once warm, no loss allocates anything in Forward and Backward.
func TestLossesAllocateNothing(t *testing.T) {
	if nn.Poison {
		t.Skip("poisoned memory is dropped on Reset")
	}
	t.Run("float32", lossAllocs[float32])
	t.Run("float64", lossAllocs[float64])
}

func lossAllocs[T tensor.Float](t *testing.T) {
	y, labels, values := tensor.New[T](4, 3), nn.Labels[T](0, 1, 2, 1), nn.Values(tensor.New[T](4, 3))
	weighted := nn.NewSoftmaxWithLoss[T]()
	weighted.LabelSmoothing, weighted.ClassWeights = 0.1, []float64{1, 2, 3}
	for _, c := range []struct {
		name    string
		loss    nn.Loss[T]
		targets nn.Targets[T]
	}{
		{"SoftmaxWithLoss", nn.NewSoftmaxWithLoss[T](), labels},
		{"SoftmaxWithLoss of values", nn.NewSoftmaxWithLoss[T](), values},
		{"SoftmaxWithLoss with weights", weighted, labels},
		{"SoftmaxWithLoss of values, with weights", weighted, values},
		{"SigmoidWithLoss", nn.NewSigmoidWithLoss[T](), values},
		{"MeanSquaredError", nn.NewMeanSquaredError[T](), values},
		{"MeanAbsoluteError", nn.NewMeanAbsoluteError[T](), values},
		{"HuberLoss", nn.NewHuberLoss[T](1), values},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &nn.Pass[T]{Train: true, Keep: true}
			step := func() {
				p.Reset()
				c.loss.Forward(p, y, c.targets)
				c.loss.Backward(p)
			}
			step()
			if n := testing.AllocsPerRun(10, step); n != 0 {
				t.Errorf("%v allocations a step, want 0", n)
			}
		})
	}
}
