package nn

import (
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// convolutions is a chain of convolutions, each with the ReLU and the MaxPool after it, if
// there are any. To predict, it is computed as one: image by image, so that what lies
// between the layers stays in the caches. The bits are the same.
type convolutions[T tensor.Float] struct {
	layers []Layer[T]
	params []*Param[T]
}

// convolving is a Convolution, or one with what is computed together with it.
type convolving[T tensor.Float] interface {
	Layer[T]
	// stage returns what is computed for images of a shape, and sets that to the shape of
	// the result. It panics if such images do not fit.
	stage(shape []int) kernel.Stage[T]
}

// chainConvolutions replaces convolutions one after the other by one layer.
func chainConvolutions[T tensor.Float](layers []Layer[T]) []Layer[T] {
	var chained []Layer[T]
	for i := 0; i < len(layers); i++ {
		n := 0
		for i+n < len(layers) {
			if _, ok := layers[i+n].(convolving[T]); !ok {
				break
			}
			n++
		}
		if n == 0 {
			chained = append(chained, layers[i])
			continue
		}
		c := &convolutions[T]{layers: layers[i : i+n]}
		for _, l := range c.layers {
			c.params = append(c.params, l.Params()...)
		}
		chained = append(chained, c)
		i += n - 1
	}
	return chained
}

func (l *convolutions[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	if y := l.predict(p, x); y != nil {
		return y
	}
	for _, l := range l.layers {
		x = l.Forward(p, x)
	}
	return x
}

// predict returns nil if the layers cannot be computed as one.
func (l *convolutions[T]) predict(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l.layers[0], "Forward", x)
	c := kernel.NewChain[T]()
	var axes [5]int // one more than fits
	shape := axes[:copy(axes[:], x.Shape)]
	for _, l := range l.layers {
		c.Add(l.(convolving[T]).stage(shape))
	}
	y := p.New(shape...)
	if !c.Run(p.threads(), y.Data, x.Data) {
		return nil
	}
	return y
}

func (l *convolutions[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	for _, l := range slices.Backward(l.layers) {
		dy = l.Backward(p, dy)
	}
	return dy
}

func (l *convolutions[T]) Params() []*Param[T] { return l.params }

func (l *Convolution[T]) stage(shape []int) kernel.Stage[T] {
	rows, columns := l.window.mustTake(l, shape, l.in)
	shape[1] = l.out
	setAxes(shape, rows, columns)
	g := kernel.Convolution{Groups: l.groups, In: l.in, Out: l.out, Rows: rows, Columns: columns}
	return kernel.Stage[T]{Convolution: g, W: l.W.Value.Data, Bias: l.B.Value.Data}
}

func (l *convolutionReLU[T]) stage(shape []int) kernel.Stage[T] {
	s := l.Convolution.stage(shape)
	s.ReLU = true
	return s
}

func (l *convolutionReLUMaxPool[T]) stage(shape []int) kernel.Stage[T] {
	s := l.convolutionReLU.stage(shape)
	rows, columns := l.pool.window.mustTake(l.pool, shape, 0)
	setAxes(shape, rows, columns)
	s.Pool, s.Pooled = kernel.Pool{Rows: rows, Columns: columns}, true
	return s
}

// setAxes sets the last axes of a shape to the lengths of a result.
func setAxes(shape []int, rows, columns kernel.Axis) {
	last := len(shape) - 1
	shape[last] = columns.Out()
	if last == 3 {
		shape[2] = rows.Out()
	}
}
