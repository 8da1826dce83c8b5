package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

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

// mix draws numbers and changes a share of them. If the share is below 1, none are in the first
// sample: an array of extremes alone has no scale to measure errors by.
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
		k.notFinite(names[i], tensor.Index(j, shape...), g[j], math.NaN(), what, t,
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

// parameterValues checks the gradients at parameters that are 0, that have the other sign,
// and that are small and large.
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
