package nn

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// Worked by hand: the differences are 1, -2, 0 and 3.
func TestRegressionLosses(t *testing.T) {
	y, target := of([]float64{2, 0, 5, 1}, 2, 2), of([]float64{1, 2, 5, -2}, 2, 2)
	for _, c := range []struct {
		loss Loss[float64]
		want float64
		dy   []float64
	}{
		{NewMeanAbsoluteError[float64](), 1.5, []float64{0.25, -0.25, 0, 0.25}}, // 0 where y = t
		{NewHuberLoss[float64](2), 0.5*1.25 + 1, []float64{0.25, -0.5, 0, 0.5}}, // (1/2 + 2 + 0 + 4)/4
		{NewHuberLoss[float64](100), 1.75, []float64{0.25, -0.5, 0, 0.75}},      // half the squares
	} {
		t.Run(c.loss.String(), func(t *testing.T) {
			p := training[float64]()
			if got := c.loss.Forward(p, y, Values(target)); got != c.want {
				t.Errorf("loss %v, want %v", got, c.want)
			}
			sameBits(t, "dy", c.loss.Backward(p), of(c.dy, 2, 2))
		})
	}
}

// What is not finite shows in the loss and the gradient.
func TestRegressionLossesLetNaNThrough(t *testing.T) {
	nan := math.NaN()
	for _, loss := range []Loss[float64]{NewMeanSquaredError[float64](), NewMeanAbsoluteError[float64](), NewHuberLoss[float64](1), NewSigmoidWithLoss[float64]()} {
		t.Run(loss.String(), func(t *testing.T) {
			p := training[float64]()
			if got := loss.Forward(p, of([]float64{nan, 1}, 2), Values(of([]float64{1, 1}, 2))); !math.IsNaN(got) {
				t.Errorf("loss %v, want NaN", got)
			}
			if dy := loss.Backward(p); !math.IsNaN(dy.Data[0]) || math.IsNaN(dy.Data[1]) {
				t.Errorf("dy = %v, want NaN at the first alone", dy.Data)
			}
		})
	}
}

func TestRegressionLossesRefuse(t *testing.T) {
	for _, loss := range []Loss[float64]{NewMeanAbsoluteError[float64](), NewHuberLoss[float64](1), NewSigmoidWithLoss[float64]()} {
		name, p, y := Kind(loss), training[float64](), tensor.New[float64](2, 3)
		mustShapeError(t, name+".Forward(t): want (2, 3), the shape of y, got (6)", func() { loss.Forward(p, y, Values(tensor.New[float64](6))) })
		mustShapeError(t, name+".Forward: want (N, ...) with 1 or more elements, got (0)", func() { loss.Forward(p, tensor.New[float64](0), Values(tensor.New[float64](0))) })
		mustPanic(t, "nn: "+name+".Forward wants Targets.Values alone, got labels", func() { loss.Forward(p, y, Labels[float64](0, 1)) })
	}
	mustPanic(t, "nn: HuberLoss: delta: want a finite number above 0, got 0", func() { NewHuberLoss[float32](0) })
	mustPanic(t, "nn: HuberLoss: delta: want a finite number above 0, got +Inf", func() { NewHuberLoss[float32](math.Inf(1)) })
}
