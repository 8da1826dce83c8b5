package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// mostMoved is how many elements of an array are moved in a trial other than the first:
// all of a small layer.
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

// shrink returns the shortest and plainest input found that still fails, and the failures
// it shows: fewer samples, and then zeros, ones and round numbers in place of others.
// fixed says that the number of samples is what is wrong.
func (k *check) shrink(x array, fs []Failure, fails func(array) []Failure, fixed bool) (array, []Failure) {
	tries := 200
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

// sizes checks the gradients of batches of many sizes.
func (k *check) sizes() {
	for _, n := range []int{2, 3, 5, 6, 7, 8, 9, 16, 17} {
		if !k.also(Sizes, fmt.Sprintf("with %d samples", n), n, func(*trial) {}) {
			return
		}
	}
	k.rows()
}

// rows checks that, in a layer that treats each sample by itself, the results of a batch
// are those of its samples alone, whatever their number: where Forward is wrong for some
// sizes, and Backward is its gradient, no difference shows it.
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

// inputs checks the gradients at inputs of many kinds.
func (k *check) inputs() {
	if k.Draw != nil || k.Discrete {
		for i := range 5 {
			again := func(t *trial) { k.draw(t.x, rand.New(rand.NewPCG(uint64(400+i), seed))) }
			if !k.at(fmt.Sprintf("at draw %d of Case.Draw", i+2), again) {
				return
			}
		}
		return
	}
	for _, c := range []struct {
		name string
		fill func(rng *rand.Rand, x array)
	}{
		{"at another draw", func(rng *rand.Rand, x array) { fill(x, rng) }},
		{"at a third draw", func(rng *rand.Rand, x array) { fill(x, rng) }},
		{"at positive inputs", func(rng *rand.Rand, x array) { mix(rng, x, func(v float64) float64 { return math.Abs(v) }, 1) }},
		{"at negative inputs", func(rng *rand.Rand, x array) { mix(rng, x, func(v float64) float64 { return -math.Abs(v) }, 1) }},
		{"at small inputs", func(rng *rand.Rand, x array) { mix(rng, x, func(v float64) float64 { return v / 1000 }, 0.5) }},
		{"at tiny inputs", func(rng *rand.Rand, x array) { mix(rng, x, func(v float64) float64 { return v * 1e-8 }, 0.3) }},
		{"at samples of small inputs", func(rng *rand.Rand, x array) {
			fill(x, rng)
			row := len(x.Data) / x.Shape[0]
			for i := row; i < len(x.Data); i++ {
				x.Data[i] *= []float64{1, 1e-2, 1e-4, 1e-5}[i/row%4]
			}
		}},
		{"at inputs of 0", zeros},
		{"at repeated inputs", repeated},
		{"at whole numbers", func(rng *rand.Rand, x array) { mix(rng, x, func(v float64) float64 { return math.Round(2 * v) }, 1) }},
		{"at inputs up to 10", func(rng *rand.Rand, x array) { mix(rng, x, func(v float64) float64 { return 5 * v }, 0.5) }},
		{"at inputs up to 60", func(rng *rand.Rand, x array) { mix(rng, x, func(v float64) float64 { return 30 * v }, 0.4) }},
		{"at inputs up to 2000", func(rng *rand.Rand, x array) { mix(rng, x, func(v float64) float64 { return 1000 * v }, 0.3) }},
	} {
		adjust := func(t *trial) { c.fill(rand.New(rand.NewPCG(9, seed)), t.x) }
		if !k.at(c.name, adjust) {
			return
		}
	}
}

// mix draws numbers and changes a share of them, none in the first sample if the share
// is below 1: an array of extremes alone has no scale to measure errors by.
func mix(rng *rand.Rand, x array, change func(float64) float64, share float64) {
	fill(x, rng)
	row := len(x.Data) / max(1, x.Shape[0])
	for i, v := range x.Data {
		if share == 1 || i >= row && rng.Float64() < share {
			x.Data[i] = change(v)
		}
	}
}

// zeros sets every third element to 0, and all of the last sample.
func zeros(rng *rand.Rand, x array) {
	fill(x, rng)
	for i := 0; i < len(x.Data); i += 3 {
		x.Data[i] = 0
	}
	if n := x.Shape[0]; n > 1 {
		clear(x.Data[len(x.Data)/n*(n-1):])
	}
}

// repeated takes all elements from few numbers; in the last sample all are one.
func repeated(rng *rand.Rand, x array) {
	few := []float64{-1.25, 0.5, 1.5}
	for i := range x.Data {
		x.Data[i] = few[rng.IntN(len(few))]
	}
	if n := x.Shape[0]; n > 1 {
		row := len(x.Data) / n
		for i := row * (n - 1); i < len(x.Data); i++ {
			x.Data[i] = 0.75
		}
		copy(x.Data[:row], x.Data[row:2*row]) // two samples that are one
	}
}

// at checks numbers that are not finite, and then the gradients, at one more input.
func (k *check) at(what string, adjust func(*trial)) bool {
	t := k.setup(batch, adjust)
	yFinite := !slices.ContainsFunc(t.y.Data, func(v float64) bool { return !finite(v) })
	b := k.build(t)
	for i, y := range t.y.Data {
		if finite(y) {
			continue
		}
		known := b != nil && len(b.y.Value) == len(t.y.Data)
		if k.forParameters {
			return true // outside their domain
		}
		if known && finite(b.y.Value[i]) || !known && math.IsNaN(y) {
			want := math.NaN()
			if known {
				want = b.y.Value[i]
			}
			k.notFinite("y", t.y.Index(i), y, want, what, t,
				"the formula overflows on the way, or x is outside the domain of the layer, which Case.Draw names", func(t *trial) bool {
					return slices.ContainsFunc(t.y.Data, math.IsNaN) || known && !slices.ContainsFunc(t.y.Data, finite)
				})
			return false
		}
		// Where a function overflows, its gradient does: e^x, and not log(1 + e^x).
		t.backward()
		if !known && len(infinite(t)) == 0 {
			k.notFinite("y", t.y.Index(i), y, math.NaN(), what, t, "Forward overflows on its way, for the gradient there is finite", func(t *trial) bool {
				if !slices.ContainsFunc(t.y.Data, func(v float64) bool { return !finite(v) }) {
					return false
				}
				t.backward()
				return len(infinite(t)) == 0
			})
			return false
		}
		return true // it overflows, as it may
	}
	t.backward()
	if !k.fits(Inputs, t) {
		return false
	}
	arrays, names := [][]float64{t.dx.Data}, append([]string{"dx"}, nn.ParamNames(t.layer)...)
	arrays = append(arrays, t.gradient...)
	for i, g := range arrays {
		j := slices.IndexFunc(g, math.IsNaN)
		if j < 0 || !yFinite {
			continue
		}
		shape := t.x.Shape
		if i > 0 {
			shape = t.layer.Params()[i-1].Value.Shape
		}
		k.notFinite(names[i], Array{Shape: shape}.index(j), g[j], math.NaN(), what, t,
			"Backward divides 0 by 0 or infinity by infinity there; y is finite", func(t *trial) bool {
				if slices.ContainsFunc(t.y.Data, func(v float64) bool { return !finite(v) }) {
					return false
				}
				t.backward()
				all := t.dx.Data
				if i > 0 {
					all = t.gradient[i-1]
				}
				return slices.ContainsFunc(all, math.IsNaN)
			})
		return false
	}
	return k.also(Inputs, what, batch, adjust) && k.along(what, t)
}

// infinite returns the gradients that are not finite.
func infinite(t *trial) (all []float64) {
	for _, g := range append([][]float64{t.dx.Data}, t.gradient...) {
		for _, v := range g {
			if !finite(v) {
				all = append(all, v)
			}
		}
	}
	return all
}

// along checks the derivative along directions in which all elements of a sample move
// together. Where elements tie, as for a maximum, each gradient may lie between its
// one-sided derivatives, and their sum be wrong all the same.
func (k *check) along(what string, t *trial) bool {
	if k.Discrete || !k.right {
		return true
	}
	start := t.x.Clone()
	f := t.objective(nil)
	at := 0.0
	row := len(start.Data) / start.Shape[0]
	for sample := range start.Shape[0] {
		lo, hi := sample*row, (sample+1)*row
		moved := func() {
			for i := lo; i < hi; i++ {
				t.x.Data[i] = start.Data[i] + at
			}
		}
		g := &function{size: f.size,
			value: func() float64 { moved(); return f.value() },
			terms: func() []float64 { moved(); return f.terms() },
		}
		var got, scale float64
		for _, d := range t.dx.Data[lo:hi] {
			got += d
			scale += math.Abs(d)
		}
		d := nn.CentralDifference(g.value, &at, nn.DifferenceStep)
		if off := math.Abs(got - d.Central()); off > Bound*max(math.Abs(got), scale/100) {
			if v, l := g.judge(got, &at, scale, math.NaN()); v == wrong {
				moved()
				f := Failure{Clause: Inputs, Array: "the sum of dx of a sample", Index: []int{sample}, Got: got, Want: d.Central(), Input: describe(start.Rows(sample, sample+1)),
					What: what + ": central differences say so, with all elements of the sample moved by as much"}
				if l.kink {
					f.Clause, f.Want = AtKinks, l.right
					f.Cause = "elements that tie each get the gradient, or none does"
				}
				k.Broken = append(k.Broken, f)
				return false
			}
		}
		moved()
	}
	return true
}

// linear checks that Backward is linear in dy: at large, small and negative ones, and
// that of zeros.
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
					k.Broken = append(k.Broken, Failure{Clause: Inputs, Array: names[i], Index: Array{Shape: shape}.index(j), Got: v, Want: want,
						What: "Backward of " + c.what + " is not so many times that of the dy", Cause: "a gradient is linear in dy; this one is clipped, scaled or divided by it"})
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

// parts checks that the gradients of two dy, each 0 for some samples, add up to those of
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
				k.Broken = append(k.Broken, Failure{Clause: Inputs, Array: names[i], Index: Array{Shape: shape}.index(j), Got: got, Want: w,
					What: "the gradients of two dy, each 0 for every second sample, do not add up to those of their sum", Cause: "samples whose dy is 0 are skipped, and their dx is not set"})
				return
			}
		}
	}
}

