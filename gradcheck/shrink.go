package gradcheck

import (
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// mostMoved returns the number of elements of an array that are moved in a trial other than the
// first: all of them in a small layer.
func (k *check) mostMoved(t *trial) int {
	size := len(t.x.Data) + len(t.y.Data)
	for _, p := range t.layer.Params() {
		size += len(p.Value.Data)
	}
	return min(200, max(6, 20_000/max(1, size)))
}

// also compares the gradients of one more trial. What is wrong is a failure of the
// clause. It reports whether all is well.
func (k *check) also(clause Clause, what string, n int, adjust func(*trial)) bool {
	if !k.right {
		return true // the gradients of the first batch are wrong: these would be, too
	}
	first := k.setup(n, adjust)
	fs := k.wrongAt(first.drawn, clause, adjust)
	if len(fs) == 0 {
		return true
	}
	x, fs := k.shrink(first.drawn, fs, func(x array) []Failure {
		var fs []Failure
		panicOf(func() { fs = k.wrongAt(x, clause, adjust) })
		return fs
	}, clause == Sizes)
	f := fs[0]
	f.What = what + ": " + f.What
	if f.Clause != AtKinks || clause != Inputs {
		f.Clause = clause
	}
	f.Input = describe(x)
	k.Broken = append(k.Broken, f)
	return false
}

// wrongAt returns what is wrong with the gradients of a new layer at x.
func (k *check) wrongAt(x array, clause Clause, adjust func(*trial)) (fs []Failure) {
	t := k.setup(x.Shape[0], adjust, func(t *trial) { t.x = x.Clone() })
	t.backward()
	if !k.fits(clause, t) {
		return nil
	}
	for _, a := range k.arrays(t, "", k.mostMoved(t)) {
		for _, f := range a.failures() {
			if f.Clause != Judgment {
				fs = append(fs, f)
			}
		}
	}
	return fs
}

// show finds, for each array of the trial that is wrong, the plainest input that shows
// it.
func (k *check) show(t *trial) {
	for i, a := range k.Arrays {
		if len(a.failures()) == 0 {
			continue
		}
		x, _ := k.shrink(t.drawn, nil, func(x array) (fs []Failure) {
			panicOf(func() { fs = k.wrongAt(x, a.clause(), func(*trial) {}) })
			return slices.DeleteFunc(fs, func(f Failure) bool { return f.Array != a.Name })
		}, false)
		k.Arrays[i].input = describe(x)
	}
}

type array = *tensor.Tensor[float64]

// describe writes an input out, or how it begins.
func describe(x array) string {
	const most = 24
	if len(x.Data) <= most {
		return fmt.Sprintf("x = %v", x)
	}
	return fmt.Sprintf("x %s = %v...", tensor.FormatShape(x.Shape), x.Data[:most])
}

// shrink returns the shortest and plainest input that it finds and that still fails, with the
// failures it shows. It tries fewer samples, and then zeros, ones and round numbers instead of
// others. If fixed is set, the failure depends on the number of samples, which stays.
func (k *check) shrink(x array, fs []Failure, fails func(array) []Failure, fixed bool) (array, []Failure) {
	tries := 200
	if k.AsDrawn {
		tries = 0
	}
	attempt := func(y array) bool {
		if tries--; tries < 0 {
			return false
		}
		found := fails(y)
		if len(found) > 0 {
			x, fs = y, found
		}
		return len(found) > 0
	}
	least := 1
	if k.RefusesOne {
		least = 2
	}
	for i := 0; !fixed && x.Shape[0] > least && i < x.Shape[0]; {
		y := tensor.New[float64](append([]int{x.Shape[0] - 1}, x.Shape[1:]...)...)
		row := len(x.Data) / x.Shape[0]
		copy(y.Data, x.Data[:i*row])
		copy(y.Data[i*row:], x.Data[(i+1)*row:])
		if !attempt(y) {
			i++
		}
	}
	if k.Draw != nil {
		return x, fs // other numbers may be outside its domain
	}
	for i := range x.Data {
		for _, plain := range []float64{0, 1, math.Round(x.Data[i]), math.Round(10*x.Data[i]) / 10} {
			if x.Data[i] == plain {
				break
			}
			y := x.Clone()
			y.Data[i] = plain
			if attempt(y) {
				break
			}
		}
	}
	return x, fs
}
