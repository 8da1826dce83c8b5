package nn

import (
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Concat joins the results of several layers of the same x along the axis after the
// batch: the features of (N, F), the channels of (N, C, H, W).
//
//	forward   y  = [branch 1(x), branch 2(x), ...]      (N, C1 + C2 + ..., ...)
//	backward  dx = the sum of the dx of all branches; each gets its part of dy
//
// The results must have equal lengths along all other axes. dx is summed in the order of the
// branches.
type Concat[T tensor.Float] struct {
	branches []Named[T]
	params   []*Param[T]
	y        Saved[T]
	parts    []Saved[T] // the results of the branches
}

// NewConcat returns a Concat layer of one or more branches, which get the names that
// [NewSequential] would give them. A nil branch is an [Identity]. It panics as [NewNamed]
// does.
func NewConcat[T tensor.Float](branches ...Layer[T]) *Concat[T] {
	branches = slices.Clone(branches)
	for i, b := range branches {
		if b == nil {
			branches[i] = NewIdentity[T]()
		}
	}
	l := &Concat[T]{branches: numbered(branches)}
	MustBuild(l)
	mustDiffer(l)
	return l
}

func (l *Concat[T]) Fields(f *Fields[T]) {
	f.Layers("branches", &l.branches)
	f.Params(&l.params)
	if !f.Building() {
		return
	}
	if len(l.branches) == 0 {
		f.Fail("branches", "want one or more, got none")
	}
	l.parts = make([]Saved[T], len(l.branches))
}

func (l *Concat[T]) Settings(s *Settings[T]) { s.Branches("branches", &l.branches) }

// Branches returns the branches in order, with their names. The slice is shared: read
// it only.
func (l *Concat[T]) Branches() []Named[T] { return l.branches }

func (l *Concat[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	parts := make([]*tensor.Tensor[T], 0, 8)
	channels := 0
	for i, b := range l.branches {
		part := b.Layer.Forward(p, x)
		p.observed(b.Layer, true, part)
		parts = append(parts, part)
		l.mustJoin(b.Name, part, parts[0])
		channels += part.Shape[1]
		l.parts[i].Set(p, part)
	}
	shape := append(make([]int, 0, mostAxes), parts[0].Shape...)
	shape[1] = channels
	y := p.New(shape...)
	first := 0
	for _, part := range parts {
		eachSample(y, part, first, func(row, of []T) { copy(row, of) })
		first += part.Shape[1]
	}
	l.y.Set(p, y)
	return y
}

// mustJoin panics unless the result of a branch has the shape of the first result, except
// along axis 1.
func (l *Concat[T]) mustJoin(branch string, part, first *tensor.Tensor[T]) {
	want := "(N, C) or (N, C, ...)"
	switch {
	case len(first.Shape) < 2:
	case len(part.Shape) == len(first.Shape) && part.Shape[0] == first.Shape[0] && slices.Equal(part.Shape[2:], first.Shape[2:]):
		return
	default:
		want = tensor.FormatShape(first.Shape) + " with any length of axis 1, as the result of " + l.branches[0].Name
	}
	panic(&tensor.ShapeError{Op: l.String() + ".Forward: the result of " + branch, Want: want, Got: slices.Clone(part.Shape)})
}

func (l *Concat[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) (dx *tensor.Tensor[T]) {
	l.backward(p, dy, func(b Layer[T], dpart *tensor.Tensor[T]) {
		d := b.Backward(p, dpart)
		p.observed(b, false, d)
		if dx == nil {
			dx = p.New(d.Shape...)
			copy(dx.Data, d.Data)
		} else {
			kernel.Add(p.threads(), dx.Data, dx.Data, d.Data)
		}
	})
	return dx
}

// BackwardParams is Backward without dx.
func (l *Concat[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) {
	l.backward(p, dy, func(b Layer[T], dpart *tensor.Tensor[T]) { backwardParams(p, b, dpart) })
}

// backward calls f with each branch and the branch's part of dy.
func (l *Concat[T]) backward(p *Pass[T], dy *tensor.Tensor[T], f func(b Layer[T], dpart *tensor.Tensor[T])) {
	CheckShape(l, dy, l.y.Get(p, l).Shape)
	first := 0
	for i, b := range l.branches {
		part := p.New(l.parts[i].Get(p, l).Shape...)
		eachSample(dy, part, first, func(row, of []T) { copy(of, row) })
		first += part.Shape[1]
		f(b.Layer, part)
	}
}

// eachSample calls f once for each sample, with the sample of part and its place in y, which
// begins at channel first.
func eachSample[T tensor.Float](y, part *tensor.Tensor[T], first int, f func(row, of []T)) {
	if part.Shape[1] == 0 {
		return
	}
	width, channel := sampleSize(y), sampleSize(part)/part.Shape[1]
	for n := range y.Shape[0] {
		of := part.Data[n*sampleSize(part):][:sampleSize(part)]
		f(y.Data[n*width+first*channel:][:len(of)], of)
	}
}

// Params returns the parameters of all branches in order. A shared parameter occurs once.
func (l *Concat[T]) Params() []*Param[T] { return l.params }

func (l *Concat[T]) String() string {
	return "Concat" + describeAll(l.branches)
}
