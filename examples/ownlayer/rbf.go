package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// RBF is a layer of radial basis functions: each unit k answers to inputs near its
// center cₖ, and s says how far near reaches.
//
//	forward   yₖ = exp(-|x - cₖ|² / 2s²)      x (N, in)   C (units, in)   y (N, units)
//	backward  dx = Σₖ gₖ·(cₖ - x)             dcₖ += Σₙ gₖ·(x - cₖ)       gₖ = dyₖ·yₖ / s²
//
// Forward saves x and y.
type RBF[T tensor.Float] struct {
	C         *nn.Param[T]
	in, units int
	width     float64 // s
	params    []*nn.Param[T]
	x, y      nn.Saved[T]
}

// NewRBF returns an RBF layer whose centers are drawn from the normal distribution. It
// panics if in or units is below 1, or width is not from 0.001 to 1000.
func NewRBF[T tensor.Float](in, units int, width float64, rng *rand.Rand) *RBF[T] {
	l := &RBF[T]{in: in, units: units, width: width}
	nn.MustBuild(l) // checks the settings and makes C, as Fields says
	for i := range l.C.Value.Data {
		l.C.Value.Data[i] = T(rng.NormFloat64())
	}
	return l
}

// Fields is all that a file, a copy and a summary need to know.
func (l *RBF[T]) Fields(f *nn.Fields[T]) {
	f.Size("in", &l.in)
	f.Size("units", &l.units)
	f.Float("width", &l.width, 1e-3, 1e3)
	f.Param("C", &l.C, l.units, l.in)
	f.Params(&l.params)
}

// Forward computes the exponential by package math, whose last bit depends on the
// processor. The layers of package nn have an exponential of their own, so that theirs
// does not.
func (l *RBF[T]) Forward(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	if len(x.Shape) != 2 || x.Shape[1] != l.in {
		panic(&tensor.ShapeError{Op: l.String() + ".Forward", Want: fmt.Sprintf("(N, %d)", l.in), Got: slices.Clone(x.Shape)})
	}
	y := p.New(x.Shape[0], l.units)
	for i := range y.Data {
		sample, center := l.pair(x, i)
		var square T
		for j, v := range sample {
			d := v - center[j]
			square += T(d * d) // rounded before the sum: Go fuses d*d + square on some processors
		}
		y.Data[i] = T(math.Exp(-float64(square) / (2 * l.width * l.width)))
	}
	l.x.Set(p, x)
	l.y.Set(p, y)
	return y
}

func (l *RBF[T]) Backward(p *nn.Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	x, y := l.x.Get(p, l), l.y.Get(p, l)
	nn.CheckShape(l, dy, y.Shape)
	dx := p.New(x.Shape...)
	clear(dx.Data) // New does not clear its memory
	perSquare := T(1 / (l.width * l.width))
	for i, v := range y.Data {
		g := dy.Data[i] * v * perSquare
		sample, center := l.pair(x, i)
		dSample, _ := l.pair(dx, i)
		k := i % l.units
		dCentre := l.C.Grad.Data[k*l.in : (k+1)*l.in]
		for j, v := range sample {
			d := T(g * (v - center[j]))
			dSample[j] -= d
			dCentre[j] += d // adds to Grad, and does not set it
		}
	}
	return dx
}

// pair returns the row of x and the center that element i of y belongs to.
func (l *RBF[T]) pair(x *tensor.Tensor[T], i int) (sample, center []T) {
	n, k := i/l.units, i%l.units
	return x.Data[n*l.in : (n+1)*l.in], l.C.Value.Data[k*l.in : (k+1)*l.in]
}

func (l *RBF[T]) Params() []*nn.Param[T] { return l.params }

func (l *RBF[T]) String() string { return fmt.Sprintf("RBF(%d->%d, %v)", l.in, l.units, l.width) }

func init() {
	// The name under which the layer is saved, loaded and copied.
	nn.Register[RBF[float32], RBF[float64]]("RBF")

	// The same function in elementary operations, which package graph differentiates.
	trace.Register(func(t *trace.Tracer, l *RBF[float64], x trace.Node) trace.Node {
		n := x.Shape[0]
		each := []int{n, l.units, l.in}
		d := t.Sub(t.Broadcast(t.Reshape(x, n, 1, l.in), each...), t.Broadcast(t.Param(l.C), each...))
		square := t.Reshape(t.Sum(t.Mul(d, d), 2), n, l.units)
		return t.Exp(t.Div(square, t.Const(-2*l.width*l.width, n, l.units)))
	})
}
