package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// precision compares the layer in float32 with the same layer in float64, every
// element. Both compute from the same numbers, so that they differ by rounding alone.
func (k *check) precision() {
	l, err := k.NewFloat32(rng())
	if err != nil {
		return // a layer of an unknown kind: there is none in float32
	}
	t := k.setup(batch, func(t *trial) {
		representable(t.x)
		for _, p := range t.layer.Params() {
			representable(p.Value)
		}
	})
	representable(t.dy)
	t.backward()

	pass := &nn.Pass[float32]{Train: true, Keep: true, Threads: 1}
	params := l.Params()
	if n := len(t.layer.Params()); n != len(params) {
		k.fail(Float32, "there are %d parameters in float32, %d in float64", len(params), n)
		return
	}
	for i, p := range t.layer.Params() {
		copy(params[i].Value.Data, float32Of(p.Value).Data)
	}
	y := l.Forward(pass, float32Of(t.x))
	dx := l.Backward(pass, float32Of(t.dy))

	terms := k.terms(t)
	bound := k.Ulps
	if bound == 0 {
		bound = 64
	}
	rounding := func(a Array, got []float32, want, scale []float64) *Ulps {
		u := a.rounding(got, want, scale, bound)
		double, single := k.lives()
		if !u.wrong() || !finite(u.Worst.Got) || single == nil {
			return u
		}
		// A layer that is badly conditioned may be off by more: by what its last places
		// move it, and, if nothing was declared, by much more.
		times, s := 2.0, step{n: batch}
		if k.Ulps == 0 {
			times = 16
		}
		c := &closeness{single, double, double.names()}
		if off := math.Abs(u.Worst.Got - u.Worst.Want); off <= times*moves(double, s, t.drawn, a.Name) ||
			k.Ulps == 0 && !a.Result && c.rounds(s, t.drawn, difference{array: a.Name, index: u.Worst.Index}) {
			u.Bound = u.Error
		}
		return u
	}
	note := func(name string, got []float32, want, scale []float64) {
		if name == "y" || name == "dx" {
			if !slices.ContainsFunc(k.Arrays, func(a Array) bool { return a.Name == name }) {
				a := Array{Name: name, Shape: t.y.Shape, Batch: batch, Result: name == "y", Smooth: true}
				if name == "dx" {
					a.Shape = t.x.Shape
				}
				if len(got) != len(want) {
					k.fail(Float32, "%s has %d elements in float32, %d in float64", name, len(got), len(want))
					return
				}
				a.Float32 = rounding(a, got, want, scale)
				k.Broken = append(k.Broken, a.failures()...)
				return
			}
		}
		i := slices.IndexFunc(k.Arrays, func(a Array) bool { return a.Name == name })
		if i < 0 || len(got) != len(want) {
			k.fail(Float32, "%s has %d elements in float32, %d in float64", name, len(got), len(want))
			return
		}
		k.Arrays[i].Float32 = rounding(k.Arrays[i], got, want, scale)
	}
	note("y", y.Data, t.y.Data, terms[0])
	note("dx", dx.Data, t.dx.Data, terms[1])
	for i, name := range nn.ParamNames(t.layer) {
		note(name, params[i].Grad.Data, t.gradient[i], terms[2+i])
	}
}

// representable rounds x to float32.
func representable(x array) {
	for i, v := range x.Data {
		x.Data[i] = float64(float32(v))
	}
}

