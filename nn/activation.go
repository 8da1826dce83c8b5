package nn

import "github.com/chainrule-go/chainrule/tensor"

// activation is the common part of layers that compute each element of y from the same
// element of x, and dx from dy and y. It saves y.
type activation[T tensor.Float] struct {
	y Saved[T]
}

func (a *activation[T]) forward(p *Pass[T], layer any, x *tensor.Tensor[T], f func(threads int, y, x []T)) *tensor.Tensor[T] {
	y := elementwise(p, layer, x, f)
	a.y.Set(p, y)
	return y
}

func (a *activation[T]) backward(p *Pass[T], layer any, dy *tensor.Tensor[T], f func(threads int, dx, dy, y []T)) *tensor.Tensor[T] {
	return elementwiseBackward(p, layer, dy, a.y.Get(p, layer), f)
}

// Params returns nil.
func (a *activation[T]) Params() []*Param[T] { return nil }

// WeightInit returns [He].
func (a *activation[T]) WeightInit() Init { return He }

// activationOfX is like activation, but computes dx from dy and x. It saves x.
type activationOfX[T tensor.Float] struct {
	x Saved[T]
}

func (a *activationOfX[T]) forward(p *Pass[T], layer any, x *tensor.Tensor[T], f func(threads int, y, x []T)) *tensor.Tensor[T] {
	y := elementwise(p, layer, x, f)
	a.x.Set(p, x)
	return y
}

func (a *activationOfX[T]) backward(p *Pass[T], layer any, dy *tensor.Tensor[T], f func(threads int, dx, dy, x []T)) *tensor.Tensor[T] {
	return elementwiseBackward(p, layer, dy, a.x.Get(p, layer), f)
}

// Params returns nil.
func (a *activationOfX[T]) Params() []*Param[T] { return nil }

// WeightInit returns [He].
func (a *activationOfX[T]) WeightInit() Init { return He }

// elementwise returns y, of the shape of x.
func elementwise[T tensor.Float](p *Pass[T], layer any, x *tensor.Tensor[T], f func(threads int, y, x []T)) *tensor.Tensor[T] {
	mustFit(layer, "Forward", x)
	y := p.New(x.Shape...)
	f(p.threads(), y.Data, x.Data)
	return y
}

// elementwiseBackward returns dx, of the shape of dy and what was saved.
func elementwiseBackward[T tensor.Float](p *Pass[T], layer any, dy, saved *tensor.Tensor[T], f func(threads int, dx, dy, saved []T)) *tensor.Tensor[T] {
	CheckShape(layer, dy, saved.Shape)
	dx := p.New(dy.Shape...)
	f(p.threads(), dx.Data, dy.Data, saved.Data)
	return dx
}
