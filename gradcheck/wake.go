package gradcheck

import (
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Wake draws n samples with labels, and sets b1 so that every hidden unit of the network
// is active on some of them and not on others, as far from its kink as possible. A unit
// that is active on none has gradients of 0, which hide any mistake. n is 2 or more.
func Wake(net *nn.TwoLayerNet[float64], n int, rng *rand.Rand) (x *tensor.Tensor[float64], t []int) {
	affine1 := net.Layers()[0].Layer.(*nn.Affine[float64])
	affine2 := net.Layers()[2].Layer.(*nn.Affine[float64])
	x = tensor.New[float64](n, affine1.In())
	for i := range x.Data {
		for x.Data[i] = 0; x.Data[i] == 0; {
			x.Data[i] = 2 * (rng.Float64() - 0.5)
		}
	}
	for range n {
		t = append(t, rng.IntN(affine2.Out()))
	}
	clear(affine1.B.Value.Data)
	z := affine1.Forward(nil, x)
	for j := range affine1.Out() {
		column := make([]float64, n)
		for i := range column {
			column[i] = z.Data[i*affine1.Out()+j]
		}
		slices.Sort(column)
		var widest float64
		for i := range n - 1 {
			if gap := column[i+1] - column[i]; gap > widest {
				widest = gap
				affine1.B.Value.Data[j] = -(column[i] + column[i+1]) / 2
			}
		}
	}
	for j := range affine2.B.Value.Data {
		affine2.B.Value.Data[j] = (rng.Float64() - 0.5) / 5
	}
	return x, t
}
