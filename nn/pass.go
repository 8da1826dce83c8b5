package nn

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"unsafe"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Pass carries what one step through a network needs: its mode, the scratch memory for
// results, and the step number that random layers use. The zero value evaluates, saves nothing
// and uses one thread. A nil Pass does the same, but allocates the results anew.
//
// Train and Keep are independent:
//
//	Train  Keep   use
//	true   true   a training step
//	false  true   the gradient with respect to an input, in evaluation
//	true   false  the value of the training loss alone, for numerical differences;
//	              no layer changes
//	false  false  prediction
//
// A Pass is for one goroutine.
type Pass[T tensor.Float] struct {
	Train   bool // compute as in training where that differs from evaluation
	Keep    bool // Forward saves what Backward needs
	Threads int  // for the large products; 0: all of GOMAXPROCS if Train, else 1
	Unfused bool // run layers one by one, even where they could be computed together; the bits are the same

	// Step is the number of the step. Random layers draw the same numbers for the same Step.
	// Reset adds 1.
	Step uint64

	// Observe, if set, is called by each container with the result of each of its layers: y
	// after Forward, dx after Backward. If Unfused is set, these are all layers as given.
	Observe func(l Layer[T], forward bool, result *tensor.Tensor[T])

	resets uint64
	arrays pool[*tensor.Tensor[T]]
	views  pool[*tensor.Tensor[T]] // tensors that share the Data of others
	ints   pool[[]int32]
	chains pool[*kernel.Chain[T]] // with the weights as they are read
}

// A pool holds scratch memory in the order in which it was requested.
type pool[E any] struct {
	items []E
	next  int // the items from index next on are free
}

// take returns the next free item. If there is none, make makes one.
func (p *pool[E]) take(make func() E) *E {
	if p.next == len(p.items) {
		p.items = append(p.items, make())
	}
	p.next++
	return &p.items[p.next-1]
}

// New returns a tensor in scratch memory, valid until Reset. Its elements are not initialized.
// A nil Pass allocates a new tensor.
func (p *Pass[T]) New(shape ...int) *tensor.Tensor[T] {
	if p == nil {
		return tensor.New[T](shape...)
	}
	t := *p.arrays.take(newTensor[T])
	n, ok := tensor.Size(shape...)
	if !ok || cap(t.Data) < n {
		*t = *tensor.New[T](shape...)
	}
	t.Shape = append(t.Shape[:0], shape...)
	t.Data = t.Data[:n]
	if poison {
		fillNaN(t.Data)
	}
	return t
}

func newTensor[T tensor.Float]() *tensor.Tensor[T] { return &tensor.Tensor[T]{} }

// View returns a tensor with the elements of x and another shape, valid until Reset. It shares
// the memory of x. It panics with a *[tensor.ShapeError] if the number of elements differs.
func (p *Pass[T]) View(x *tensor.Tensor[T], shape ...int) *tensor.Tensor[T] {
	if n, ok := tensor.Size(shape...); !ok || n != len(x.Data) || p == nil {
		return tensor.Of(x.Data, shape...)
	}
	t := *p.views.take(newTensor[T])
	t.Shape = append(t.Shape[:0], shape...)
	t.Data = x.Data
	return t
}

// Ints returns n integers in scratch memory, valid until Reset, such as for the places of the
// maxima of a pool. They are not initialized. A nil Pass allocates new ones.
func (p *Pass[T]) Ints(n int) []int32 {
	if p == nil {
		return make([]int32, n)
	}
	s := p.ints.take(func() []int32 { return nil })
	if cap(*s) < n {
		*s = make([]int32, n)
	}
	*s = (*s)[:n]
	if poison {
		for i := range *s {
			(*s)[i] = math.MinInt32
		}
	}
	return *s
}

// chain returns a chain without stages, valid until Reset. In each step a network gets the
// same ones, so they still have its weights.
func (p *Pass[T]) chain() *kernel.Chain[T] {
	c := *p.chains.take(func() *kernel.Chain[T] { return new(kernel.Chain[T]) })
	c.Clear()
	return c
}

