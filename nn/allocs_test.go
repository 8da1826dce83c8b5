package nn_test

import (
	"math/rand/v2"
	"testing"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestLayersAllocateNothing: a step of every layer and loss allocates nothing once warm,
// in either precision.
func TestLayersAllocateNothing(t *testing.T) {
	if nn.Poison {
		t.Skip("poisoned memory is dropped on Reset")
	}
	for _, row := range trace.Rows() {
		if row.Make == nil {
			continue // a loss
		}
		t.Run(row.Name, func(t *testing.T) {
			l := row.New(rand.New(rand.NewPCG(1, 2)))
			single, err := nn.Convert[float32](l)
			if err != nil {
				t.Fatal(err)
			}
			layerAllocs(t, "float32", single, row.Sample)
			layerAllocs(t, "float64", l, row.Sample)
		})
	}
	t.Run("losses in float32", lossAllocs[float32])
	t.Run("losses in float64", lossAllocs[float64])
}

func layerAllocs[T tensor.Float](t *testing.T, what string, l nn.Layer[T], sample []int) {
	x := tensor.New[T](append([]int{4}, sample...)...)
	allocs(t, what, func(p *nn.Pass[T]) { l.Backward(p, l.Forward(p, x)) })
}

func lossAllocs[T tensor.Float](t *testing.T) {
	y, labels, values := tensor.New[T](4, 3), nn.Labels[T](0, 1, 2, 1), nn.Values(tensor.New[T](4, 3))
	weighted := nn.NewSoftmaxWithLoss[T]()
	weighted.LabelSmoothing, weighted.ClassWeights = 0.1, []float64{1, 2, 3}
	for _, c := range []struct {
		loss    nn.Loss[T]
		targets nn.Targets[T]
	}{
		{nn.NewSoftmaxWithLoss[T](), labels}, {nn.NewSoftmaxWithLoss[T](), values},
		{weighted, labels}, {weighted, values},
		{nn.NewSigmoidWithLoss[T](), values}, {nn.NewMeanSquaredError[T](), values},
		{nn.NewMeanAbsoluteError[T](), values}, {nn.NewHuberLoss[T](1), values},
	} {
		allocs(t, c.loss.String(), func(p *nn.Pass[T]) {
			c.loss.Forward(p, y, c.targets)
			c.loss.Backward(p)
		})
	}
}

func allocs[T tensor.Float](t *testing.T, what string, step func(p *nn.Pass[T])) {
	p := &nn.Pass[T]{Train: true, Keep: true}
	run := func() { p.Reset(); step(p) }
	run()
	if n := testing.AllocsPerRun(10, run); n != 0 {
		t.Errorf("%s: %v allocations a step, want 0", what, n)
	}
}
