package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// affineReLU is an Affine and the ReLU after it, computed in one pass.
//
//	forward   y  = max(x·W + b, 0)
//	backward  as the two, one after the other
//
// Each of the two saves what it saves alone.
type affineReLU[T tensor.Float] struct {
	*Affine[T]
	relu *ReLU[T]
}

// fuse returns the layers with each Affine and the ReLU after it made one.
func fuse[T tensor.Float](layers []Layer[T]) []Layer[T] {
	var fused []Layer[T]
	for i := 0; i < len(layers); i++ {
		if affine, ok := layers[i].(*Affine[T]); ok && i+1 < len(layers) {
			if relu, ok := layers[i+1].(*ReLU[T]); ok {
				fused = append(fused, &affineReLU[T]{affine, relu})
				i++
				continue
			}
		}
		fused = append(fused, layers[i])
	}
	return fused
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
