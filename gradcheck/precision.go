package gradcheck

import (
	"math"
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
	representable := func(x *tensor.Tensor[float64]) {
		for i, v := range x.Data {
			x.Data[i] = float64(float32(v))
		}
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
				a.Float32 = a.rounding(got, want, scale, bound)
				for _, f := range a.failures() {
					k.Broken = append(k.Broken, f)
				}
				return
			}
		}
		i := slices.IndexFunc(k.Arrays, func(a Array) bool { return a.Name == name })
		if i < 0 || len(got) != len(want) {
			k.fail(Float32, "%s has %d elements in float32, %d in float64", name, len(got), len(want))
			return
		}
		k.Arrays[i].Float32 = k.Arrays[i].rounding(got, want, scale, bound)
	}
	note("y", y.Data, t.y.Data, terms[0])
	note("dx", dx.Data, t.dx.Data, terms[1])
	for i, name := range nn.ParamNames(t.layer) {
		note(name, params[i].Grad.Data, t.gradient[i], terms[2+i])
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

// rounding compares the elements got in float32 with those of float64.
func (a Array) rounding(got []float32, want, scale []float64, bound float64) *Ulps {
	u := &Ulps{Bound: bound}
	for i, v := range got {
		off := math.Abs(float64(v) - want[i])
		if off > 0 {
			off /= Ulp32(scale[i])
		}
		if u.Worst.Index == nil || !(off <= u.Error) {
			u.Error, u.Worst = off, Element{a.index(i), float64(v), want[i]}
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
