package gradcheck

import (
	"math"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// linear checks that Backward is linear in dy: for large, small and negative dy, and for a dy of
// zeros.
func (k *check) linear() {
	t := k.setup(batch)
	dy := t.dy.Clone()
	t.backward()
	names := append([]string{"dx"}, nn.ParamNames(t.layer)...)
	for _, c := range []struct {
		factor float64
		what   string
	}{{0, "a dy of zeros"}, {-1, "the negative of a dy"}, {1024, "1024 times a dy"}, {1 << 20, "2^20 times a dy"}, {0x1p-20, "2^-20 times a dy"}} {
		other := k.setup(batch)
		other.again(func() {
			for i, v := range dy.Data {
				other.dy.Data[i] = c.factor * v
			}
		})
		if len(other.dx.Data) != len(t.dx.Data) {
			return
		}
		for i, g := range append([][]float64{other.dx.Data}, other.gradient...) {
			first := t.dx.Data
			if i > 0 {
				first = t.gradient[i-1]
			}
			most := 1e-9 * math.Abs(c.factor) * largest(first)
			for j, v := range g {
				if want := c.factor * first[j]; !(math.Abs(v-want) <= most) && finite(first[j]) {
					shape := t.x.Shape
					if i > 0 {
						shape = t.layer.Params()[i-1].Value.Shape
					}
					k.Broken = append(k.Broken, Failure{Clause: Inputs, Array: names[i], Index: tensor.Index(j, shape...), Got: v, Want: want,
						What: "Backward of " + c.what + " is not that multiple of Backward of the dy", Cause: "a gradient is linear in dy; this one is clipped, scaled or divided by it"})
					return
				}
			}
		}
	}
}

// again runs the step once more, on scratch memory that holds NaN, with another dy.
func (t *trial) again(change func()) {
	t.backward()
	dy := t.dy.Clone()
	copy(t.x.Data, t.drawn.Data) // y or dx may be x
	step := t.pass.Step
	poison(t.pass)
	t.pass.Step = step
	copy(t.x.Data, t.drawn.Data)
	t.dy = dy
	t.y = t.layer.Forward(t.pass, t.x)
	change()
	t.backward()
}

// parts checks that the gradients of two dy, each 0 for some samples, add up to the gradients of
// their sum.
func (k *check) parts() {
	whole := k.setup(batch)
	if len(whole.y.Shape) == 0 || whole.y.Shape[0] != batch {
		return
	}
	whole.again(func() {})
	row := len(whole.dy.Data) / batch
	var halves [2]*trial
	for h := range halves {
		t := k.setup(batch)
		t.again(func() {
			for i := range t.dy.Data {
				if i/row%2 == h {
					t.dy.Data[i] = 0
				}
			}
		})
		halves[h] = t
	}
	names := append([]string{"dx"}, nn.ParamNames(whole.layer)...)
	all := func(t *trial) [][]float64 { return append([][]float64{t.dx.Data}, t.gradient...) }
	for i, want := range all(whole) {
		most := 1e-9 * largest(want)
		for j, w := range want {
			got := all(halves[0])[i][j] + all(halves[1])[i][j]
			if !(math.Abs(got-w) <= most) && finite(w) {
				shape := whole.x.Shape
				if i > 0 {
					shape = whole.layer.Params()[i-1].Value.Shape
				}
				k.Broken = append(k.Broken, Failure{Clause: Inputs, Array: names[i], Index: tensor.Index(j, shape...), Got: got, Want: w,
					What: "the gradients of two dy, each 0 for every second sample, do not add up to those of their sum", Cause: "samples whose dy is 0 are skipped, and their dx is not set"})
				return
			}
		}
	}
}
