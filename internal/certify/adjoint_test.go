package certify

import (
	"math/rand/v2"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// wrong32 is a float32 layer with a wrong element.
type wrong32 struct {
	nn.Layer[float32]
	dx, grad float32 // factors of the middle element, or 0 for none
}

func (l wrong32) Backward(p *nn.Pass[float32], dy *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	spoil := func(x *tensor.Tensor[float32], factor float32) {
		if factor != 0 {
			x.Data[len(x.Data)/2] *= factor
		}
	}
	dx := l.Layer.Backward(p, dy)
	spoil(dx, l.dx)
	for _, param := range l.Params() {
		spoil(param.Grad, l.grad)
	}
	return dx
}

// TestAdjoint: every layer at full size.
func TestAdjoint(t *testing.T) {
	names := map[string]bool{}
	for _, c := range RealSize() {
		t.Run(c.Name, func(t *testing.T) {
			if names[c.Name] {
				t.Error("the name is used twice")
			}
			names[c.Name] = true
			r := Adjoint(c, RealBatch)
			if err := r.Err(); err != nil {
				t.Error(err)
			}
			want := 1 + len(c.New(rand.New(rand.NewPCG(1, 1))).Params())
			if c.Linear {
				want *= 2
			}
			if len(r.Arrays) != want {
				t.Errorf("%d arrays, want %d", len(r.Arrays), want)
			}
			for _, a := range r.Arrays {
				if a.Nonzero == 0 {
					t.Errorf("%s: all elements are 0", a.Name)
				}
			}
		})
	}
}

// TestAdjointFaults: at full size, one element of a gradient in 39,200, and whole numbers
// that differ by one.
func TestAdjointFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		wrong wrong32
		want  []string
	}{
		{"none", wrong32{}, nil},
		{"W", wrong32{grad: 1.05}, []string{"W is", "W, whole numbers is"}},
		{"dx", wrong32{dx: 1.05}, []string{"dx is", "dx, whole numbers is"}},
		{"below rounding", wrong32{grad: 1.00001}, []string{"W, whole numbers is"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := RealSize()[0]
			correct := c.New
			c.Float32 = func(rng *rand.Rand) nn.Layer[float32] {
				wrong := test.wrong
				wrong.Layer, _ = nn.Convert[float32](correct(rng))
				return wrong
			}
			err := Adjoint(c, RealBatch).Err()
			if test.want == nil && err != nil {
				t.Errorf("nothing is wrong: %v", err)
			}
			for _, want := range test.want {
				wantError(t, err, want)
			}
		})
	}
	t.Run("no float32", func(t *testing.T) {
		planted, _ := Plant(Faults()[0], caseOf("ReLU"))
		wantError(t, Adjoint(planted, 3).Err(), "in float32")
	})
	t.Run("no formula", func(t *testing.T) {
		c := caseOf("ReLU")
		c.New = func(*rand.Rand) nn.Layer[float64] { return &nameless{} }
		c.Float32 = func(*rand.Rand) nn.Layer[float32] { return nn.NewReLU[float32]() }
		wantError(t, Adjoint(c, 3).Err(), "there is no graph of a *certify.nameless")
	})
}

type nameless struct{ nn.ReLU[float64] }

// TestBits: the layers give the recorded bits here, whatever the processor.
func TestBits(t *testing.T) {
	all := Bits()
	for _, sum := range all {
		t.Run(sum.Name, func(t *testing.T) {
			if err := sum.Err(); err != nil {
				t.Error(err)
			}
		})
	}
	if want := 2 * len(RealSize()); len(all) != want || want != 2*len(recorded) {
		t.Errorf("%d checksums of %d layers, %d of them recorded", len(all), len(RealSize()), len(recorded))
	}
	t.Run("one bit of one element differs", func(t *testing.T) {
		c := RealSize()[0]
		one := bitsOf(func(rng *rand.Rand) nn.Layer[float32] { return wrong32{Layer: inFloat32(c)(rng), grad: 1 + 0x1p-23} }, c.Sample)
		wantError(t, Checksum{c.Name, one, all[0].Want}.Err(), "have the checksum")
	})
}
