package gradcheck

import (
	"math/rand/v2"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// wrong32 is a float32 layer with a wrong element.
type wrong32 struct {
	nn.Layer[float32]
	y, dx, grad float32 // factors of the middle element, or 0 for none
}

func spoil(x *tensor.Tensor[float32], factor float32) {
	if factor != 0 {
		x.Data[len(x.Data)/2] *= factor
	}
}

func (l wrong32) Forward(p *nn.Pass[float32], x *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	y := l.Layer.Forward(p, x)
	spoil(y, l.y)
	return y
}

func (l wrong32) Backward(p *nn.Pass[float32], dy *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	dx := l.Layer.Backward(p, dy)
	spoil(dx, l.dx)
	for _, param := range l.Params() {
		spoil(param.Grad, l.grad)
	}
	return dx
}

// TestPrecisionFaults: an element of float32 that is off by 1e-5, which no reference of
// the float64 layer could show.
func TestPrecisionFaults(t *testing.T) {
	for _, test := range []struct {
		wrong wrong32
		want  string
	}{
		{wrong32{y: 1.00001}, "Affine: float32: y[2 0] is"},
		{wrong32{dx: 1.00001}, "Affine: float32: dx[2 0] is"},
		{wrong32{grad: 1.00001}, "Affine: float32: W[2 3] is"},
	} {
		t.Run(test.want, func(t *testing.T) {
			c := affine
			c.Float32 = func(rng *rand.Rand) nn.Layer[float32] {
				wrong := test.wrong
				wrong.Layer, _ = nn.Convert[float32](affine.New(rng))
				return wrong
			}
			err := Layer(c).Err()
			wantError(t, err, test.want)
			wantError(t, err, "in float32")
		})
	}
}

// TestOtherFloat32: a layer of another kind in float32.
func TestOtherFloat32(t *testing.T) {
	c := affine
	c.Float32 = func(*rand.Rand) nn.Layer[float32] { return nn.NewReLU[float32]() }
	wantError(t, Layer(c).Err(), "there are 0 parameters in float32, 2 in float64")
}
