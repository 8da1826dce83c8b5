package gradcheck_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Square is a layer of your own: y = x², dx = dy·factor·x. The right factor is 2.
type Square struct {
	factor float64
	x      nn.Saved[float64]
}

func (l *Square) Forward(p *nn.Pass[float64], x *tensor.Tensor[float64]) *tensor.Tensor[float64] {
	y := p.New(x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = v * v
	}
	l.x.Set(p, x)
	return y
}

func (l *Square) Backward(p *nn.Pass[float64], dy *tensor.Tensor[float64]) *tensor.Tensor[float64] {
	x := l.x.Get(p, l)
	nn.CheckShape(l, dy, x.Shape)
	dx := p.New(dy.Shape...)
	for i, d := range dy.Data {
		dx.Data[i] = d * l.factor * x.Data[i]
	}
	return dx
}

func (l *Square) Params() []*nn.Param[float64] { return nil }

// One line checks a layer of your own.
func ExampleLayer() {
	right := func(*rand.Rand) nn.Layer[float64] { return &Square{factor: 2} }
	wrong := func(*rand.Rand) nn.Layer[float64] { return &Square{factor: 1} }

	fmt.Println(gradcheck.Layer(gradcheck.Case{Name: "Square", New: right, Sample: []int{5}}).Err())

	r := gradcheck.Layer(gradcheck.Case{Name: "Square", New: wrong, Sample: []int{5}})
	fmt.Printf("right: %t; %s of %d elements is %s\n", r.Err() == nil, r.Arrays[0].Name, r.Arrays[0].Elements, r.Arrays[0].Cause)
	// Output:
	// <nil>
	// right: false; dx of 20 elements is 2 times too small
}

// With its formula in elementary operations, it is compared with two more references.
func ExampleCase() {
	r := gradcheck.Layer(gradcheck.Case{
		Name:   "Square",
		New:    func(*rand.Rand) nn.Layer[float64] { return &Square{factor: 2} },
		Sample: []int{5},
		Graph:  func(t *trace.Tracer, _ nn.Layer[float64], x trace.Node) trace.Node { return t.Mul(x, x) },
	})
	for _, by := range gradcheck.References() {
		worst, _ := r.Error(by)
		fmt.Printf("%s: right to %.0e: %t\n", by, by.Bound(), worst <= by.Bound())
	}
	// Output:
	// graph: right to 1e-12: true
	// complex step: right to 1e-12: true
	// central difference: right to 1e-06: true
}

func ExampleNetwork() {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](20, 7, 4, 0.1, rng)
	x, t := gradcheck.Wake(net, 3, rng)
	r, err := gradcheck.Network("20-7-4", net, net.Last, x, nn.Labels[float64](t...))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("right:", r.Err() == nil)
	for _, a := range r.Arrays[1:] { // the first is the loss
		fmt.Printf("%s: %d gradients, %.0f %% of them not 0\n", a.Name, a.Elements, 100*a.NonzeroShare())
	}
	// Output:
	// right: true
	// W1: 140 gradients, 100 % of them not 0
	// b1: 7 gradients, 100 % of them not 0
	// W2: 28 gradients, 100 % of them not 0
	// b2: 4 gradients, 100 % of them not 0
}
