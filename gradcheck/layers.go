package gradcheck

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Layers returns the table of all layers and losses of this library, each of
// which passes [Layer]. A new one is one more row, and one in the table of
// formulas.
//
// Ulps are the roundings on the longest way to an element, half an ulp each,
// measured by the terms of which it is the sum.
func Layers() []Case {
	return []Case{
		{
			Name:    "Affine",
			New:     affineOf[float64](5, 7),
			Float32: affineOf[float32](5, 7),
			Ulps:    4, // sums of 7 products, or of 5 and b
			terms:   affineTerms,
			linear:  true,
			Sample:  []int{5},
			Refuses: [][]int{{batch, 6}, {6}, {batch, 5, 1}, {}},
		},
		{
			Name:    "ReLU",
			New:     reluOf[float64],
			Float32: reluOf[float32],
			Ulps:    0.5, // below one: none
			linear:  true,
			Sample:  []int{5, 3},
			Flat:    true,
			Kinks:   []float64{0},
		},
		{
			Name:    "Sigmoid",
			New:     sigmoidOf[float64],
			Float32: sigmoidOf[float32],
			Ulps:    6, // y: exp (1 ulp), + and /; dx: that of y twice, and two products
			terms:   sigmoidTerms,
			Sample:  []int{5, 3},
		},
		{
			Name:    "Softmax",
			New:     softmaxOf[float64],
			Float32: softmaxOf[float32],
			Ulps:    10, // x-max (up to 4, of which half an ulp is 4 ulp of e^x), exp, a sum of 7, /
			terms:   softmaxTerms,
			Sample:  []int{7},
			Refuses: [][]int{{batch, 7, 2}, {}},
		},
		{
			Name:    "SoftmaxWithLoss",
			New:     lossOf[float64](2, 0, 6, 2),
			Float32: lossOf[float32](2, 0, 6, 2),
			Graph:   lossFormula(2, 0, 6, 2),
			Ulps:    10, // as Softmax
			terms:   lossTerms,
			Sample:  []int{7},
			Refuses: [][]int{{batch, 7, 2}, {7}, {0, 7}, {batch, 0}},
		},
		{
			Name:    "SoftmaxWithLoss, soft targets",
			New:     softLossOf[float64],
			Float32: softLossOf[float32],
			Graph:   softLossFormula,
			Ulps:    10,
			terms:   lossTerms,
			Sample:  []int{7},
			Refuses: [][]int{{batch, 7, 2}, {7}, {0, 7}, {batch, 0}},
		},
		{
			Name:    "Sequential",
			New:     sequentialOf[float64],
			Float32: sequentialOf[float32],
			Ulps:    16, // its layers together, of the largest element
			Sample:  []int{6},
			Refuses: [][]int{{batch, 5}},
		},
	}
}

func affineOf[T tensor.Float](in, out int) func(rng *rand.Rand) nn.Layer[T] {
	return func(rng *rand.Rand) nn.Layer[T] { return nn.NewAffine[T](in, out, rng) }
}

func reluOf[T tensor.Float](*rand.Rand) nn.Layer[T]    { return nn.NewReLU[T]() }
func sigmoidOf[T tensor.Float](*rand.Rand) nn.Layer[T] { return nn.NewSigmoid[T]() }
func softmaxOf[T tensor.Float](*rand.Rand) nn.Layer[T] { return nn.NewSoftmax[T]() }

func sequentialOf[T tensor.Float](rng *rand.Rand) nn.Layer[T] {
	return nn.NewSequential[T](
		nn.NewSigmoid[T](),                          // nobody wants the dx of this one in training
		nn.NewAffine[T](6, 5, rng), nn.NewReLU[T](), // computed together
		nn.NewSequential[T](nn.NewAffine[T](5, 7, rng)),
		nn.NewSoftmax[T](),
	)
}

// lossLayer makes a Layer of SoftmaxWithLoss, for the contract's sake: y is the
// loss, and dx is the loss's own times dy.
type lossLayer[T tensor.Float] struct {
	loss   *nn.SoftmaxWithLoss[T]
	labels []int
	soft   *tensor.Tensor[T]
}

func lossOf[T tensor.Float](labels ...int) func(*rand.Rand) nn.Layer[T] {
	return func(*rand.Rand) nn.Layer[T] {
		return &lossLayer[T]{loss: nn.NewSoftmaxWithLoss[T](), labels: labels}
	}
}

func softLossOf[T tensor.Float](*rand.Rand) nn.Layer[T] {
	soft := tensor.New[T](batch, 7)
	for i, v := range softTargets() {
		soft.Data[i] = T(v)
	}
	return &lossLayer[T]{loss: nn.NewSoftmaxWithLoss[T](), soft: soft}
}

// softTargets are distributions over 7 classes, float32 numbers that sum to 1
// exactly.
func softTargets() []float64 {
	rng := rand.New(rand.NewPCG(5, 7))
	var all []float64
	for range batch {
		row := make([]float64, 7)
		for range 1 << 10 {
			row[rng.IntN(7)] += 0x1p-10
		}
		all = append(all, row...)
	}
	return all
}

func lossFormula(labels ...int) Formula {
	return func(g *graph.Graph[float64], x node, _ []node) node {
		n, classes := x.Shape[0], x.Shape[1]
		return graph.SoftmaxWithLoss(g, x, g.Input("t", oneHot(labels[:n], classes), n, classes))
	}
}

func softLossFormula(g *graph.Graph[float64], x node, _ []node) node {
	return graph.SoftmaxWithLoss(g, x, g.Input("t", softTargets()[:len(x.Value)], x.Shape...))
}

// oneHot returns a row for each label, with 1 at its class.
func oneHot(labels []int, classes int) []float64 {
	t := make([]float64, len(labels)*classes)
	for i, class := range labels {
		t[i*classes+class] = 1
	}
	return t
}

// target is t of a class of sample n.
func (l *lossLayer[T]) target(n, class int) float64 {
	switch {
	case l.soft != nil:
		return float64(l.soft.Data[n*l.soft.Shape[1]+class])
	case l.labels[n] == class:
		return 1
	}
	return 0
}

func (l *lossLayer[T]) Forward(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := p.New(1)
	n := 0
	if len(x.Shape) > 0 {
		n = x.Shape[0]
	}
	if l.soft != nil {
		y.Data[0] = T(l.loss.ForwardSoft(p, x, l.soft.Rows(0, min(n, l.soft.Shape[0]))))
	} else {
		y.Data[0] = T(l.loss.Forward(p, x, l.labels[:min(n, len(l.labels))]))
	}
	return y
}

func (l *lossLayer[T]) Backward(p *nn.Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	if !slices.Equal(dy.Shape, []int{1}) {
		panic(&tensor.ShapeError{Op: fmt.Sprint(l, ".Backward"), Want: "(1)", Got: slices.Clone(dy.Shape)})
	}
	d := l.loss.Backward(p)
	dx := p.New(d.Shape...)
	for i, v := range d.Data {
		dx.Data[i] = v * dy.Data[0]
	}
	return dx
}

func (l *lossLayer[T]) Params() []*nn.Param[T] { return nil }

func (l *lossLayer[T]) String() string { return l.loss.String() }
