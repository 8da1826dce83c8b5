package nn

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Residual adds the results of two layers of the same x, a body and a shortcut.
//
//	forward   y  = body(x) + shortcut(x)      both of the shape of y
//	backward  dx = the dx of the body + the dx of the shortcut
//
// Gradients reach the layers before it through the shortcut, however deep the body is. (He et
// al., "Deep residual learning for image recognition", CVPR 2016.)
type Residual[T tensor.Float] struct {
	body, shortcut Layer[T]
	params         []*Param[T]
	y              Saved[T]
}

// NewResidual returns a Residual layer. A nil shortcut is an [Identity]; then the result of the
// body must have the shape of x. It panics as [NewNamed] does.
func NewResidual[T tensor.Float](body, shortcut Layer[T]) *Residual[T] {
	if shortcut == nil {
		shortcut = NewIdentity[T]()
	}
	l := &Residual[T]{body: body, shortcut: shortcut}
	MustBuild(l)
	mustDiffer(l)
	return l
}

func (l *Residual[T]) Fields(f *Fields[T]) {
	f.Layer("body", &l.body)
	f.Layer("shortcut", &l.shortcut)
	f.Params(&l.params)
}

func (l *Residual[T]) Settings(s *Settings[T]) {
	s.Layer("body", &l.body)
	s.Layer("shortcut", &l.shortcut, NewIdentity[T]())
}

// Body returns the layer beside the shortcut.
func (l *Residual[T]) Body() Layer[T] { return l.body }

// Shortcut returns the layer beside the body.
func (l *Residual[T]) Shortcut() Layer[T] { return l.shortcut }

func (l *Residual[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	body := l.body.Forward(p, x)
	p.observed(l.body, true, body)
	shortcut := l.shortcut.Forward(p, x)
	p.observed(l.shortcut, true, shortcut)
	if !slices.Equal(body.Shape, shortcut.Shape) {
		panic(&tensor.ShapeError{
			Op:   l.String() + ".Forward: the result of the body",
			Want: tensor.FormatShape(shortcut.Shape) + ", the shape of the result of the shortcut",
			Got:  slices.Clone(body.Shape),
		})
	}
	y := sum(p, body, shortcut)
	l.y.Set(p, y)
	return y
}

func (l *Residual[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	CheckShape(l, dy, l.y.Get(p, l).Shape)
	body := l.body.Backward(p, dy)
	p.observed(l.body, false, body)
	shortcut := l.shortcut.Backward(p, dy)
	p.observed(l.shortcut, false, shortcut)
	return sum(p, body, shortcut)
}

// BackwardParams is Backward without dx.
func (l *Residual[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) {
	CheckShape(l, dy, l.y.Get(p, l).Shape)
	backwardParams(p, l.body, dy)
	backwardParams(p, l.shortcut, dy)
}

// sum returns a + b. Both have the same shape.
func sum[T tensor.Float](p *Pass[T], a, b *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := p.New(a.Shape...)
	kernel.Add(p.threads(), y.Data, a.Data, b.Data)
	return y
}

// backwardParams runs the Backward of a layer whose dx is not needed.
func backwardParams[T tensor.Float](p *Pass[T], l Layer[T], dy *tensor.Tensor[T]) {
	switch pb, ok := l.(ParamsBackward[T]); {
	case len(l.Params()) == 0:
	case ok:
		pb.BackwardParams(p, dy)
	default:
		l.Backward(p, dy)
	}
}

// Params returns the parameters of the body, then those of the shortcut. A shared parameter
// occurs once.
func (l *Residual[T]) Params() []*Param[T] { return l.params }

func (l *Residual[T]) String() string {
	return fmt.Sprintf("Residual(%s, %s)", describe(l.body), describe(l.shortcut))
}
