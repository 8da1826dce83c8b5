package nn

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// Worked by hand, with logits of 0: every y is 1/2.
func TestSoftmaxWithLossSettings(t *testing.T) {
	soft := Values(of([]float64{0.5, 0.5, 0, 1}, 2, 2))
	for _, c := range []struct {
		name      string
		smoothing float64
		weights   []float64
		targets   Targets[float64]
		loss      float64
		dx        []float64
	}{
		{"smoothing", 0.5, nil, Labels[float64](0, 1), math.Ln2, []float64{-0.125, 0.125, 0.125, -0.125}},
		{"smoothing of everything", 1, nil, Labels[float64](0, 1), math.Ln2, []float64{0, 0, 0, 0}},
		// The weights are 1 and 3, and their sum is 4.
		{"weights", 0, []float64{1, 3}, Labels[float64](0, 1), math.Ln2, []float64{-0.125, 0.125, 0.375, -0.375}},
		{"a class without weight", 0, []float64{0, 3}, Labels[float64](0, 1), math.Ln2, []float64{0, 0, 0.5, -0.5}},
		{"a batch without weight", 0, []float64{0, 3}, Labels[float64](0, 0), 0, []float64{0, 0, 0, 0}},
		// u is (1/2, 3/2) and (0, 3), and the divisor the number of samples.
		{"weights of soft targets", 0, []float64{1, 3}, soft, 2.5 * math.Ln2, []float64{0.25, -0.25, 0.75, -0.75}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, p := NewSoftmaxWithLoss[float64](), training[float64]()
			l.LabelSmoothing, l.ClassWeights = c.smoothing, c.weights
			near(t, "loss", l.Forward(p, tensor.New[float64](2, 2), c.targets), c.loss, 3e-16)
			sameBits(t, "dx", l.Backward(p), of(c.dx, 2, 2))
		})
	}
}

// Settings that change nothing give the same gradient, to rounding.
func TestSoftmaxWithLossOfEqualWeights(t *testing.T) {
	x := random[float64](newRand(3), 5, 4)
	targets := Labels[float64](0, 1, 2, 3, 1)
	plain, weighted, p := NewSoftmaxWithLoss[float64](), NewSoftmaxWithLoss[float64](), training[float64]()
	weighted.ClassWeights = []float64{2, 2, 2, 2}
	near(t, "loss", weighted.Forward(p, x, targets), plain.Forward(p, x, targets), 1e-15)
	want := plain.Backward(p)
	for i, got := range weighted.Backward(p).Data {
		near(t, "dx", got, want.Data[i], 1e-16)
	}
	// The settings of the last Forward count.
	weighted.ClassWeights = nil
	weighted.Forward(p, x, targets)
	sameBits(t, "dx", weighted.Backward(p), want)
}

func TestSoftmaxWithLossRefusesSettings(t *testing.T) {
	x := tensor.New[float64](1, 3)
	for _, c := range []struct {
		smoothing float64
		weights   []float64
		want      string
	}{
		{-0.1, nil, "nn: SoftmaxWithLoss: LabelSmoothing: want a number from 0 to 1, got -0.1"},
		{math.NaN(), nil, "nn: SoftmaxWithLoss: LabelSmoothing: want a number from 0 to 1, got NaN"},
		{0, []float64{1, 2}, "nn: SoftmaxWithLoss: ClassWeights: want 3, one for each class, got 2"},
		{0, []float64{}, "nn: SoftmaxWithLoss: ClassWeights: want 3, one for each class, got 0"},
		{0, []float64{1, 2, -1}, "nn: SoftmaxWithLoss: ClassWeights: want finite numbers of 0 or more, got -1 for class 2"},
		{0, []float64{1, math.Inf(1), 1}, "nn: SoftmaxWithLoss: ClassWeights: want finite numbers of 0 or more, got +Inf for class 1"},
	} {
		l := NewSoftmaxWithLoss[float64]()
		l.LabelSmoothing, l.ClassWeights = c.smoothing, c.weights
		mustPanic(t, c.want, func() { l.Forward(nil, x, Labels[float64](0)) })
	}
	l := NewSoftmaxWithLoss[float64]()
	l.ClassWeights = []float64{1, 1, 1}
	mustPanic(t, "SoftmaxWithLoss.Forward: the label of sample 0 is 3, and the classes are 0 to 2", func() { l.Forward(nil, x, Labels[float64](3)) })
}
