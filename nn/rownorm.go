package nn

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// rowNorm is the common part of layers that normalize groups of channels, separately in each
// sample. Without a beta, both the mean and beta are taken as 0.
type rowNorm[T tensor.Float] struct {
	Gamma, Beta *Param[T]

	// Eps, from 0 to 1, is added to the variance. It may be set before the layer is used.
	Eps float64

	params            []*Param[T]
	x, moments, scale Saved[T] // x, its moments, and gamma for each column
}

func (r *rowNorm[T]) forward(p *Pass[T], x *tensor.Tensor[T], l kernel.Layout, groups int) *tensor.Tensor[T] {
	y, moments := p.New(x.Shape...), p.New(4, l.N*groups)
	scale, shift := r.Gamma.Value, p.New(l.Columns())
	if l.L != 1 {
		scale = p.New(l.Columns())
		kernel.Expand(l, scale.Data, r.Gamma.Value.Data)
	}
	center := r.Beta != nil
	if center {
		kernel.Expand(l, shift.Data, r.Beta.Value.Data)
	} else {
		clear(shift.Data)
	}
	kernel.RowNorm(p.threads(), l, groups, y.Data, x.Data, scale.Data, shift.Data, kernel.MomentsOf(moments.Data, l.N*groups), r.Eps, center)
	r.x.Set(p, x)
	r.moments.Set(p, moments)
	r.scale.Set(p, scale)
	return y
}

// backward computes the gradients of forward. layout returns the layout of x.
func (r *rowNorm[T]) backward(p *Pass[T], layer any, dy *tensor.Tensor[T], layout func(x *tensor.Tensor[T]) kernel.Layout, groups int) *tensor.Tensor[T] {
	x, moments, scale := r.x.Get(p, layer), r.moments.Get(p, layer), r.scale.Get(p, layer)
	CheckShape(layer, dy, x.Shape)
	l := layout(x)
	dx, sums, dbeta := p.New(x.Shape...), p.New(kernel.RowNormSums(l)), p.New(l.C)
	center := r.Beta != nil
	if center {
		dbeta = r.Beta.Grad
	}
	kernel.RowNormBackward(p.threads(), l, groups, dx.Data, dy.Data, x.Data, scale.Data, kernel.MomentsOf(moments.Data, l.N*groups),
		r.Gamma.Grad.Data, dbeta.Data, sums.Data, center)
	return dx
}

// start sets the initial Gamma.
func (r *rowNorm[T]) start() { setOnes(r.Gamma.Value) }

// Params returns the parameters.
func (r *rowNorm[T]) Params() []*Param[T] { return r.params }

// lastAxes is the common part of layers that normalize over the last axes of x.
type lastAxes[T tensor.Float] struct {
	rowNorm[T]
	shape []int
}

// settings visits the settings in a line of layers. By default shape is the last axis.
func (l *lastAxes[T]) settings(s *Settings[T], eps float64) {
	s.Sizes("shape", &l.shape, 0, s.Axis(s.Axes()-1))
	s.Float("eps", &l.Eps, eps)
	s.Built(l.start)
}

func newLastAxes[T tensor.Float](shape []int, eps float64) lastAxes[T] {
	return lastAxes[T]{rowNorm[T]{Eps: eps}, slices.Clone(shape)}
}

func (l *lastAxes[T]) fields(f *Fields[T], beta bool) {
	f.Sizes("shape", &l.shape, mostAxes-1)
	if len(l.shape) == 0 && f.Building() {
		f.Fail("shape", "want one length or more, got none")
	}
	f.Float("eps", &l.Eps, 0, 1)
	f.Param("gamma", &l.Gamma, l.shape...)
	if beta {
		f.Param("beta", &l.Beta, l.shape...)
	}
	f.Params(&l.params)
}

// layout returns the layout of x: each place in the last axes is a channel with one element,
// and the axes before them count the samples.
func (l *lastAxes[T]) layout(x *tensor.Tensor[T]) kernel.Layout {
	before := len(x.Shape) - len(l.shape)
	n, _ := tensor.Size(x.Shape[:before]...)
	return kernel.Layout{N: n, C: len(l.Gamma.Value.Data), L: 1}
}

func (l *lastAxes[T]) forward(p *Pass[T], layer fmt.Stringer, x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(layer, "Forward", x)
	before := len(x.Shape) - len(l.shape)
	if before < 1 || !slices.Equal(x.Shape[before:], l.shape) {
		panic(&tensor.ShapeError{
			Op:   layer.String() + ".Forward",
			Want: "(N, ...) that ends in " + tensor.FormatShape(l.shape),
			Got:  slices.Clone(x.Shape),
		})
	}
	return l.rowNorm.forward(p, x, l.layout(x), 1)
}

func (l *lastAxes[T]) backward(p *Pass[T], layer any, dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.rowNorm.backward(p, layer, dy, l.layout, 1)
}
