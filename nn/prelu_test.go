package nn

import (
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// Worked by hand, of features that lie one after another, apart, and together.
func TestPReLUWorked(t *testing.T) {
	for _, c := range []struct {
		name           string
		slope          []float64
		shape          []int
		x, dy          []float64
		y, dx, dSlopes []float64
	}{
		{"(N, features)", []float64{0.5, 2}, []int{2, 2},
			[]float64{-4, -3, 1, 0}, []float64{1, 2, 3, 4},
			[]float64{-2, -6, 1, 0}, []float64{0.5, 4, 3, 8}, []float64{-4, -6}},
		{"(N, features, 3)", []float64{0.5, 2}, []int{1, 2, 3},
			[]float64{-4, 1, -1, -3, 5, -1}, []float64{1, 2, 3, 4, 5, 6},
			[]float64{-2, 1, -0.5, -6, 5, -2}, []float64{0.5, 2, 1.5, 8, 5, 12}, []float64{-7, -18}},
		{"one slope", []float64{0.5}, []int{3},
			[]float64{-4, 1, -2}, []float64{1, 2, 3},
			[]float64{-2, 1, -1}, []float64{0.5, 2, 1.5}, []float64{-10}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, p := NewPReLU[float64](len(c.slope)), training[float64]()
			copy(l.Slope.Value.Data, c.slope)
			for i := range l.Slope.Grad.Data {
				l.Slope.Grad.Data[i] = 100 // to be added to
			}
			sameBits(t, "y", l.Forward(p, of(c.x, c.shape...)), of(c.y, c.shape...))
			sameBits(t, "dx", l.Backward(p, of(c.dy, c.shape...)), of(c.dx, c.shape...))
			for i, want := range c.dSlopes {
				if got := l.Slope.Grad.Data[i]; got != 100+want {
					t.Errorf("the gradient of slope %d is %v, want %v", i, got, 100+want)
				}
			}
		})
	}
}

func TestPReLUStart(t *testing.T) {
	for _, slope := range NewPReLU[float32](3).Slope.Value.Data {
		if slope != 0.25 {
			t.Errorf("a slope begins at %v, want 0.25", slope)
		}
	}
	mustPanic(t, "nn: PReLU: features: want an integer of 1 or more, got 0", func() { NewPReLU[float32](0) })
}

func TestPReLUShapes(t *testing.T) {
	l, p := NewPReLU[float64](3), training[float64]()
	for _, shape := range [][]int{{3}, {}, {2, 4}, {3, 2, 3}} {
		mustShapeError(t, "PReLU(3).Forward: want (N, 3, ...), got "+tensor.FormatShape(shape), func() { l.Forward(p, tensor.New[float64](shape...)) })
	}
	for _, shape := range [][]int{{0, 3}, {2, 3, 0}} {
		x := tensor.New[float64](shape...)
		sameBits(t, "y", l.Forward(p, x), x)
		sameBits(t, "dx", l.Backward(p, x), x)
	}
	one := NewPReLU[float64](1)
	for _, shape := range [][]int{{}, {0}, {1}, {2, 3, 4}} {
		x := tensor.New[float64](shape...)
		sameBits(t, "y", one.Forward(p, x), x)
		sameBits(t, "dx", one.Backward(p, x), x)
	}
}
