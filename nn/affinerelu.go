package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// affineReLU is an Affine and the ReLU after it, computed in one pass.
//
//	forward   y  = max(x·W + b, 0)
//	backward  the backward of the ReLU, then the backward of the Affine
//
// The Affine and the ReLU save what they save when they run alone.
type affineReLU[T tensor.Float] struct {
	*Affine[T]
	relu *ReLU[T]
}

// A fuser is a layer that can be computed in one pass with the n layers after it.
type fuser[T tensor.Float] interface {
	fuse(next []Layer[T]) (fused Layer[T], n int)
}

// fuse replaces layers that can be computed in one pass by one layer.
func fuse[T tensor.Float](layers []Layer[T]) []Layer[T] {
	var fused []Layer[T]
	for i := 0; i < len(layers); i++ {
		l := layers[i]
		if f, ok := l.(fuser[T]); ok {
			if one, n := f.fuse(layers[i+1:]); n > 0 {
				l, i = one, i+n
			}
		}
		fused = append(fused, l)
	}
	return fused
}

func (l *Affine[T]) fuse(next []Layer[T]) (fused Layer[T], n int) {
	if len(next) > 0 {
		if relu, ok := next[0].(*ReLU[T]); ok {
			return &affineReLU[T]{l, relu}, 1
		}
	}
	return nil, 0
}

func (l *affineReLU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := l.forward(p, x, kernel.GemmBiasReLU[T])
	l.relu.y.Set(p, y)
	return y
}

func (l *affineReLU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.Affine.Backward(p, l.relu.Backward(p, dy))
}

func (l *affineReLU[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) {
	l.Affine.BackwardParams(p, l.relu.Backward(p, dy))
}
