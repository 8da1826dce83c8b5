package optim

import (
	"testing"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// The pieces of a parameter are all of it, one after another, none longer than a piece, and
// those of a large one end in its middle.
func TestPieces(t *testing.T) {
	for _, size := range []int{0, 1, 2, kernel.Piece - 1, kernel.Piece, kernel.Piece + 1, 2*kernel.Piece + 1, 3 * kernel.Piece, 7*kernel.Piece + 5} {
		s := slot[float32]{size: size, state: []*tensor.Tensor[float32]{tensor.New[float32](size)}}
		at, middle := 0, size <= kernel.Piece
		for _, p := range s.pieces(4) {
			if n := p.hi - p.lo; p.slot != 4 || p.lo != at || n < 1 || n > kernel.Piece || len(p.state) != 1 || len(p.state[0]) != n {
				t.Errorf("%d elements: after %d follows the piece %d to %d of slot %d", size, at, p.lo, p.hi, p.slot)
			}
			at = p.hi
			middle = middle || at == size/2
		}
		if at != size || !middle {
			t.Errorf("%d elements: the pieces end at %d, one in the middle: %v", size, at, middle)
		}
	}
}
