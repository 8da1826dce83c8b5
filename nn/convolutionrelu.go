package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// convolutionReLU is a Convolution and the ReLU after it, computed in one pass.
//
//	forward   y  = max(x∗W + b, 0)
//	backward  as the two, one after the other
//
// Each of the two saves what it saves alone.
type convolutionReLU[T tensor.Float] struct {
	*Convolution[T]
	relu *ReLU[T]
}

func (l *Convolution[T]) fuse(next []Layer[T]) (fused Layer[T], n int) {
	if len(next) > 0 {
		if relu, ok := next[0].(*ReLU[T]); ok {
			return &convolutionReLU[T]{l, relu}, 1
		}
	}
	return nil, 0
}

func (l *convolutionReLU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := l.forward(p, x, kernel.ConvolveReLU[T])
	l.relu.y.Set(p, y)
	return y
}

func (l *convolutionReLU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	dx := p.New(l.x.Get(p, l).Shape...)
	l.backwardReLU(p, dx.Data, dy)
	return dx
}

func (l *convolutionReLU[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) {
	l.backwardReLU(p, nil, dy)
}

func (l *convolutionReLU[T]) backwardReLU(p *Pass[T], dx []T, dy *tensor.Tensor[T]) {
	y := l.relu.y.Get(p, l.relu)
	CheckShape(l.relu, dy, y.Shape)
	l.backward(p, dx, dy, y.Data)
}
