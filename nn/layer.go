package nn

import "github.com/chainrule-go/chainrule/tensor"

// A Layer is one differentiable step of a network. This is the whole contract:
//
//   - The first axis of x and y is the batch: x is (N, ...), row n is sample n.
//   - Forward and Backward modify neither x nor dy.
//   - Forward saves what Backward needs if p.Keep is set, in a [Saved], and writes
//     nothing into the layer otherwise, or if p is nil. Running statistics change
//     only if p.Train is set too.
//   - Results are scratch memory from p.New. They may share memory with x or dy.
//   - Backward adds to the Grad of each parameter. It does not set it.
//   - An x or dy of the wrong shape is a panic with a *[tensor.ShapeError] that
//     names the layer: [CheckShape] does that. Backward without a Forward of the
//     same step, with the same Pass, is a panic too: [Saved] does that.
//   - The same layer, Pass settings and x give the same bits every time, on any
//     number of Threads.
//
// Package gradcheck checks all of it. A Layer is for one goroutine at a time, except
// that Forward with a Pass that does not Keep, or a nil one, is safe for any number.
//
// A layer with parameters, settings or layers inside is also a [Fielder].
type Layer[T tensor.Float] interface {
	// Forward returns y.
	Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T]

	// Backward takes dy = ∂L/∂y of the last Forward with this p and p.Keep, and
	// returns dx = ∂L/∂x. It adds ∂L/∂w to the Grad of each parameter w, so that
	// calling it more often accumulates.
	Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T]

	// Params returns the parameters in a fixed order, each once; nil if none.
	Params() []*Param[T]
}

// ParamsBackward is a Layer that can do Backward without computing dx. Training does
// not need the dx of the first layer with parameters, and computing it is a good part
// of the work.
type ParamsBackward[T tensor.Float] interface {
	BackwardParams(p *Pass[T], dy *tensor.Tensor[T])
}

// A Param is a parameter that a network learns. Backward adds to Grad; the step of
// an optimizer uses Grad and leaves it zero, so there is nothing to reset by hand.
// Two layers that share a Param share the weight.
type Param[T tensor.Float] struct {
	Name        string
	Value, Grad *tensor.Tensor[T]
}

// NewParam returns a parameter of zeros.
func NewParam[T tensor.Float](name string, shape ...int) *Param[T] {
	return &Param[T]{Name: name, Value: tensor.New[T](shape...), Grad: tensor.New[T](shape...)}
}
