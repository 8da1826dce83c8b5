package graph

import (
	"fmt"
	"math"
	"strings"
)

// A Figure is a computational graph of the book's chapter 5, with its numbers.
type Figure struct {
	Name   string
	Title  string
	Shows  string // what the figure shows
	Inputs []FigureInput
	build  func(g *Graph[float64], in []*Node[float64]) (y *Node[float64], dy []float64)
}

// A FigureInput is an input of a figure and the value the book gives it.
type FigureInput struct {
	Label string
	Shape []int
	Value []float64
}

// Graph builds the figure and runs it backward. values, if not empty, replace the values of all
// inputs, in order.
func (f Figure) Graph(values ...float64) (*Graph[float64], error) {
	var names []string
	var book []float64
	for _, in := range f.Inputs {
		names = append(names, in.String())
		book = append(book, in.Value...)
	}
	if len(values) == 0 {
		values = book
	}
	if len(values) != len(book) {
		return nil, fmt.Errorf("%s takes %d values: %s; got %d", f.Name, len(book), strings.Join(names, ", "), len(values))
	}
	g := New[float64]()
	var nodes []*Node[float64]
	for _, in := range f.Inputs {
		nodes = append(nodes, g.Input(in.Label, values[:len(in.Value)], in.Shape...))
		values = values[len(in.Value):]
	}
	g.BackwardFrom(f.build(g, nodes))
	return g, nil
}

// String is the input's label and, unless it is a scalar, its shape.
func (in FigureInput) String() string {
	if len(in.Shape) == 0 {
		return in.Label
	}
	return in.Label + " " + FormatShape(in.Shape)
}

func scalar(label string, value float64) FigureInput {
	return FigureInput{Label: label, Value: []float64{value}}
}

// Figures returns the figures in the order of the book.
func Figures() []Figure {
	return []Figure{
		{
			Name:   "apples",
			Title:  "Two apples and the tax",
			Shows:  "If an apple cost 1 more, the price would rise by 2.2: backward, a product multiplies by the other factor.",
			Inputs: []FigureInput{scalar("apples", 2), scalar("apple price", 100), scalar("tax", 1.1)},
			build:  apples,
		},
		{
			Name:   "apples-oranges",
			Title:  "Apples, oranges and the tax",
			Shows:  "Backward, a sum passes the gradient on to both sides as it is.",
			Inputs: []FigureInput{scalar("apples", 2), scalar("apple price", 100), scalar("orange price", 150), scalar("oranges", 3), scalar("tax", 1.1)},
			build:  applesOranges,
		},
		{
			Name:   "relu",
			Title:  "ReLU",
			Shows:  "The gradient passes where x is above 0, and stops where the book's mask is true: at 0 and below.",
			Inputs: []FigureInput{{"x", []int{2, 2}, []float64{1, -0.5, -2, 3}}},
			build:  relu,
		},
		{
			Name:   "sigmoid",
			Title:  "Sigmoid, node by node",
			Shows:  "Four local derivatives, through /, +, exp and ×, come to one short formula, dy·y·(1 - y), computed beside them.",
			Inputs: []FigureInput{scalar("x", 0.5)},
			build:  sigmoid,
		},
		{
			Name:   "affine",
			Title:  "Affine, one sample",
			Shows:  "The gradient of a product of matrices is one too: dx = dy · Wᵀ, dW = xᵀ · dy.",
			Inputs: []FigureInput{{"x", []int{2}, []float64{1, 2}}, {"W", []int{2, 3}, []float64{1, 3, 5, 2, 4, 6}}, {"b", []int{3}, []float64{1, 2, 3}}},
			build:  affine,
		},
		{
			Name:   "batch-affine",
			Title:  "Affine, a batch",
			Shows:  "b is added to every sample, so its gradient is the sum over the samples: db = [5 7 9].",
			Inputs: []FigureInput{{"X", []int{2, 2}, []float64{0, 0, 1, 2}}, {"W", []int{2, 3}, []float64{2, 4, 6, 4, 3, 2}}, {"b", []int{3}, []float64{1, 2, 3}}},
			build:  affine,
		},
		{
			Name:   "softmax-with-loss",
			Title:  "Softmax with loss",
			Shows:  "What comes back to the logits is the difference y - t: [0.3 -0.8 0.5].",
			Inputs: []FigureInput{{"x", []int{3}, []float64{math.Log(0.3), math.Log(0.2), math.Log(0.5)}}, {"t", []int{3}, []float64{0, 1, 0}}},
			build:  softmaxWithLoss,
		},
	}
}

func apples(g *Graph[float64], in []*Node[float64]) (y *Node[float64], dy []float64) {
	count, price, tax := in[0], in[1], in[2]
	total := g.Mul(price, count).As("apples' price")
	return g.Mul(total, tax).As("price"), []float64{1}
}

func applesOranges(g *Graph[float64], in []*Node[float64]) (y *Node[float64], dy []float64) {
	apples, applePrice, orangePrice, oranges, tax := in[0], in[1], in[2], in[3], in[4]
	appleTotal := g.Mul(applePrice, apples).As("apples' price")
	orangeTotal := g.Mul(orangePrice, oranges).As("oranges' price")
	total := g.Add(appleTotal, orangeTotal).As("price before tax")
	return g.Mul(total, tax).As("price"), []float64{1}
}

func relu(g *Graph[float64], in []*Node[float64]) (y *Node[float64], dy []float64) {
	return ReLU(g, in[0]).As("y"), []float64{1, 1, 1, 1}
}

func sigmoid(g *Graph[float64], in []*Node[float64]) (y *Node[float64], dy []float64) {
	g.Group("Sigmoid", func() { y = Sigmoid(g, in[0]).As("y") })
	g.Group("dx, the short way", func() {
		short := g.Mul(y, g.Sub(g.Const(1), y)).As("y(1 - y)")
		g.Mul(g.Const(1).As("dy"), short).As("dx = dy·y(1 - y)")
	})
	return y, []float64{1}
}

func affine(g *Graph[float64], in []*Node[float64]) (y *Node[float64], dy []float64) {
	y = Affine(g, in[0], in[1], in[2]).As("y")
	for i := range y.Value {
		dy = append(dy, float64(i+1)) // for a batch, [[1 2 3] [4 5 6]]: the book's
	}
	return y, dy
}

// softmaxWithLoss is the plain form of the book's appendix A, which overflows for
// large logits; see SoftmaxWithLoss for one that does not.
func softmaxWithLoss(g *Graph[float64], in []*Node[float64]) (l *Node[float64], dl []float64) {
	x, t := in[0], in[1]
	var y *Node[float64]
	g.Group("Softmax", func() {
		e := g.Exp(x)
		y = g.Div(e, g.Broadcast(g.Sum(e, 0), e.Shape...)).As("y")
	})
	g.Group("Cross Entropy Error", func() {
		l = g.Mul(g.Sum(g.Mul(t, g.Log(y))), g.Const(-1)).As("L")
	})
	return l, []float64{1}
}
