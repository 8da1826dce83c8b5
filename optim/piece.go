package optim

import (
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// A piece is a part of a parameter that is updated at a time. Threads divide the pieces of all
// parameters among them. The pieces do not depend on the number of threads.
type piece[T tensor.Float] struct {
	slot, lo, hi int
	state        [][]T
}

// pieces divides the parameter of a slot into pieces, each half of a large one into pieces of
// one size: on two threads each then updates the half whose gradient it has computed. number
// is the index of the slot.
func (s *slot[T]) pieces(number int) (all []piece[T]) {
	halves := []int{0, s.size}
	if s.size > kernel.Piece {
		halves = []int{0, s.size / 2, s.size}
	}
	for i, end := range halves[1:] {
		begin := halves[i]
		n := (end - begin + kernel.Piece - 1) / kernel.Piece
		for j := range n {
			p := piece[T]{slot: number, lo: begin + j*(end-begin)/n, hi: begin + (j+1)*(end-begin)/n}
			for _, t := range s.state {
				p.state = append(p.state, t.Data[p.lo:p.hi])
			}
			all = append(all, p)
		}
	}
	return all
}

// shareOut puts the pieces into the order in which threads take them: small parameters,
// then the first half of each large parameter, then the second halves. The caller takes
// from the front and a worker from the back. So each gets rows whose gradient it has
// computed itself; the caller also gets the small layers, which it computes alone. Fetching
// what another core has written costs more than the update.
func (o *Optimizer[T]) shareOut() {
	o.order = make([]int, len(o.pieces))
	for i := range o.order {
		o.order[i] = i
	}
	slices.SortStableFunc(o.order, func(i, j int) int { return o.group(i) - o.group(j) })
}

func (o *Optimizer[T]) group(i int) int {
	p := &o.pieces[i]
	switch size := o.slots[p.slot].size; {
	case size <= kernel.Piece:
		return 0
	case 2*p.lo < size:
		return 1
	}
	return 2
}

// A task is what to do with each piece.
type task int

const (
	updating task = iota
	squaring
	checkingGrads
)

// each does a task for each piece. A thread has two parts of the work; another thread takes
// the second part only if the first thread is half as fast.
func (o *Optimizer[T]) each(t task) {
	threads := o.threads()
	o.task, o.parts = t, 2*threads
	kernel.Update(threads, o.elements, o.parts, (*sharing[T])(o))
}

// sharing runs a task in parts with equal numbers of elements.
type sharing[T tensor.Float] Optimizer[T]

func (s *sharing[T]) Do(part int) {
	o := (*Optimizer[T])(s)
	lo, hi := part*o.elements/o.parts, (part+1)*o.elements/o.parts
	begin := 0
	for _, i := range o.order {
		p := &o.pieces[i]
		if lo <= begin && begin < hi {
			switch o.task {
			case updating:
				o.update(p)
			case squaring:
				o.square(i)
			case checkingGrads:
				o.check(o.slots[p.slot].Grad.Data[p.lo:p.hi])
			}
		}
		begin += p.hi - p.lo
	}
}

// update does one step for a piece, and checks it while it is in the cache.
func (o *Optimizer[T]) update(p *piece[T]) {
	s := &o.slots[p.slot]
	w, g := s.Value.Data[p.lo:p.hi], s.Grad.Data[p.lo:p.hi]
	defer o.check(w)
	if s.frozen {
		clear(g)
		return
	}
	limit := T(o.ClipValue)
	if limit == 0 {
		limit = T(math.Inf(1))
	}
	if o.scale != 1 || o.ClipValue > 0 || s.decay > 0 || s.shrink > 0 {
		kernel.Adjust(w, g, o.scale, limit, s.decay, s.shrink)
	}
	o.Rule.Update(Update[T]{w, g, p.state, s.rate, o.Steps})
}

// norm returns the norm of the gradient of all parameters that are not frozen. It adds the
// sums of the pieces one after another.
func (o *Optimizer[T]) norm() float64 {
	o.each(squaring)
	var sum float64
	for _, s := range o.squares {
		sum += s
	}
	return math.Sqrt(sum)
}

// square sums the squares of the gradient in piece i.
func (o *Optimizer[T]) square(i int) {
	p := &o.pieces[i]
	s := &o.slots[p.slot]
	o.squares[i] = 0
	if !s.frozen {
		o.squares[i] = kernel.SumSquares(s.Grad.Data[p.lo:p.hi])
	}
}
