package gradcheck

import (
	"fmt"
	"math"

	"github.com/chainrule-go/chainrule/nn"
)

// sizes checks the gradients of batches of many sizes.
func (k *check) sizes() {
	for _, n := range []int{2, 3, 5, 6, 7, 8, 9, 16, 17} {
		if !k.also(Sizes, fmt.Sprintf("with %d samples", n), n, func(*trial) {}) {
			return
		}
	}
	k.rows()
}

// rows checks that a layer that treats each sample by itself gives the same results for a batch
// of any size as for its samples alone. If Forward is wrong for some sizes, and Backward is the
// gradient of this wrong Forward, no difference shows it.
func (k *check) rows() {
	least := 1
	if k.RefusesOne {
		least = 2
	}
	alike := func(n, piece int) (e Element, what string, same bool) {
		whole := k.setup(n)
		whole.backward()
		if len(whole.y.Shape) == 0 || whole.y.Shape[0] != n {
			return e, "", false
		}
		sums := make([][]float64, len(whole.gradient))
		for i, g := range whole.gradient {
			sums[i] = make([]float64, len(g))
		}
		for lo := 0; lo < n; lo += piece {
			hi := min(lo+piece, n)
			if hi-lo < least {
				return e, "", true
			}
			part := k.setup(hi-lo, func(t *trial) { t.x = whole.drawn.Rows(lo, hi).Clone() })
			part.dy = whole.dy.Rows(lo, hi).Clone()
			part.backward()
			for _, c := range []struct {
				name      string
				got, want array
			}{{"y", whole.y.Rows(lo, hi), part.y}, {"dx", whole.dx.Rows(lo, hi), part.dx}} {
				scale := largest(c.want.Data)
				for i, g := range c.got.Data {
					if !(math.Abs(g-c.want.Data[i]) <= 1e-9*scale) && g == g {
						index := c.got.Index(i)
						index[0] += lo
						return Element{index, g, c.want.Data[i]}, c.name, false
					}
				}
			}
			for i, g := range part.gradient {
				for j, v := range g {
					sums[i][j] += v
				}
			}
		}
		names := nn.ParamNames(whole.layer)
		for i, sum := range sums {
			scale := largest(sum)
			for j, want := range sum {
				if !(math.Abs(whole.gradient[i][j]-want) <= 1e-9*scale) {
					return Element{whole.layer.Params()[i].Value.Index(j), whole.gradient[i][j], want}, names[i], false
				}
			}
		}
		return e, "", true
	}
	if k.Random {
		return // each place in the batch draws its own numbers
	}
	// If two of three sizes fall into their samples, the layer treats them by themselves.
	sizes := []int{4, 6, 9, 2, 3, 5, 7, 8, 10, 11, 12, 13, 16, 17, 31, 32, 33, 64, 65}
	var wrong *Failure
	good, bad := 0, 0
	for _, n := range sizes {
		piece := 1
		if k.RefusesOne {
			piece = 2
			if n%2 == 1 {
				continue
			}
		}
		e, array, same := alike(n, piece)
		switch {
		case same:
			good++
		case array == "" || bad > 3 && good == 0:
			return
		default:
			bad++
			if wrong == nil {
				wrong = &Failure{Clause: Sizes, Array: array, Index: e.Index, Got: e.Got, Want: e.Want,
					What: fmt.Sprintf("a batch of %d differs from its samples one by one, though batches of other sizes do not", n), Input: fmt.Sprintf("a batch of %d samples", n)}
			}
		}
	}
	if wrong != nil && good > 2 {
		k.Broken = append(k.Broken, *wrong)
	}
}