// terms returns, for every element of y, dx and the gradients of a trial, how large the
// numbers are of which it is the sum: what its rounding errors are measured by.
func (k *check) terms(t *trial) [][]float64 {
	if k.Terms != nil {
		return k.Terms(t.layer, t.x, t.y, t.dy)
	}
	if !k.Linear {
		terms := [][]float64{even(t.y.Data), even(t.dx.Data)}
		for _, g := range t.gradient {
			terms = append(terms, even(g))
		}
		return terms
	}
	// What the layer makes of magnitudes is the sum of the magnitudes.
	abs := func(x *tensor.Tensor[float64]) {
		for i, v := range x.Data {
			x.Data[i] = math.Abs(v)
		}
	}
	sums := k.setup(batch, func(sums *trial) {
		abs(sums.x)
		for _, p := range sums.layer.Params() {
			abs(p.Value)
		}
	})
	abs(sums.dy)
	sums.backward()
	return append([][]float64{sums.y.Data, sums.dx.Data}, sums.gradient...)
}

// rounding compares elements in float32 with the same elements in float64.
func (a Array) rounding(got []float32, want, scale []float64, bound float64) *Ulps {
	u := &Ulps{Bound: bound}
	for i, v := range got {
		off := math.Abs(float64(v) - want[i])
		if off > 0 {
			off /= Ulp32(scale[i])
		}
		if u.Worst.Index == nil || !(off <= u.Error) {
			u.Error, u.Worst = off, Element{tensor.Index(i, a.Shape...), float64(v), want[i]}
		}
	}
	return u
}

// Ulp32 is a unit in the last place of a float32 of magnitude x.
func Ulp32(x float64) float64 {
	v := max(float32(math.Abs(x)), 0x1p-126)
	return float64(math.Nextafter32(v, float32(math.Inf(1))) - v)
}

// even is the largest magnitude of an array, for each of its elements.
func even(x []float64) []float64 {
	return slices.Repeat([]float64{largest(x)}, len(x))
}

func float32Of(x *tensor.Tensor[float64]) *tensor.Tensor[float32] {
	y := tensor.New[float32](x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = float32(v)
	}
	return y
}

// looseness is what float32 may differ by from float64, relative to the largest element,
// where [Case].Ulps does not say: at sizes and inputs other than the first.
const looseness = 1e-4

// closeTo compares float32 with float64 at several sizes and inputs.
func closeTo(single *life[float32], double *life[float64]) {
	c := &closeness{single, double, double.names()}
	for _, n := range []int{1, 2, 3, 5, 8, 17} {
		if s := (step{n: n, draw: n % 5}); !(n == 1 && double.RefusesOne) && !c.at(fmt.Sprintf("with %d samples", n), s, double.input(s), looseness) {
			return
		}
	}
	s := step{n: batch, draw: 1, evaluate: true}
	if !c.at("in evaluation", s, double.input(s), looseness) || double.Draw != nil || double.Discrete {
		return
	}
	for _, most := range []float64{0.01, 10, 44, 60, 88} {
		loose := looseness
		if most > 10 {
			loose = 0.1 // there it is to be finite: the last places of 1 - tanh² are lost
		}
		x := tensor.New[float64](append([]int{batch}, double.Sample...)...)
		mix(rand.New(rand.NewPCG(9, seed)), x, func(v float64) float64 { return v * most / 2 }, 0.6)
		if !c.at(fmt.Sprintf("at inputs up to %v", most), step{n: batch}, x, loose) {
			return
		}
	}
}

// closeness is between the two precisions of a layer.
type closeness struct {
	single *life[float32]
	double *life[float64]
	names  []string
}

// both runs a step in both precisions, on numbers changed a little by change.
func (c *closeness) both(s step, x array, change func([]float64)) (got, want result[float64]) {
	x = x.Clone()
	change(x.Data)
	representable(x)
	single, double := *c.single, *c.double
	single.stir, double.stir = change, change
	want = double.do(double.new(), newPass[float64](), s, x.Clone())
	r := single.do(single.new(), newPass[float32](), s, as[float32](x))
	got.failed = r.failed
	if r.failed == "" {
		got.y, got.dx = as[float64](r.y), as[float64](r.dx)
		for _, g := range r.grads {
			got.grads = append(got.grads, float64s(g))
		}
	}
	return got, want
}

