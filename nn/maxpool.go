package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// MaxPool is the largest element of each window, in each channel of images (N, C,
// height, width) or of signals (N, C, length).
//
//	forward   y[i]  = max of x over the window of i
//	backward  dx[j] = Σ dy[i] over the windows whose largest element is x[j]
//
// The stride is the size of the window unless the [Window] sets another. The padding is at
// most half the size of the window, and is never the largest element. If several elements are
// equal, the first one in row order is chosen, and it alone gets the gradient. A NaN counts as
// the largest element. All this is as in PyTorch.
//
// Forward saves which elements were chosen.
type MaxPool[T tensor.Float] struct {
	windows[T]
	choices []int32
}

// NewMaxPool returns a MaxPool. It panics with a *[FieldError] unless all numbers of the
// window are in their ranges.
func NewMaxPool[T tensor.Float](w Window) *MaxPool[T] {
	l := &MaxPool[T]{windows: windows[T]{window: w.withDefaults(w.size)}}
	MustBuild(l)
	return l
}

func (l *MaxPool[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	y, g := l.start(p, l, x)
	choices := p.Ints(len(y.Data))
	kernel.MaxPool(p.threads(), g, y.Data, x.Data, choices)
	if l.x.Set(p, x); p != nil && p.Keep {
		l.choices = choices
	}
	return y
}

func (l *MaxPool[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	dx, g := l.end(p, l, dy)
	kernel.MaxPoolBackward(p.threads(), g, dx.Data, dy.Data, l.choices)
	return dx
}

func (l *MaxPool[T]) String() string { return "MaxPool(" + l.window.describe(l.window.size) + ")" }
