package nn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Window says how the kernel of a convolution, or the window of a pool, moves over signals
// (N, channels, length) or images (N, channels, height, width):
//
//	nn.Square(3).Padding(1)             // 3x3, zeros around the image
//	nn.NewWindow(5, 3).Stride(2, 1)     // 5 high and 3 wide, every second row
//	nn.NewWindow(7).Dilation(2)         // over a signal, every second element of it
//
// Along each axis, element i of the result is computed from the elements
// i·stride + t·dilation - padding of x, for t from 0 to size-1. So the result has
// ⌊(length + 2·padding - dilation·(size-1) - 1) / stride⌋ + 1 elements, as in PyTorch.
type Window struct{ size, stride, padding, dilation []int }

// mostOfWindow is the largest value of any number of a Window. It keeps memory in proportion to
// images and weights.
const mostOfWindow = 1024

// NewWindow returns a window of the given length, or of the given height and width, without
// padding and dilation. The default stride is 1 in a convolution, and the size in a pool.
func NewWindow(size ...int) Window { return Window{size: slices.Clone(size)} }

// Square returns a window n high and n wide.
func Square(n int) Window { return NewWindow(n, n) }

// Stride returns w with the given stride: one for all axes, or one for each.
func (w Window) Stride(stride ...int) Window { w.stride = w.each(stride); return w }

// Padding returns w with padding zeros at both ends of each axis: one number for all axes, or
// one for each. In a maximum they are never the largest element.
func (w Window) Padding(padding ...int) Window { w.padding = w.each(padding); return w }

// Dilation returns w with the given distance between neighboring elements of the window: one
// number for all axes, or one for each. Pools have no dilation.
func (w Window) Dilation(dilation ...int) Window { w.dilation = w.each(dilation); return w }

func (w Window) each(v []int) []int {
	if len(v) == 1 {
		return slices.Repeat(v, len(w.size))
	}
	return slices.Clone(v)
}

// withDefaults returns w with all numbers set.
func (w Window) withDefaults(stride []int) Window {
	if w.stride == nil {
		w = w.Stride(stride...)
	}
	if w.padding == nil {
		w = w.Padding(0)
	}
	if w.dilation == nil {
		w = w.Dilation(1)
	}
	return w
}

// fieldsOf visits the numbers of a window as fields. name is the name of the size.
func (w *Window) fieldsOf(f fielder, name string) {
	f.Sizes(name, &w.size, 2)
	if len(w.size) == 0 || slices.Max(w.size) > mostOfWindow {
		f.Fail(name, "want one length or two, each from 1 to %d, got %v", mostOfWindow, w.size)
	}
	f.Ints("stride", &w.stride, len(w.size), 1, mostOfWindow)
	f.Ints("padding", &w.padding, len(w.size), 0, mostOfWindow)
}

// windowSettings visits the numbers of a window as settings. name is the name of the size. If
// stride is not given, the default stride is the size.
func windowSettings[T tensor.Float](s *Settings[T], name string, w *Window, stride ...int) {
	s.Sizes(name, &w.size, s.Axes()-1)
	if len(stride) == 0 {
		stride = w.size
	}
	s.Sizes("stride", &w.stride, len(w.size), stride...)
	s.Sizes("padding", &w.padding, len(w.size), 0)
}

// fielder is a *Fields in either precision.
type fielder interface {
	Sizes(name string, v *[]int, most int)
	Ints(name string, v *[]int, n, least, most int)
	Fail(name, format string, args ...any)
}

// axes returns how w moves over images of the given height and width, or over a signal, which
// is taken as an image with one row.
func (w Window) axes(lengths []int) (rows, columns kernel.Axis) {
	all := [2]kernel.Axis{{Size: 1, Kernel: 1, Stride: 1, Dilation: 1}}
	for i, n := range lengths {
		all[2-len(lengths)+i] = kernel.Axis{Size: n, Kernel: w.size[i], Stride: w.stride[i], Padding: w.padding[i], Dilation: w.dilation[i]}
	}
	return all[0], all[1]
}

// mustTake returns how w moves over x. It panics unless x has the given number of channels, or
// any number if channels is 0, and is at least as large as the window.
func (w Window) mustTake(layer any, x []int, channels int) (rows, columns kernel.Axis) {
	if len(x) == 2+len(w.size) && (channels == 0 || x[1] == channels) {
		if rows, columns = w.axes(x[2:]); rows.Out() > 0 && columns.Out() > 0 {
			return rows, columns
		}
	}
	want := "(N, C"
	if channels > 0 {
		want = fmt.Sprintf("(N, %d", channels)
	}
	for i, size := range w.size {
		want += fmt.Sprintf(", %d or more", max(1, (size-1)*w.dilation[i]+1-2*w.padding[i]))
	}
	panic(&tensor.ShapeError{Op: nameOf(layer) + ".Forward", Want: want + ")", Got: slices.Clone(x)})
}

// describe writes the size, and what differs from a window with the given stride, no padding
// and no dilation.
func (w Window) describe(stride []int) string {
	s := join(w.size)
	for _, v := range []struct {
		name            string
		numbers, others []int
	}{{"stride", w.stride, stride}, {"padding", w.padding, []int{0, 0}}, {"dilation", w.dilation, []int{1, 1}}} {
		if !slices.Equal(v.numbers, v.others[:len(v.numbers)]) {
			s += ", " + v.name + " " + join(v.numbers)
		}
	}
	return s
}

// join writes numbers in the form 3x5.
func join(v []int) string {
	parts := make([]string, len(v))
	for i, n := range v {
		parts[i] = fmt.Sprint(n)
	}
	return strings.Join(parts, "x")
}

// newImages returns memory for n images with the given number of channels; for signals, if the
// window has one axis.
func newImages[T tensor.Float](p *Pass[T], w Window, n, channels int, rows, columns kernel.Axis) *tensor.Tensor[T] {
	if len(w.size) == 1 {
		return p.New(n, channels, columns.Out())
	}
	return p.New(n, channels, rows.Out(), columns.Out())
}

// mustBeGradient panics unless dy has the shape that [newImages] gives.
func mustBeGradient[T tensor.Float](layer any, w Window, dy *tensor.Tensor[T], n, channels int, rows, columns kernel.Axis) {
	mustFit(layer, "Backward", dy)
	shape := [4]int{n, channels, rows.Out(), columns.Out()}
	if len(w.size) == 1 {
		shape[2] = shape[3]
	}
	if want := shape[:2+len(w.size)]; !slices.Equal(dy.Shape, want) {
		CheckShape(layer, dy, slices.Clone(want))
	}
}

// Numbers returns the numbers of w, one for each axis. Numbers that were not set are nil until
// the window belongs to a layer.
func (w Window) Numbers() (size, stride, padding, dilation []int) {
	return slices.Clone(w.size), slices.Clone(w.stride), slices.Clone(w.padding), slices.Clone(w.dilation)
}
