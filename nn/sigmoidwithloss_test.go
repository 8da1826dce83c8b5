package nn

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// Worked by hand: sigmoid(ln 3) = 3/4.
func TestSigmoidWithLossWorked(t *testing.T) {
	ln3 := math.Log(3)
	x, target := of([]float64{ln3, ln3, -ln3, 0}, 2, 2), of([]float64{1, 0, 1, 0.5}, 2, 2)
	l, p := NewSigmoidWithLoss[float64](), training[float64]()
	near(t, "loss", l.Forward(p, x, Values(target)), (math.Log(4.0/3)+2*math.Log(4)+math.Ln2)/4, 3e-16)
	for i, want := range []float64{-0.25 / 4, 0.75 / 4, -0.75 / 4, 0} {
		near(t, "dx", l.Backward(p).Data[i], want, 1e-16)
	}
}

func TestSigmoidWithLossExtremes(t *testing.T) {
	t.Run("float32", testSigmoidWithLossExtremes[float32])
	t.Run("float64", testSigmoidWithLossExtremes[float64])
}

// Any finite logits have a finite loss.
func testSigmoidWithLossExtremes[T tensor.Float](t *testing.T) {
	for _, c := range []struct {
		x, target T
		loss      float64
		dx        T
	}{
		{1e4, 1, 0, 0}, {1e4, 0, 1e4, 1}, {-1e4, 1, 1e4, -1}, {-1e4, 0, 0, 0}, {3e38, 0, 3e38, 1}, {20, 1, math.Log1p(math.Exp(-20)), 0},
	} {
		l, p := NewSigmoidWithLoss[T](), training[T]()
		near(t, "loss", l.Forward(p, tensor.Of([]T{c.x}, 1), Values(tensor.Of([]T{c.target}, 1)))/max(c.loss, 1e-30), c.loss/max(c.loss, 1e-30), 1e-6)
		near(t, "dx", float64(l.Backward(p).Data[0]), float64(c.dx), 3e-9)
	}
}
