package gradcheck_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph"
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

// A layer of one's own is proved in one line.
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

// Its formula, from elementary nodes, calls two more witnesses.
func ExampleFormula() {
	square := func(g *graph.Graph[float64], x *graph.Node[float64], _ []*graph.Node[float64]) *graph.Node[float64] {
		return g.Mul(x, x)
	}
	r := gradcheck.Layer(gradcheck.Case{
		Name:   "Square",
		New:    func(*rand.Rand) nn.Layer[float64] { return &Square{factor: 2} },
		Sample: []int{5},
		Graph:  square,
	})
	for _, w := range []gradcheck.Witness{gradcheck.Graph, gradcheck.ComplexStep, gradcheck.CentralDifference} {
		worst, _ := r.Error(w)
		fmt.Printf("%s: right to %.0e: %t\n", w, w.Bound(), worst <= w.Bound())
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
	r, err := gradcheck.Network("20-7-4", net.Sequential, x, t)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("right:", r.Err() == nil)
	for _, a := range r.Arrays[1:] { // the first is the loss
		fmt.Printf("%s: %d gradients, %.0f %% of them not 0\n", a.Name, a.Elements, 100*a.Coverage())
	}
	// Output:
	// right: true
	// W1: 140 gradients, 100 % of them not 0
	// b1: 7 gradients, 100 % of them not 0
	// W2: 28 gradients, 100 % of them not 0
	// b2: 4 gradients, 100 % of them not 0
}

func ExampleTrace() {
	net := nn.NewSequential(nn.Layer[float64](nn.NewAffine[float64](2, 3, rand.New(rand.NewPCG(1, 2)))))
	g, err := gradcheck.Trace(net, tensor.Of([]float64{1, 2}, 1, 2), []int{0})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range g.Nodes() {
		if n.Group != nil && n.Group.Name == "Affine1" {
			fmt.Println(n.Op, n.Label, n.Shape)
		}
	}
	// Output:
	// input W [2 3]
	// input b [3]
	// dot  [1 3]
	// broadcast  [1 3]
	// +  [1 3]
}