// Scratch returns the number of bytes of scratch memory, used or not.
func (p *Pass[T]) Scratch() (bytes int64) {
	for _, t := range p.arrays.items {
		bytes += int64(cap(t.Data)) * int64(unsafe.Sizeof(T(0)))
	}
	for _, s := range p.ints.items {
		bytes += 4 * int64(cap(s))
	}
	for _, c := range p.chains.items {
		bytes += c.Bytes()
	}
	return bytes
}

// Reset takes all scratch memory back and begins the next step: it adds 1 to Step, and the
// results of Forward and Backward since the last Reset may no longer be used. Call it once a
// step. A nil Pass does nothing.
func (p *Pass[T]) Reset() {
	if p == nil {
		return
	}
	if poison {
		for _, t := range p.arrays.items[:p.arrays.next] {
			fillNaN(t.Data)
		}
		p.arrays.items, p.views.items, p.ints.items, p.chains.items = nil, nil, nil, nil
	}
	p.resets++
	p.Step++
	p.arrays.next, p.views.next, p.ints.next, p.chains.next = 0, 0, 0, 0
}

func fillNaN[T tensor.Float](x []T) {
	for i := range x {
		x[i] = T(math.NaN())
	}
}

// observed calls p.Observe, if it is set, with the result of a layer.
func (p *Pass[T]) observed(l Layer[T], forward bool, result *tensor.Tensor[T]) {
	if p != nil && p.Observe != nil {
		p.Observe(l, forward, result)
	}
}

// predicts reports whether only the last result is wanted.
func (p *Pass[T]) predicts() bool { return p != nil && !p.Keep && !p.Unfused && p.Observe == nil }

// training reports whether to compute as in training.
func (p *Pass[T]) training() bool { return p != nil && p.Train }

// threads returns the number of threads for a large product.
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

// Saved is what a layer's Forward saves for its Backward. It remembers the pass and the step in
// which it was set, so that memory that was taken back is never used. The zero value holds
// nothing.
type Saved[T tensor.Float] struct {
	t      *tensor.Tensor[T]
	pass   *Pass[T]
	resets uint64
}

// Set saves t if p.Keep is set. If p.Keep is false or p is nil, it does nothing.
func (s *Saved[T]) Set(p *Pass[T], t *tensor.Tensor[T]) {
	if p != nil && p.Keep {
		*s = Saved[T]{t, p, p.resets}
	}
}

// Get returns what was saved in this step of p. It panics, naming the layer, if nothing was
// saved: before Forward, after Reset, or if Keep was not set.
func (s *Saved[T]) Get(p *Pass[T], layer any) *tensor.Tensor[T] {
	switch {
	case s.t == nil:
		panic(fmt.Sprintf("nn: %s.Backward before a Forward that saves (Pass.Keep)", nameOf(layer)))
	case s.pass != p || !p.Keep:
		panic(fmt.Sprintf("nn: %s.Backward wants the Pass of its Forward, with Keep set", nameOf(layer)))
	case s.resets != p.resets:
		panic(fmt.Sprintf("nn: %s.Backward after Pass.Reset; run Forward again first", nameOf(layer)))
	}
	return s.t
}

// nameOf returns layer.String() if the layer or loss has that method, and otherwise the name
// of its type.
func nameOf(layer any) string {
	if s, ok := layer.(fmt.Stringer); ok {
		return s.String()
	}
	return Kind(layer)
}

// CheckShape panics with a *[tensor.ShapeError] that names the layer unless dy has the shape y
// and the number of elements that follows from it. Every Backward requires this.
func CheckShape[T tensor.Float](layer any, dy *tensor.Tensor[T], y []int) {
	mustFit(layer, "Backward", dy)
	if !slices.Equal(dy.Shape, y) {
		panic(&tensor.ShapeError{
			Op:   nameOf(layer) + ".Backward",
			Want: tensor.FormatShape(y) + ", the shape of y",
			Got:  slices.Clone(dy.Shape),
		})
	}
}
