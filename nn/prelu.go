package nn

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// PReLU is a [LeakyReLU] that learns its slopes: one for each feature (the second axis of x),
// or a single one for all of x, which may then have any shape.
//
//	forward   y  = x  where x > 0, else a·x       x, y (N, features, ...)   a (features)
//	backward  dx = dy where x > 0, else a·dy      da += Σ dy·x over the x ≤ 0 of a feature
//
// At x = 0 exactly the gradient is a·dy. Do not apply weight decay to the slopes: it would turn
// the layer into a ReLU. (He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.)
//
// Forward saves x, which may not change before Backward.
type PReLU[T tensor.Float] struct {
	Slope    *Param[T] // a
	features int
	params   []*Param[T]
	x        Saved[T]
}

// NewPReLU returns a PReLU layer with one slope, initially 0.25, for each feature; if features
// is 1, the slope is for all of x. It panics unless features is 1 or more.
func NewPReLU[T tensor.Float](features int) *PReLU[T] {
	l := &PReLU[T]{features: features}
	MustBuild(l)
	l.start()
	return l
}

// start sets the initial slopes.
func (l *PReLU[T]) start() {
	for i := range l.Slope.Value.Data {
		l.Slope.Value.Data[i] = 0.25
	}
}

func (l *PReLU[T]) Fields(f *Fields[T]) {
	f.Size("features", &l.features)
	f.Param("slope", &l.Slope, l.features)
	f.Params(&l.params)
}

func (l *PReLU[T]) Settings(s *Settings[T]) {
	s.Int("features", &l.features, s.Axis(0))
	s.Built(l.start)
}

// Features returns the number of slopes.
func (l *PReLU[T]) Features() int { return l.features }

func (l *PReLU[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	if l.features > 1 && (len(x.Shape) < 2 || x.Shape[1] != l.features) {
		panic(&tensor.ShapeError{Op: l.String() + ".Forward", Want: fmt.Sprintf("(N, %d, ...)", l.features), Got: slices.Clone(x.Shape)})
	}
	y := p.New(x.Shape...)
	kernel.PReLU(p.threads(), l.layout(x), y.Data, x.Data, l.Slope.Value.Data)
	l.x.Set(p, x)
	return y
}

func (l *PReLU[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	x := l.x.Get(p, l)
	CheckShape(l, dy, x.Shape)
	dx := p.New(x.Shape...)
	kernel.PReLUBackward(p.threads(), l.layout(x), dx.Data, l.Slope.Grad.Data, dy.Data, x.Data, l.Slope.Value.Data)
	return dx
}

// layout returns the layout of x. With a single slope, x is one sample of one channel.
func (l *PReLU[T]) layout(x *tensor.Tensor[T]) kernel.Layout {
	if l.features == 1 {
		return kernel.Layout{N: 1, C: 1, L: len(x.Data)}
	}
	return channels(l, x, l.features)
}

func (l *PReLU[T]) Params() []*Param[T] { return l.params }

// WeightInit returns [He].
func (l *PReLU[T]) WeightInit() Init { return He }

func (l *PReLU[T]) String() string { return fmt.Sprintf("PReLU(%d)", l.features) }
