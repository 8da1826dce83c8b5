package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// AveragePool is the average of each window, in each channel of images (N, C, height,
// width) or of signals (N, C, length).
//
//	forward   y[i]  = Σ x over the window of i / size of the window
//	backward  dx[j] = Σ dy[i] / size of the window, over the windows with x[j]
//
// The stride is the size of the window unless the [Window] sets another. The padding is at
// most half the size of the window, and consists of zeros. They are counted, so that all
// windows divide by the same number, as PyTorch does by default (count_include_pad).
type AveragePool[T tensor.Float] struct{ windows[T] }

// NewAveragePool returns an AveragePool. It panics with a *[FieldError] unless all numbers
// of the window are in their ranges.
func NewAveragePool[T tensor.Float](w Window) *AveragePool[T] {
	l := &AveragePool[T]{windows[T]{window: w.withDefaults(w.size)}}
	MustBuild(l)
	return l
}

func (l *AveragePool[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	y, g := l.start(p, l, x)
	kernel.AveragePool(p.threads(), g, y.Data, x.Data)
	l.x.Set(p, x)
	return y
}

func (l *AveragePool[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	dx, g := l.end(p, l, dy)
	kernel.AveragePoolBackward(p.threads(), g, dx.Data, dy.Data)
	return dx
}

func (l *AveragePool[T]) String() string {
	return "AveragePool(" + l.window.describe(l.window.size) + ")"
}

// windows is the common part of the pools: the window, and the x that Forward saved.
type windows[T tensor.Float] struct {
	window Window
	x      Saved[T] // of which the shape is needed
}

func (l *windows[T]) Fields(f *Fields[T]) {
	l.window.fieldsOf(f, "window")
	for i, padding := range l.window.padding {
		if f.Building() && 2*padding > l.window.size[i] {
			f.Fail("padding", "want half the size of the window at most, got %v for %v", l.window.padding, l.window.size)
		}
	}
	if f.Building() && l.window.dilation == nil {
		l.window = l.window.Dilation(1) // of a layer from a file
	}
	for _, d := range l.window.dilation {
		if d != 1 {
			f.Fail("window", "want no dilation in a pool, got %v", l.window.dilation)
		}
	}
}

func (l *windows[T]) Settings(s *Settings[T]) { windowSettings(s, "window", &l.window) }

// Window returns how the window moves.
func (l *windows[T]) Window() Window { return l.window }

// start returns memory for y, and the windows over x.
func (l *windows[T]) start(p *Pass[T], layer any, x *tensor.Tensor[T]) (*tensor.Tensor[T], kernel.Pool) {
	mustFit(layer, "Forward", x)
	rows, columns := l.window.mustTake(layer, x.Shape, 0)
	return newImages(p, l.window, x.Shape[0], x.Shape[1], rows, columns), kernel.Pool{Rows: rows, Columns: columns}
}

// end returns memory for dx, and the windows over x. It panics unless dy has the shape of y.
func (l *windows[T]) end(p *Pass[T], layer any, dy *tensor.Tensor[T]) (*tensor.Tensor[T], kernel.Pool) {
	x := l.x.Get(p, layer)
	rows, columns := l.window.mustTake(layer, x.Shape, 0)
	mustBeGradient(layer, l.window, dy, x.Shape[0], x.Shape[1], rows, columns)
	return p.New(x.Shape...), kernel.Pool{Rows: rows, Columns: columns}
}

// Params returns nil.
func (l *windows[T]) Params() []*Param[T] { return nil }
