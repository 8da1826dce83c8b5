package gradcheck_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Square is a layer of one's own: y = x², dx = dy·factor·x, the factor being 2
// for everybody who has not forgotten it.
type Square struct {
	factor float64
	x      nn.Kept[float64]
}

func (l *Square) Forward(p *nn.Pass[float64], x *tensor.Tensor[float64]) *tensor.Tensor[float64] {
	y := p.New(x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = v * v
	}
	l.x.Keep(p, x)
	return y
}

func (l *Square) Backward(p *nn.Pass[float64], dy *tensor.Tensor[float64]) *tensor.Tensor[float64] {
	x := l.x.Of(p, l)
	if !slices.Equal(dy.Shape, x.Shape) {
		panic(&tensor.ShapeError{Op: "Square.Backward", Want: tensor.FormatShape(x.Shape), Got: slices.Clone(dy.Shape)})
	}
	dx := p.New(dy.Shape...)
	for i, d := range dy.Data {
		dx.Data[i] = d * l.factor * x.Data[i]
	}
	return dx
}

func (l *Square) Params() []*nn.Param[float64] { return nil }

func ExampleLayer() {
	for _, factor := range []float64{2, 1} {
		report := gradcheck.Layer(gradcheck.Case{
			Name:   "Square",
			New:    func(*rand.Rand) nn.Layer[float64] { return &Square{factor: factor} },
			Sample: []int{5},
		})
		dx := report.Arrays[0]
		fmt.Printf("factor %v, right: %t; %s has %d elements, a largest error of %.1f\n",
			factor, report.Err() == nil, dx.Name, dx.Elements, dx.MaxError)
	}
	// Output:
	// factor 2, right: true; dx has 20 elements, a largest error of 0.0
	// factor 1, right: false; dx has 20 elements, a largest error of 0.5
}

func ExampleNetwork() {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](20, 7, 4, 0.1, rng)
	x, t := gradcheck.Wake(net, 3, rng)
	r := gradcheck.Network("20-7-4", net, x, t)
	fmt.Println("right:", r.Err() == nil)
	for _, a := range r.Arrays {
		fmt.Printf("%s: %d gradients, %.0f %% of them not 0\n", a.Name, a.Elements, 100*a.Coverage())
	}
	// Output:
	// right: true
	// W1: 140 gradients, 100 % of them not 0
	// b1: 7 gradients, 100 % of them not 0
	// W2: 28 gradients, 100 % of them not 0
	// b2: 4 gradients, 100 % of them not 0
}
