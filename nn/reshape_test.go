package nn

import (
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// What only arranges elements shares the memory of its argument, in both directions.
func TestReshapesCopyNothing(t *testing.T) {
	for _, test := range []struct {
		layer Layer[float64]
		y     []int
	}{
		{NewFlatten[float64](), []int{2, 12}},
		{NewReshape[float64](4, 3), []int{2, 4, 3}},
		{NewReshape[float64](12), []int{2, 12}},
		{NewIdentity[float64](), []int{2, 3, 2, 2}},
	} {
		t.Run(nameOf(test.layer), func(t *testing.T) {
			x := random[float64](newRand(1), 2, 3, 2, 2)
			for _, p := range []*Pass[float64]{training[float64](), nil} {
				y := test.layer.Forward(p, x)
				if !slices.Equal(y.Shape, test.y) || &y.Data[0] != &x.Data[0] {
					t.Errorf("y has the shape %v, want %v, in the memory of x", y.Shape, test.y)
				}
				if p == nil {
					continue
				}
				dy := random[float64](newRand(2), test.y...)
				if dx := test.layer.Backward(p, dy); !slices.Equal(dx.Shape, x.Shape) || &dx.Data[0] != &dy.Data[0] {
					t.Errorf("dx has the shape %v, want %v, in the memory of dy", dx.Shape, x.Shape)
				}
			}
		})
	}
}

func TestReshapeOfNoSamples(t *testing.T) {
	for _, l := range []Layer[float64]{NewFlatten[float64](), NewReshape[float64](6)} {
		if y := l.Forward(nil, tensor.New[float64](0, 2, 3)); !slices.Equal(y.Shape, []int{0, 6}) {
			t.Errorf("%v: no samples of 6 elements give the shape %v, want (0, 6)", l, y.Shape)
		}
	}
}

func TestReshapeRefuses(t *testing.T) {
	mustShapeError(t, "Reshape(2, 3).Forward: want (N, ...) with 6 elements a sample, got (6, 7)", func() {
		NewReshape[float64](2, 3).Forward(nil, tensor.New[float64](6, 7))
	})
	mustShapeError(t, "Flatten.Forward: want (N, ...), got ()", func() { NewFlatten[float64]().Forward(nil, tensor.New[float64]()) })
	mustPanic(t, "nn: Reshape: shape: want at most 15 lengths of 1 or more, got 2: (3, 0)", func() { NewReshape[float64](3, 0) })
	mustPanic(t, "nn: Reshape: shape: want at most 15 lengths", func() { NewReshape[float64](make([]int, 16)...) })
	mustPanic(t, "nn: Reshape: shape: want a number of elements that fits an integer", func() { NewReshape[float64](1<<40>>20, 1<<20, 1<<30, 1<<30) })
}
