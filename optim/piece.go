package optim

import (
	"math"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// A piece is a part of a parameter that is updated at a time. Threads share out the
// pieces of all parameters, which do not depend on how many threads there are.
type piece[T tensor.Float] struct {
	slot, lo, hi int
	state        [][]T
}

// pieces cuts the parameter of a slot with its number.
func (s *slot[T]) pieces(number int) (all []piece[T]) {
	for lo := 0; lo < s.size; lo += kernel.Piece {
		p := piece[T]{slot: number, lo: lo, hi: min(lo+kernel.Piece, s.size)}
		for _, t := range s.state {
			p.state = append(p.state, t.Data[p.lo:p.hi])
		}
		all = append(all, p)
	}
	return all
}

// stepping is a step, a piece at a time.
type stepping[T tensor.Float] Optimizer[T]

func (o *stepping[T]) Do(part int) {
	p := &o.pieces[part]
	s := &o.slots[p.slot]
	w, g := s.Value.Data[p.lo:p.hi], s.Grad.Data[p.lo:p.hi]
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

// norm returns the norm of the gradient of all parameters that are not frozen: the sums
// of the pieces, one after another.
func (o *Optimizer[T]) norm(threads int) float64 {
	kernel.Update(threads, o.elements, len(o.pieces), (*squaring[T])(o))
	var sum float64
	for _, s := range o.squares {
		sum += s
	}
	return math.Sqrt(sum)
}

// squaring sums the squares of the gradient in each piece.
type squaring[T tensor.Float] Optimizer[T]

func (o *squaring[T]) Do(part int) {
	p := &o.pieces[part]
	s := &o.slots[p.slot]
	o.squares[part] = 0
	if !s.frozen {
		o.squares[part] = kernel.SumSquares(s.Grad.Data[p.lo:p.hi])
	}
}
