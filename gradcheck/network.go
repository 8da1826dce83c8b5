package gradcheck

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A NetworkReport is a [Report] of all parameters of a network, and how long
// both ways took: why backpropagation exists.
type NetworkReport struct {
	Report
	Numerical, Backprop time.Duration // for the gradients of all parameters once
}

// Speedup is how many times faster backpropagation is.
func (r NetworkReport) Speedup() float64 {
	return r.Numerical.Seconds() / r.Backprop.Seconds()
}

// NonZero is the share of all gradients that are not 0.
func (r NetworkReport) NonZero() float64 {
	var nonZero, elements int
	for _, a := range r.Arrays {
		nonZero += a.NonZero
		elements += a.Elements
	}
	return float64(nonZero) / float64(elements)
}

// Network compares the gradients of the network's loss on x, labelled t, for
// every parameter: backpropagation against central differences.
func Network(name string, net *nn.TwoLayerNet[float64], x *tensor.Tensor[float64], t []int) NetworkReport {
	r := NetworkReport{Report: Report{Name: name}}
	// The median of a few: one is over in less than a millisecond.
	var times []time.Duration
	var got nn.Gradients[float64]
	for range 9 {
		start := time.Now()
		got = net.Gradient(x, t)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	r.Backprop = times[len(times)/2]

	loss := func() float64 { return net.Loss(x, t) }
	start := time.Now()
	for i, differences := range net.Differences(x, t) {
		p := net.Params()[i]
		a := judge(p.Name, got[p.Name].Data, differences, loss, p.Value, true)
		a.Batch = len(t)
		r.Arrays = append(r.Arrays, a)
	}
	r.Numerical = time.Since(start)
	return r
}

// Wake draws n samples, labelled, and sets b1 so that every hidden unit of the
// network is awake on some of them and asleep on others, as far from its kink as
// possible: a unit that sleeps on all of them has gradients of 0, and a fault
// in its row would go unseen. n is 2 or more.
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
