package nn

import (
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// GlobalAveragePool is the average of each channel of images (N, C, height, width), or of
// samples with any number of axes after the channels.
//
//	forward   y[n,c]   = Σ x[n,c,i] / M     y (N, C), over the M elements of a channel
//	backward  dx[n,c,i] = dy[n,c] / M
type GlobalAveragePool[T tensor.Float] struct {
	x Saved[T] // for its shape
}

// NewGlobalAveragePool returns a GlobalAveragePool.
func NewGlobalAveragePool[T tensor.Float]() *GlobalAveragePool[T] { return &GlobalAveragePool[T]{} }

func (l *GlobalAveragePool[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	if len(x.Shape) < 3 || slices.Contains(x.Shape[1:], 0) {
		panic(&tensor.ShapeError{Op: "GlobalAveragePool.Forward", Want: "(N, C, length) or more axes, each 1 or more but N", Got: slices.Clone(x.Shape)})
	}
	y := p.New(x.Shape[0], x.Shape[1])
	kernel.Averages(p.threads(), y.Data, x.Data)
	l.x.Set(p, x)
	return y
}

func (l *GlobalAveragePool[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	x := l.x.Get(p, l)
	CheckShape(l, dy, x.Shape[:2])
	dx := p.New(x.Shape...)
	kernel.AveragesBackward(p.threads(), dx.Data, dy.Data)
	return dx
}

// Params returns nil.
func (l *GlobalAveragePool[T]) Params() []*Param[T] { return nil }

func (l *GlobalAveragePool[T]) String() string { return "GlobalAveragePool" }
