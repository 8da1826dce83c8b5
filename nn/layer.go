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
//   - Backward adds to the Grad of each parameter. It does not set it.
//   - If x or dy has the wrong shape, the layer panics with a *[tensor.ShapeError] that
//     names the layer; [CheckShape] does that. Backward without a Forward of the same
//     step, with the same Pass, panics too; [Saved] does that.
//
// Package gradcheck checks all of it. A Layer is for one goroutine at a time. The exception is
// Forward with a nil Pass, or with a Pass whose Keep is false: any number of goroutines may
// call it at once.
//
// A layer with parameters, settings or layers inside is also a [Fielder].
type Layer[T tensor.Float] interface {
	// Forward returns y.
	Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T]

	// Backward takes dy = ∂L/∂y of the last Forward with this p, and returns
	// dx = ∂L/∂x. p.Keep must have been set. It adds ∂L/∂w to the Grad of each
	// parameter w, so calling it again accumulates.
	Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T]

	// Params returns the parameters in a fixed order, each once; nil if none.
	Params() []*Param[T]
}

// ParamsBackward is a Layer that can run Backward without computing dx. Training does not need
// the dx of the first layer with parameters, and computing dx is a large part of the work.
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
