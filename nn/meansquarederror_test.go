package nn

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// Worked by hand: the differences are 1, -2, 0 and 3, so L = 14/4, dy = (y - t)/2.
func TestMeanSquaredErrorWorked(t *testing.T) {
	l, p := NewMeanSquaredError[float64](), training[float64]()
	y, target := of([]float64{2, 0, 5, 1}, 2, 2), of([]float64{1, 2, 5, -2}, 2, 2)
	if got := l.Forward(p, y, Values(target)); got != 3.5 {
		t.Errorf("loss %v, want 3.5", got)
	}
	sameBits(t, "dy", l.Backward(p), of([]float64{0.5, -1, 0, 1.5}, 2, 2))
}

func TestMeanSquaredErrorPanics(t *testing.T) {
	l, p := NewMeanSquaredError[float64](), training[float64]()
	y := tensor.New[float64](2, 3)
	mustShapeError(t, "MeanSquaredError.Forward(t): want (2, 3), the shape of y, got (3, 2)", func() {
		l.Forward(p, y, Values(tensor.New[float64](3, 2)))
	})
	mustShapeError(t, "MeanSquaredError.Forward: want (N, ...) with 1 or more elements, got (0, 3)", func() {
		l.Forward(p, tensor.New[float64](0, 3), Values(tensor.New[float64](0, 3)))
	})
	mustPanic(t, "nn: MeanSquaredError.Forward wants Targets.Values alone, got labels", func() { l.Forward(p, y, Labels[float64](0, 1)) })
	mustPanic(t, "nn: MeanSquaredError.Forward wants Targets.Values alone, got neither values nor labels", func() { l.Forward(p, y, Targets[float64]{}) })
	mustPanic(t, "nn: MeanSquaredError.Backward before a Forward that saves", func() { l.Backward(p) })
}

func TestTargetsOfTheWrongKind(t *testing.T) {
	l, x := NewSoftmaxWithLoss[float64](), tensor.New[float64](2, 3)
	both := Targets[float64]{Labels: []int{0, 1}, Values: tensor.New[float64](2, 3)}
	mustPanic(t, "nn: SoftmaxWithLoss.Forward wants Targets.Labels or Targets.Values, got values and labels", func() { l.Forward(nil, x, both) })
	mustPanic(t, "nn: SoftmaxWithLoss.Forward wants Targets.Labels or Targets.Values, got neither values nor labels", func() { l.Forward(nil, x, Targets[float64]{}) })
}

// A loss that is not finite has no gradient: nothing is added to any Grad.
func TestBackpropagateLeavesGradAloneWhenDiverged(t *testing.T) {
	net := NewSequential[float64](NewAffine[float64](1, 1, newRand(63)))
	x := of([]float64{math.Inf(1)}, 1, 1)
	loss := Backpropagate(training[float64](), net, NewMeanSquaredError[float64](), x, Values(tensor.New[float64](1, 1)))
	if !math.IsInf(loss, 1) {
		t.Errorf("loss %v, want +Inf", loss)
	}
	for _, p := range net.Params() {
		if p.Grad.Data[0] != 0 {
			t.Errorf("the gradient of %s is %v, want 0", p.Name, p.Grad.Data[0])
		}
	}
}
