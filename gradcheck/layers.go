package gradcheck

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Layers returns the table of all layers and losses of this library, each of
// which passes [Layer]. A new one is one more row.
func Layers() []Case {
	return []Case{
		{
			Name:    "Affine",
			New:     func(rng *rand.Rand) nn.Layer[float64] { return nn.NewAffine[float64](5, 7, rng) },
			Sample:  []int{5},
			Refuses: [][]int{{batch, 6}, {6}, {batch, 5, 1}, {}},
		},
		{
			Name:   "ReLU",
			New:    func(*rand.Rand) nn.Layer[float64] { return nn.NewReLU[float64]() },
			Sample: []int{5, 3},
			Flat:   true,
		},
		{
			Name:   "Sigmoid",
			New:    func(*rand.Rand) nn.Layer[float64] { return nn.NewSigmoid[float64]() },
			Sample: []int{5, 3},
		},
		{
			Name:    "Softmax",
			New:     func(*rand.Rand) nn.Layer[float64] { return nn.NewSoftmax[float64]() },
			Sample:  []int{7},
			Refuses: [][]int{{batch, 7, 2}, {}},
		},
		{
			Name: "SoftmaxWithLoss",
			New: func(*rand.Rand) nn.Layer[float64] {
				return &lossLayer{loss: nn.NewSoftmaxWithLoss[float64](), labels: []int{2, 0, 6, 2}}
			},
			Sample:  []int{7},
			Refuses: [][]int{{batch, 7, 2}, {7}, {0, 7}, {batch, 0}},
		},
		{
			Name: "SoftmaxWithLoss, soft targets",
			New: func(rng *rand.Rand) nn.Layer[float64] {
				t := tensor.New[float64](batch, 7)
				fill(t, rng)
				return &lossLayer{loss: nn.NewSoftmaxWithLoss[float64](), soft: nn.NewSoftmax[float64]().Forward(nil, t)}
			},
			Sample:  []int{7},
			Refuses: [][]int{{batch, 7, 2}, {7}, {0, 7}, {batch, 0}},
		},
		{
			Name: "Sequential",
			New: func(rng *rand.Rand) nn.Layer[float64] {
				return nn.NewSequential[float64](
					nn.NewSigmoid[float64](), // nobody wants the dx of this one in training
					nn.NewAffine[float64](6, 5, rng),
					nn.NewSequential[float64](nn.NewReLU[float64](), nn.NewAffine[float64](5, 7, rng)),
					nn.NewSoftmax[float64](),
				)
			},
			Sample:  []int{6},
			Refuses: [][]int{{batch, 5}},
		},
	}
}

// lossLayer makes a Layer of SoftmaxWithLoss, for the contract's sake: y is the
// loss, and dx is the loss's own times dy.
type lossLayer struct {
	loss   *nn.SoftmaxWithLoss[float64]
	labels []int
	soft   *tensor.Tensor[float64]
}

func (l *lossLayer) Forward(p *nn.Pass[float64], x *tensor.Tensor[float64]) *tensor.Tensor[float64] {
	y := p.New(1)
	n := 0
	if len(x.Shape) > 0 {
		n = x.Shape[0]
	}
	if l.soft != nil {
		y.Data[0] = l.loss.ForwardSoft(p, x, l.soft.Rows(0, min(n, batch)))
	} else {
		y.Data[0] = l.loss.Forward(p, x, l.labels[:min(n, batch)])
	}
	return y
}

func (l *lossLayer) Backward(p *nn.Pass[float64], dy *tensor.Tensor[float64]) *tensor.Tensor[float64] {
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

func (l *lossLayer) Params() []*nn.Param[float64] { return nil }

func (l *lossLayer) String() string { return l.loss.String() }
