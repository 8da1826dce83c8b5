package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Convolution is the layer of learned filters that move over images (N, in, height,
// width), or over signals (N, in, length), as its [Window] says. For images, with
// stride s, padding p and dilation d,
//
//	forward   y[n,o,i,j] = b[o] + Σ W[o,c,a,b]·x[n, c, s·i + d·a - p, s·j + d·b - p]
//	backward  dx[n,c,h,w] += W[o,c,a,b]·dy[n,o,i,j]            for every product in y
//	          dW[o,c,a,b] += x[n,c,h,w]·dy[n,o,i,j]            likewise
//	          db[o]       += Σ dy[n,o,i,j]
//
// where x is 0 outside of the image. W is (out, in/groups, kernel height, kernel width), as in
// the book and in PyTorch, and b is (out). With groups, neighboring channels of x and of y
// form groups, and a channel of y depends only on the channels of x in its own group.
//
// It is PyTorch's Conv1d and Conv2d: a correlation, which does not flip the kernel. The
// padding takes part as zeros, so next to it a weight that is not finite makes NaN.
//
// Forward saves x, which may not change before Backward.
type Convolution[T tensor.Float] struct {
	W, B            *Param[T]
	in, out, groups int
	window          Window
	params          []*Param[T]
	x               Saved[T]
}

// NewConvolution returns a Convolution. W is drawn from rng with the standard deviation of
// [He], and b is 0; [Convolution.Init] draws W with another one. It panics with a
// *[FieldError] unless in and out are 1 or more and the numbers of the window are in the
// ranges that the methods of [Window] state.
func NewConvolution[T tensor.Float](in, out int, w Window, rng *rand.Rand) *Convolution[T] {
	return NewGroupedConvolution[T](in, out, 1, w, rng)
}

// NewGroupedConvolution is [NewConvolution] with groups. The number of groups must divide in
// and out. With one group for each channel it is a depthwise convolution.
func NewGroupedConvolution[T tensor.Float](in, out, groups int, w Window, rng *rand.Rand) *Convolution[T] {
	l := &Convolution[T]{in: in, out: out, groups: groups, window: w.withDefaults([]int{1})}
	MustBuild(l)
	l.Init(He, rng)
	return l
}

func (l *Convolution[T]) Fields(f *Fields[T]) {
	f.Size("in", &l.in)
	f.Size("out", &l.out)
	f.Size("groups", &l.groups)
	if l.groups > 0 && (l.in%l.groups != 0 || l.out%l.groups != 0) {
		f.Fail("groups", "want a divisor of in and out, got %d of %d and %d", l.groups, l.in, l.out)
	}
	l.window.fieldsOf(f, "kernel")
	f.Ints("dilation", &l.window.dilation, len(l.window.size), 1, mostOfWindow)
	f.Param("W", &l.W, append([]int{l.out, l.in / max(1, l.groups)}, l.window.size...)...)
	f.Param("b", &l.B, l.out)
	f.Params(&l.params)
}

func (l *Convolution[T]) Settings(s *Settings[T]) {
	s.Infer(&l.in, s.Axis(0))
	s.Int("out", &l.out)
	windowSettings(s, "kernel", &l.window, 1)
	s.Sizes("dilation", &l.window.dilation, len(l.window.size), 1)
	s.Int("groups", &l.groups, 1)
}

// Init draws W anew and sets b to 0. The number of inputs is the number of elements of x in an
// element of y; the number of outputs is the number of elements of y that depend on an
// element of x, for stride 1.
func (l *Convolution[T]) Init(init Init, rng *rand.Rand) {
	size := 1
	for _, n := range l.window.size {
		size *= n
	}
	normal(l.W.Value.Data, init(l.in/l.groups*size, l.out/l.groups*size), rng)
	clear(l.B.Value.Data)
}

// In returns the number of channels of x.
func (l *Convolution[T]) In() int { return l.in }

// Out returns the number of channels of y.
func (l *Convolution[T]) Out() int { return l.out }

// Groups returns the number of groups.
func (l *Convolution[T]) Groups() int { return l.groups }

// Window returns how the kernel moves.
func (l *Convolution[T]) Window() Window { return l.window }

// Terms returns the number of products that are summed in an element of y.
func (l *Convolution[T]) Terms() int { return len(l.W.Value.Data) / l.out }

func (l *Convolution[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, x, kernel.Convolve[T])
}

// forward computes y with the given kernel.
func (l *Convolution[T]) forward(p *Pass[T], x *tensor.Tensor[T], convolve func(threads int, g kernel.Convolution, y, x, w, bias []T)) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	g := l.mustTake(x.Shape)
	y := newImages(p, l.window, x.Shape[0], l.out, g.Rows, g.Columns)
	convolve(p.threads(), g, y.Data, x.Data, l.W.Value.Data, l.B.Value.Data)
	l.x.Set(p, x)
	return y
}

// mustTake returns the geometry of the convolution of images of a shape. It panics if they do
// not fit.
func (l *Convolution[T]) mustTake(shape []int) kernel.Convolution {
	rows, columns := l.window.mustTake(l, shape, l.in)
	return kernel.Convolution{Groups: l.groups, In: l.in, Out: l.out, Rows: rows, Columns: columns}
}

func (l *Convolution[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	dx := p.New(l.x.Get(p, l).Shape...)
	l.backward(p, dx.Data, dy)
	return dx
}

// BackwardParams is Backward without dx.
func (l *Convolution[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) {
	l.backward(p, nil, dy)
}

// backward sets dx, unless dx is nil, and adds to the gradients of W and b.
func (l *Convolution[T]) backward(p *Pass[T], dx []T, dy *tensor.Tensor[T]) {
	x := l.x.Get(p, l)
	g := l.mustTake(x.Shape)
	mustBeGradient(l, l.window, dy, x.Shape[0], l.out, g.Rows, g.Columns)
	kernel.ConvolveBackward(p.threads(), g, dx, l.W.Grad.Data, l.B.Grad.Data, dy.Data, x.Data, l.W.Value.Data)
}

func (l *Convolution[T]) Params() []*Param[T] { return l.params }

func (l *Convolution[T]) String() string {
	s := fmt.Sprintf("Convolution(%d->%d, %s", l.in, l.out, l.window.describe([]int{1, 1}))
	if l.groups != 1 {
		s += fmt.Sprint(", groups ", l.groups)
	}
	return s + ")"
}
