package gradcheck

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// wrong32 is a float32 layer with a spoilt element.
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

// TestPrecisionFaults: an element of float32 that is off by 1e-5, which no witness
// of the float64 layer could see.
func TestPrecisionFaults(t *testing.T) {
	for want, wrong := range map[string]wrong32{
		"Affine: y[2 0] is":  {y: 1.00001},
		"Affine: dx[2 0] is": {dx: 1.00001},
		"Affine: W[2 3] is":  {grad: 1.00001},
	} {
		c := affine
		right := c.Float32
		c.Float32 = func(rng *rand.Rand) nn.Layer[float32] {
			wrong := wrong
			wrong.Layer = right(rng)
			return wrong
		}
		err := Layer(c).Err()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "in float32") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestAdjointFaults: at full size, one element of a gradient in 39,200, and whole
// numbers that differ by one.
func TestAdjointFaults(t *testing.T) {
	c := RealSize()[0]
	right := c.Float32
	for _, test := range []struct {
		wrong wrong32
		want  []string
	}{
		{wrong32{}, nil},
		{wrong32{grad: 1.05}, []string{"W: <J·v, w> is", "W, whole numbers: <J·v, w> is"}},
		{wrong32{dx: 1.05}, []string{"dx: <J·v, w> is", "dx, whole numbers: <J·v, w> is"}},
		{wrong32{grad: 1.00001}, []string{"W, whole numbers: <J·v, w> is"}}, // below rounding, and yet seen
	} {
		c.Float32 = func(rng *rand.Rand) nn.Layer[float32] {
			test.wrong.Layer = right(rng)
			return test.wrong
		}
		err := Adjoint(c, RealBatch).Err()
		if test.want == nil && err != nil {
			t.Errorf("nothing is wrong: %v", err)
		}
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: want %q, got %v", test.wrong, want, err)
			}
		}
	}
}

// TestOtherFloat32: what is no layer of the same kind is said to be none.
func TestOtherFloat32(t *testing.T) {
	c := affine
	c.Float32 = reluOf[float32]
	if err := Layer(c).Err(); err == nil || !strings.Contains(err.Error(), "there are 0 parameters in float32, 2 in float64") {
		t.Errorf("a ReLU for an Affine: %v", err)
	}
	c.Float32 = nil
	if err := Adjoint(c, 3).Err(); err == nil || !strings.Contains(err.Error(), "which is nil") {
		t.Errorf("no layer in float32: %v", err)
	}
}

// TestAdjoint: every layer at full size.
func TestAdjoint(t *testing.T) {
	for _, c := range RealSize() {
		r := Adjoint(c, RealBatch)
		if err := r.Err(); err != nil {
			t.Error(err)
		}
		if want := 1 + len(c.New(rand.New(rand.NewPCG(1, 1))).Params()); len(r.Arrays) != want && len(r.Arrays) != 2*want {
			t.Errorf("%s: %d arrays, want %d, or twice that", c.Name, len(r.Arrays), want)
		}
	}
}

// TestBits: the layers give the recorded bits here, whatever the processor.
func TestBits(t *testing.T) {
	all := Bits()
	for _, sum := range all {
		if err := sum.Err(); err != nil {
			t.Error(err)
		}
	}
	if len(all) != 2*len(RealSize()) {
		t.Errorf("%d checksums", len(all))
	}
	// One bit of one element of a gradient changes them.
	c := RealSize()[0]
	one := bitsOf(func(rng *rand.Rand) nn.Layer[float32] { return wrong32{Layer: c.Float32(rng), grad: 1 + 0x1p-23} }, c.Sample)
	if err := (Checksum{c.Name, one, all[0].Want}).Err(); err == nil {
		t.Error("a bit more is not seen")
	}
}
