package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// convolutionReLU is a Convolution and the ReLU after it, computed in one pass.
//
//	forward   y  = max(x∗W + b, 0)
//	backward  the backward of the ReLU, then the backward of the Convolution
//
// The Convolution and the ReLU save what they save when they run alone.
type convolutionReLU[T tensor.Float] struct {
	*Convolution[T]
	relu *ReLU[T]
}

// fuse joins a Convolution with the ReLU after it, and with the MaxPool after the ReLU.
func (l *Convolution[T]) fuse(next []Layer[T]) (fused Layer[T], n int) {
	if len(next) == 0 {
		return nil, 0
	}
	relu, ok := next[0].(*ReLU[T])
	if !ok {
		return nil, 0
	}
	one := convolutionReLU[T]{l, relu}
	if len(next) > 1 {
		if pool, ok := next[1].(*MaxPool[T]); ok {
			return &convolutionReLUMaxPool[T]{one, pool, Saved[T]{}}, 2
		}
	}
	return &one, 1
}

func (l *convolutionReLU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := l.forward(p, x, kernel.ConvolveReLU[T])
	l.relu.y.Set(p, y)
	return y
}

func (l *convolutionReLU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	dx := p.New(l.x.Get(p, l).Shape...)
	l.backward(p, dx.Data, dy)
	return dx
}

func (l *convolutionReLU[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) { l.backward(p, nil, dy) }

func (l *convolutionReLU[T]) backward(p *Pass[T], dx []T, dy *tensor.Tensor[T]) {
	x, y := l.x.Get(p, l), l.relu.y.Get(p, l.relu)
	CheckShape(l.relu, dy, y.Shape)
	kernel.ConvolveReLUBackward(p.threads(), l.mustTake(x.Shape), dx, l.W.Grad.Data, l.B.Grad.Data, dy.Data, x.Data, l.W.Value.Data, y.Data)
}

// convolutionReLUMaxPool is a Convolution, the ReLU after it and the MaxPool after the ReLU,
// computed in one pass: the result of the convolution stays in the caches.
//
//	forward   y  = max over windows of max(x∗W + b, 0)
//	backward  the backward of the three, in reverse order
//
// It saves x, y and the choices of the MaxPool. The ReLU saves nothing.
type convolutionReLUMaxPool[T tensor.Float] struct {
	convolutionReLU[T]
	pool *MaxPool[T]
	y    Saved[T]
}

// mustTake returns the geometry of the convolution of x, and of the pool of its result.
func (l *convolutionReLUMaxPool[T]) mustTake(x *tensor.Tensor[T]) (kernel.Convolution, kernel.Pool) {
	g := l.Convolution.mustTake(x.Shape)
	return g, l.mustPool(l.pool, g, x.Shape)
}

// mustPool returns the geometry of a pool of the results for images of a shape. It panics if
// they do not fit.
func (l *Convolution[T]) mustPool(pool *MaxPool[T], g kernel.Convolution, shape []int) kernel.Pool {
	result := [4]int{shape[0], l.out, g.Rows.Out(), g.Columns.Out()}
	if len(shape) == 3 {
		result[2] = result[3]
	}
	rows, columns := pool.window.mustTake(pool, result[:len(shape)], 0)
	return kernel.Pool{Rows: rows, Columns: columns}
}

func (l *convolutionReLUMaxPool[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	g, pool := l.mustTake(x)
	y := newImages(p, l.pool.window, x.Shape[0], l.out, pool.Rows, pool.Columns)
	choices := p.Ints(len(y.Data))
	kernel.ConvolveReLUMaxPool(p.threads(), g, pool, y.Data, x.Data, l.W.Value.Data, l.B.Value.Data, choices)
	l.x.Set(p, x)
	if l.y.Set(p, y); p != nil && p.Keep {
		l.pool.choices = choices
	}
	return y
}

func (l *convolutionReLUMaxPool[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	dx := p.New(l.x.Get(p, l).Shape...)
	l.backward(p, dx.Data, dy)
	return dx
}

func (l *convolutionReLUMaxPool[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) {
	l.backward(p, nil, dy)
}

func (l *convolutionReLUMaxPool[T]) backward(p *Pass[T], dx []T, dy *tensor.Tensor[T]) {
	x, y := l.x.Get(p, l), l.y.Get(p, l)
	CheckShape(l.pool, dy, y.Shape)
	g, pool := l.mustTake(x)
	kernel.ConvolveReLUMaxPoolBackward(p.threads(), g, pool, dx, l.W.Grad.Data, l.B.Grad.Data, dy.Data, x.Data, l.W.Value.Data, y.Data, l.pool.choices)
}
