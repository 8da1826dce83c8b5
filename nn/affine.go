package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Affine is the fully connected layer.
//
//	forward   y  = x·W + b      x (N, in)   W (in, out)   b (out)   y (N, out)
//	backward  dx = dy·Wᵀ        dW += xᵀ·dy               db += Σₙ dy
//
// dx, dW and db have the shapes of x, W and b. x may also be one sample of shape (in). Then
// y has the shape (out), and xᵀ·dy is the outer product.
//
// Forward saves x, which may not change before Backward.
type Affine[T tensor.Float] struct {
	W, B    *Param[T]
	in, out int
	params  []*Param[T]
	x       Saved[T]
}

// NewAffine returns an Affine layer. W is drawn from rng with the standard deviation of
// [He], and b is 0; [Affine.Init] draws W with another one. It panics unless in and out are
// 1 or more.
func NewAffine[T tensor.Float](in, out int, rng *rand.Rand) *Affine[T] {
	l := &Affine[T]{in: in, out: out}
	MustBuild(l)
	l.Init(He, rng)
	return l
}

// AffineOf returns an Affine layer with the parameters W (in, out) and b (out). Other layers
// may share them.
func AffineOf[T tensor.Float](w, b *Param[T]) *Affine[T] {
	if len(w.Value.Shape) != 2 {
		panic(&tensor.ShapeError{Op: "AffineOf(W)", Want: "(in, out)", Got: slices.Clone(w.Value.Shape)})
	}
	if out := w.Value.Shape[1]; !slices.Equal(b.Value.Shape, []int{out}) {
		panic(&tensor.ShapeError{Op: "AffineOf(b)", Want: tensor.FormatShape([]int{out}), Got: slices.Clone(b.Value.Shape)})
	}
	l := &Affine[T]{W: w, B: b, in: w.Value.Shape[0], out: w.Value.Shape[1]}
	MustBuild(l)
	return l
}

func (l *Affine[T]) Fields(f *Fields[T]) {
	f.Size("in", &l.in)
	f.Size("out", &l.out)
	f.Param("W", &l.W, l.in, l.out)
	f.Param("b", &l.B, l.out)
	f.Params(&l.params)
}

func (l *Affine[T]) Settings(s *Settings[T]) {
	s.Infer(&l.in, s.Features())
	s.Int("out", &l.out)
}

// Init draws W anew and sets b to 0.
func (l *Affine[T]) Init(init Init, rng *rand.Rand) {
	normal(l.W.Value.Data, init(l.In(), l.Out()), rng)
	clear(l.B.Value.Data)
}

// In returns the number of inputs.
func (l *Affine[T]) In() int { return l.in }

// Out returns the number of outputs.
func (l *Affine[T]) Out() int { return l.out }

// Terms returns the number of products that are summed in an element of y.
func (l *Affine[T]) Terms() int { return l.in }

func (l *Affine[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, x, kernel.GemmBias[T])
}

// forward computes y with a product that also adds the bias.
func (l *Affine[T]) forward(p *Pass[T], x *tensor.Tensor[T], product func(threads int, y, x, w kernel.Matrix[T], bias []T)) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	n, one := l.batch(x)
	var y *tensor.Tensor[T]
	if one {
		y = p.New(l.Out())
	} else {
		y = p.New(n, l.Out())
	}
	product(p.threads(), kernel.Mat(y.Data, n, l.Out()), kernel.Mat(x.Data, n, l.In()), l.w(), l.B.Value.Data)
	l.x.Set(p, x)
	return y
}

func (l *Affine[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	x, n := l.mustFit(p, dy)
	dx := p.New(x.Shape...)
	kernel.Gemm(p.threads(), kernel.Mat(dx.Data, n, l.In()), kernel.Mat(dy.Data, n, l.Out()), l.w().T())
	l.BackwardParams(p, dy)
	return dx
}

// BackwardParams is Backward without dx.
func (l *Affine[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) {
	x, n := l.mustFit(p, dy)
	dW := kernel.Mat(l.W.Grad.Data, l.In(), l.Out())
	kernel.GemmAdd(p.threads(), dW, kernel.Mat(x.Data, n, l.In()).T(), kernel.Mat(dy.Data, n, l.Out()))
	kernel.AddColumnSums(l.B.Grad.Data, dy.Data)
}

func (l *Affine[T]) Params() []*Param[T] { return l.params }

func (l *Affine[T]) String() string { return fmt.Sprintf("Affine(%d->%d)", l.In(), l.Out()) }

func (l *Affine[T]) w() kernel.Matrix[T] {
	return kernel.Mat(l.W.Value.Data, l.In(), l.Out())
}

// mustFit returns the x that Forward saved, and its number of samples. It panics unless dy
// has the shape of y.
func (l *Affine[T]) mustFit(p *Pass[T], dy *tensor.Tensor[T]) (x *tensor.Tensor[T], n int) {
	x = l.x.Get(p, l)
	mustFit(l, "Backward", dy)
	n, one := l.batch(x)
	switch {
	case one:
		CheckShape(l, dy, l.B.Value.Shape)
	case len(dy.Shape) != 2 || dy.Shape[0] != n || dy.Shape[1] != l.Out():
		CheckShape(l, dy, []int{n, l.Out()}) // panics, and only then makes a slice
	}
	return x, n
}

// batch returns the number of samples in x, and whether x is one sample
// without a batch axis.
func (l *Affine[T]) batch(x *tensor.Tensor[T]) (n int, one bool) {
	switch {
	case len(x.Shape) == 2 && x.Shape[1] == l.In():
		return x.Shape[0], false
	case len(x.Shape) == 1 && x.Shape[0] == l.In():
		return 1, true
	}
	panic(&tensor.ShapeError{
		Op:   l.String() + ".Forward",
		Want: fmt.Sprintf("(N, %d) or (%d)", l.In(), l.In()),
		Got:  slices.Clone(x.Shape),
	})
}