// at compares a step.
func (c *closeness) at(what string, s step, x array, loose float64) bool {
	got, want := c.both(s, x, func([]float64) {})
	d, differs := differ(got, want, c.names, loose)
	if !differs || want.failed != "" || slices.ContainsFunc(d.values[1], func(v float64) bool { return !(math.Abs(v) < 1e30) }) {
		return true
	}
	// Where a gradient is almost 0, as for a saturated unit, its rounding errors are as
	// large as the numbers that canceled.
	usual := largest(arrayOf(c.double.firstOf(step{n: batch}), c.names, d.array).data)
	if finite(d.got) && math.Abs(d.got-d.want) <= loose*usual {
		return true
	}
	if finite(d.got) && (math.Abs(d.got-d.want) <= 16*moves(c.double, s, x, d.array) || c.rounds(s, x, d)) {
		return true
	}
	f := d.failure(Float32, what+", it is that in float32, and this in float64")
	f.Input = describe(x)
	c.double.Broken = append(c.double.Broken, f)
	return false
}

// rounds reports whether rounding alone explains a difference, because the layer is badly
// conditioned there: then it is of another sign or size as soon as x and dy change in
// their last places. A mistake does not change with them.
func (c *closeness) rounds(s step, x array, d difference) bool {
	least, most := math.Inf(1), math.Inf(-1)
	for seed := range uint64(9) {
		got, want := c.both(s, x, func(data []float64) { stir(seed, data) })
		if got.failed != "" || want.failed != "" {
			return false
		}
		i := arrayOf(got, c.names, d.array).offset(d.index, c.shape(d))
		off := arrayOf(got, c.names, d.array).data[i] - arrayOf(want, c.names, d.array).data[i]
		least, most = min(least, off), max(most, off)
	}
	return !(least > most/2 && least > 0 || most < least/2 && most < 0)
}

// stir changes numbers by up to two units in the last place of float32.
func stir(seed uint64, data []float64) {
	rng := rand.New(rand.NewPCG(seed, 12))
	for i := range data {
		data[i] *= 1 + (rng.Float64()-0.5)*0x1p-21
	}
}

// shaped is the data of an array.
type shaped struct {
	shape []int
	data  []float64
}

// offset is the place of an index, in an array of a shape of its own if it has one.
func (a shaped) offset(index, own []int) (i int) {
	shape := a.shape
	if own != nil {
		shape = own
	}
	for axis, d := range shape {
		i = i*d + index[axis]
	}
	return i
}

// shape returns the shape of the parameter whose gradient differs.
func (c *closeness) shape(d difference) []int {
	i := slices.Index(c.names, d.array)
	if i < 0 {
		return nil
	}
	if shape := c.double.new().Params()[i].Value.Shape; len(shape) == len(d.index) {
		return shape
	}
	return []int{1} // of the elements in a row
}

// arrayOf returns the array of a name.
func arrayOf(r result[float64], names []string, name string) shaped {
	switch name {
	case "y":
		return shaped{r.y.Shape, r.y.Data}
	case "dx":
		return shaped{r.dx.Shape, r.dx.Data}
	}
	g := r.grads[slices.Index(names, name)]
	return shaped{nil, g}
}

// moves is how far the elements of an array move, in float64, if the elements of x and dy
// change in their last places in float32: what no computation in float32 can do better
// than.
func moves(double *life[float64], s step, x array, array string) (most float64) {
	run := func(change func([]float64)) []float64 {
		b, x := *double, x.Clone()
		change(x.Data)
		b.stir = change
		r := b.do(b.new(), newPass[float64](), s, x)
		if r.failed != "" {
			return nil
		}
		return arrayOf(r, double.names(), array).data
	}
	first := run(func([]float64) {})
	for seed := range uint64(6) {
		for i, v := range run(func(data []float64) { stir(seed, data) }) {
			most = max(most, math.Abs(v-first[i]))
		}
	}
	return most
}
