package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func TestConvert(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	first := nn.NewAffine[float32](4, 4, rng)
	first.W.Value.Data[3] = float32(math.NaN())
	net := nn.NewSequential(nn.Layer[float32](first), nn.NewSigmoid[float32](),
		nn.NewSequential(nn.Layer[float32](nn.AffineOf(first.W, first.B)), nn.NewReLU[float32](), nn.NewSoftmax[float32]()))
	m := &Model[float32]{Net: net, Input: []int{4}}
	double, err := Convert[float64](m)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := double.Net.String(), net.String(); got != want {
		t.Errorf("layers %s, want %s", got, want)
	}
	if len(double.Input) != 1 || double.Input[0] != 4 {
		t.Errorf("input %v", double.Input)
	}
	if len(double.Net.Params()) != 2 {
		t.Fatalf("%d parameters, want 2, which two layers share", len(double.Net.Params()))
	}
	for i, p := range double.Net.Params() {
		for j, v := range p.Value.Data {
			want := float64(net.Params()[i].Value.Data[j])
			if v != want && (v == v || want == want) {
				t.Errorf("%s[%d] is %v, want %v", p.Name, j, v, want)
			}
		}
	}
	double.Net.Params()[1].Value.Data[0] = 1.0 / 3
	if v := net.Params()[1].Value.Data[0]; v != 0 {
		t.Errorf("the copy shares memory with the model: b[0] is %v", v)
	}
	single, err := Convert[float32](double)
	if err != nil {
		t.Fatal(err)
	}
	if got := single.Net.Params()[1].Value.Data[0]; got != float32(1.0/3) {
		t.Errorf("rounded to %v", got)
	}

	if _, err := Convert[float64](&Model[float32]{Net: nn.NewSequential(nn.Layer[float32](foreign{})), Input: []int{4}}); err == nil {
		t.Error("a layer of another package was converted")
	}
}

// foreign is a layer that no file can hold.
type foreign struct{}

func (foreign) Forward(_ *nn.Pass[float32], x *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	return x
}
func (foreign) Backward(_ *nn.Pass[float32], d *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	return d
}
func (foreign) Params() []*nn.Param[float32] { return nil }
