package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Pass carries what one step through a network needs. The zero value
// evaluates, keeps nothing and uses one thread; nil does the same and allocates
// its results anew.
//
// Train and Keep are independent: the gradient with respect to an input in
// evaluation, for one, is Train false, Keep true. A Pass is for one goroutine.
type Pass[T tensor.Float] struct {
	Train   bool       // layers that differ between training and evaluation train
	Keep    bool       // Forward keeps what Backward needs
	Threads int        // for the large products; 0: all of GOMAXPROCS if Train, else 1
	Unfused bool       // run layers one by one that would be computed together, to the same bits
	Rand    *rand.Rand // for layers that draw random numbers in training

	step uint64              // how often Reset was called
	lent []*tensor.Tensor[T] // in the order of asking; those from next on are free
	next int
}

// New lends a tensor, its contents unspecified, until Reset. A nil Pass makes
// one.
func (p *Pass[T]) New(shape ...int) *tensor.Tensor[T] {
	if p == nil {
		return tensor.New[T](shape...)
	}
	if p.next == len(p.lent) {
		p.lent = append(p.lent, &tensor.Tensor[T]{})
	}
	t := p.lent[p.next]
	n, ok := tensor.Size(shape...)
	if !ok || cap(t.Data) < n {
		*t = *tensor.New[T](shape...)
	}
	p.next++
	t.Shape = append(t.Shape[:0], shape...)
	t.Data = t.Data[:n]
	if poison {
		fillNaN(t.Data)
	}
	return t
}

// Reset takes back everything lent: what Forward and Backward returned since
// the last Reset may not be used any more. Call it once a step.
func (p *Pass[T]) Reset() {
	if poison {
		for _, t := range p.lent[:p.next] {
			fillNaN(t.Data)
		}
		p.lent = nil
	}
	p.step++
	p.next = 0
}

func fillNaN[T tensor.Float](x []T) {
	for i := range x {
		x[i] = T(math.NaN())
	}
}

// threads is the number of goroutines for a large product.
func (p *Pass[T]) threads() int {
	switch {
	case p == nil:
		return 1
	case p.Threads > 0:
		return p.Threads
	case p.Train:
		return runtime.GOMAXPROCS(0)
	}
	return 1
}

// Kept is what a layer's Forward leaves for its Backward. It knows the pass and
// the step it was written in, so that memory already taken back is never used.
// The zero value holds nothing.
type Kept[T tensor.Float] struct {
	t    *tensor.Tensor[T]
	pass *Pass[T]
	step uint64
}

// Keep stores t if p keeps, and does nothing otherwise, or if p is nil.
func (k *Kept[T]) Keep(p *Pass[T], t *tensor.Tensor[T]) {
	if p != nil && p.Keep {
		*k = Kept[T]{t, p, p.step}
	}
}

// Of returns what was kept in this step of p. It panics, naming the layer, if
// that is nothing: before Forward, after Reset, without Keep.
func (k *Kept[T]) Of(p *Pass[T], layer any) *tensor.Tensor[T] {
	switch {
	case k.t == nil:
		panic(fmt.Sprintf("nn: %s.Backward before a Forward that keeps (Pass.Keep)", nameOf(layer)))
	case k.pass != p || !p.Keep:
		panic(fmt.Sprintf("nn: %s.Backward wants the Pass of its Forward, with Keep set", nameOf(layer)))
	case k.step != p.step:
		panic(fmt.Sprintf("nn: %s.Backward after Pass.Reset; run Forward again first", nameOf(layer)))
	}
	return k.t
}

// mustShape panics with a *tensor.ShapeError unless dy has the shape of y.
func mustShape[T tensor.Float](layer fmt.Stringer, dy *tensor.Tensor[T], y []int) {
	if !slices.Equal(dy.Shape, y) {
		panic(&tensor.ShapeError{
			Op:   layer.String() + ".Backward",
			Want: tensor.FormatShape(y) + ", the shape of y",
			Got:  slices.Clone(dy.Shape),
		})
	}
}
