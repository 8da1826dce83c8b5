package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/chainrule-go/chainrule/internal/kernel"
)

// The checks find one element that is not finite, wherever it is, on any number of
// threads; and nothing else.
func TestFinite(t *testing.T) {
	old := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(old)
	params := drawn(rand.New(rand.NewPCG(5, 1)))
	o := NewSGD(params, 0.1)
	o.Group(params[0]).Frozen = true
	for _, threads := range []int{1, 2, 3} {
		t.Run(fmt.Sprintf("threads=%d", threads), func(t *testing.T) {
			o.Threads = threads
			expect := func(where string, grads, values bool) {
				t.Helper()
				if got := o.FiniteGrads(); got != grads {
					t.Errorf("%s: the gradients are finite: %v, want %v", where, got, grads)
				}
				if !grads {
					return // they would be the values
				}
				o.Step()
				if got := o.FiniteValues(); got != values {
					t.Errorf("%s: the values are finite after a step: %v, want %v", where, got, values)
				}
			}
			expect("all finite", true, true)
			for _, p := range params {
				n := len(p.Value.Data)
				for _, at := range []int{0, n / 2, n - kernel.Piece, n - 1} {
					if at < 0 || n == 0 {
						continue
					}
					value := p.Value.Data[at]
					p.Value.Data[at] = float32(math.Inf(-1))
					expect(fmt.Sprintf("%s.Value[%d]", p.Name, at), true, false)
					p.Value.Data[at], p.Grad.Data[at] = value, float32(math.NaN())
					expect(fmt.Sprintf("%s.Grad[%d]", p.Name, at), false, true)
					p.Grad.Data[at] = 0
				}
			}
		})
	}
}

// Each piece is in one of the parts that the threads share out, and a small parameter in
// the first.
func TestPartsAreAllPieces(t *testing.T) {
	o := NewSGD(drawn(rand.New(rand.NewPCG(5, 2))), 0.1)
	count := make([]int, len(o.pieces))
	for _, i := range o.order {
		count[i]++
	}
	for i, n := range count {
		if n != 1 {
			t.Errorf("piece %d is in the order %d times, want 1", i, n)
		}
	}
	if first := o.pieces[o.order[0]].slot; first != 1 {
		t.Errorf("the first piece is of parameter %d, want 1, which is small", first)
	}
}
