package nn

import "github.com/chainrule-go/chainrule/tensor"

// A Layer is one differentiable step of a network. Neither direction modifies
// its argument. A Layer is for one goroutine at a time, except that Forward
// with a Pass that does not keep (or a nil one) writes no state and is safe for
// any number.
//
// The first axis of x and y is the batch: x is (N, ...), row n is sample n.
type Layer[T tensor.Float] interface {
	// Forward returns y. If p.Keep it keeps what Backward needs, until Reset.
	Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T]

	// Backward takes dy = ∂L/∂y of the last Forward that kept, which was with
	// the same p, and returns dx = ∂L/∂x. It adds ∂L/∂w to the Grad of each
	// parameter w, so that calling it more often accumulates. It panics if there
	// was no such Forward since Reset.
	Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T]

	// Params returns the parameters in a fixed order, each once; nil if none.
	Params() []*Param[T]
}

// ParamsBackward is a Layer that can do Backward without computing dx, for when
// nobody wants it: in front of the first layer with parameters it would be
// thrown away, and it is a good part of the work.
type ParamsBackward[T tensor.Float] interface {
	BackwardParams(p *Pass[T], dy *tensor.Tensor[T])
}

// A Param is a parameter a network learns. Backward adds to Grad; an
// optimizer's step consumes Grad and leaves it zero, so there is nothing to
// reset by hand. Two layers that share a Param share the weight.
type Param[T tensor.Float] struct {
	Name        string
	Value, Grad *tensor.Tensor[T]
}

// NewParam returns a parameter of zeros.
func NewParam[T tensor.Float](name string, shape ...int) *Param[T] {
	return &Param[T]{Name: name, Value: tensor.New[T](shape...), Grad: tensor.New[T](shape...)}
}
