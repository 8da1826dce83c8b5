package nn

import "github.com/chainrule-go/chainrule/tensor"

// activation is the body of a layer that computes each element of y from that of x,
// and dx from dy and y alone. It saves y.
type activation[T tensor.Float] struct {
	y Saved[T]
}

func (a *activation[T]) forward(p *Pass[T], layer any, x *tensor.Tensor[T], f func(y, x []T)) *tensor.Tensor[T] {
	mustFit(layer, "Forward", x)
	y := p.New(x.Shape...)
	f(y.Data, x.Data)
	a.y.Set(p, y)
	return y
}

func (a *activation[T]) backward(p *Pass[T], layer any, dy *tensor.Tensor[T], f func(dx, dy, y []T)) *tensor.Tensor[T] {
	y := a.y.Get(p, layer)
	CheckShape(layer, dy, y.Shape)
	dx := p.New(dy.Shape...)
	f(dx.Data, dy.Data, y.Data)
	return dx
}

// Params returns nil.
func (a *activation[T]) Params() []*Param[T] { return nil }
