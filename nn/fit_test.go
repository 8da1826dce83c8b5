package nn

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// TestMisfit: a tensor that is nil, or whose shape and elements do not fit, is refused by
// the name of the layer, in both directions.
func TestMisfit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := func() *tensor.Tensor[float64] { return tensor.New[float64](2, 3) }
	long, short := x(), x()
	long.Shape, short.Data = []int{1, 3}, short.Data[:5]
	panics := func(f func()) (e any) {
		defer func() { e = recover() }()
		f()
		return nil
	}
	layers := []Layer[float64]{
		NewAffine[float64](3, 3, rng), NewReLU[float64](), NewSigmoid[float64](), NewTanh[float64](), NewSoftmax[float64](), NewDropout[float64](0.5, rng),
		NewSequential[float64](NewAffine[float64](3, 3, rng), NewReLU[float64]()),
	}
	for _, l := range layers {
		for _, wrong := range []struct {
			name string
			x    *tensor.Tensor[float64]
			want string
		}{{"nil", nil, "of a nil tensor"}, {"more elements", long, "want a shape of 6 elements"}, {"fewer elements", short, "want a shape of 5 elements"}} {
			t.Run(fmt.Sprint(l, ", ", wrong.name), func(t *testing.T) {
				p := &Pass[float64]{Train: true, Keep: true}
				l.Forward(p, x())
				for _, got := range []any{
					panics(func() { l.Forward(nil, wrong.x) }),
					panics(func() { l.Backward(p, wrong.x) }),
				} {
					if !strings.Contains(fmt.Sprint(got), wrong.want) {
						t.Errorf("got %v, want a panic that says %q", got, wrong.want)
					}
				}
			})
		}
	}
	for _, loss := range []Loss[float64]{NewSoftmaxWithLoss[float64](), NewMeanSquaredError[float64]()} {
		t.Run(loss.String(), func(t *testing.T) {
			got := panics(func() { loss.Forward(nil, short, Values(x())) })
			if want := loss.String() + ".Forward: want a shape of 5 elements"; !strings.Contains(fmt.Sprint(got), want) {
				t.Errorf("got %v, want a panic that says %q", got, want)
			}
			got = panics(func() { loss.Forward(nil, x(), Values(short)) })
			if _, ok := got.(*tensor.ShapeError); !ok {
				t.Errorf("values that do not fit: got %v, want a *tensor.ShapeError", got)
			}
		})
	}
}