// parameterValues checks the gradients at parameters that are 0, of the other sign, and
// small and large ones.
func (k *check) parameterValues() {
	if len(k.New(rng()).Params()) == 0 {
		return
	}
	for _, c := range []struct {
		name   string
		change func(v float64, i int) float64
	}{
		{"where every second parameter is 0", func(v float64, i int) float64 { return v * float64(i%2) }},
		{"at parameters of 0", func(float64, int) float64 { return 0 }},
		{"at parameters of the other sign", func(v float64, _ int) float64 { return -v }},
		{"at parameters three times as large", func(v float64, _ int) float64 { return 3 * v }},
	} {
		broken := len(k.Broken)
		k.forParameters = true
		adjust := func(t *trial) {
			for _, p := range t.layer.Params() {
				for i, v := range p.Value.Data {
					p.Value.Data[i] = c.change(v, i)
				}
			}
		}
		if !k.at(c.name, adjust) {
			for i := range k.Broken[broken:] {
				k.Broken[broken+i].Clause = Parameters
			}
			return
		}
	}
}

// notFinite records an element that is NaN or infinite.
func (k *check) notFinite(array string, index []int, got, want float64, what string, t *trial, cause string, fails func(*trial) bool) {
	f := Failure{Clause: Inputs, Array: array, Index: index, Got: got, Want: want, What: what, Cause: cause}
	if math.IsNaN(want) {
		f.Index, f.Got, f.Want = nil, 0, 0
		f.What = fmt.Sprintf("%s%v is %v %s", array, index, got, what)
	}
	x, _ := k.shrink(t.drawn, []Failure{f}, func(x *tensor.Tensor[float64]) []Failure {
		ok := false
		panicOf(func() { ok = fails(k.setup(x.Shape[0], func(t *trial) { t.x = x.Clone() })) })
		if ok {
			return []Failure{f}
		}
		return nil
	}, false)
	f.Input = describe(x)
	k.Broken = append(k.Broken, f)
}

// evaluated checks the gradients in evaluation, with Keep.
func (k *check) evaluated() {
	if k.Random || k.Statistics {
		k.also(Modes, "in evaluation, with Keep", batch, func(t *trial) { t.pass.Train = false })
	}
}
