package certify

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// RealBatch is the batch size of the book's training.
const RealBatch = 100

// RealSize returns the cases of the layers of package nn in the sizes they have in
// training.
func RealSize() (all []gradcheck.Case) {
	for _, row := range trace.Rows() {
		for _, sizes := range row.Real {
			all = append(all, row.Of(sizes))
		}
	}
	return all
}

// adjointBound is in ulps; see [Adjoint].
const adjointBound = 8

// Adjoint checks a layer in float32 at full size, on the fastest path there is, with a
// batch of n samples. Backward is the adjoint of the derivative J of Forward: for all v
// and w,
//
//	<v, Jᵀ·w> = <J·v, w>
//
// v and w are random. Jᵀ·w is what Backward computes from w in float32; J·v is computed
// from the graph in float64 by the complex step. The difference is measured in ulps of the
// root of the sum of squares of the terms vᵢ·(Jᵀ·w)ᵢ. A few roundings in each term add up
// at random to a few ulps.
//
// If a layer is piecewise linear, the same is done with whole numbers. Then no operation
// rounds, J·v is Forward(x+v) - Forward(x), and there must be no difference.
func Adjoint(c gradcheck.Case, n int) gradcheck.Report {
	r := gradcheck.Report{Name: c.Name}
	for _, check := range []func(gradcheck.Case, int) ([]gradcheck.Array, error){byComplexStep, inWholeNumbers} {
		arrays, err := check(c, n)
		if err != nil {
			r.Broken = append(r.Broken, gradcheck.Failure{Clause: gradcheck.Refusals, What: err.Error()})
		}
		r.Arrays = append(r.Arrays, arrays...)
	}
	return r
}

func byComplexStep(c gradcheck.Case, n int) (arrays []gradcheck.Array, err error) {
	t, err := newAdjointTrial(c, n, func(rng *rand.Rand, v []float32) {
		for i := range v {
			v[i] = float32(2 * (rng.Float64() - 0.5))
		}
	})
	if err != nil {
		return nil, err
	}
	for i, p := range t.of.Params() {
		copy(p.Value.Data, float64Of(t.layer.Params()[i].Value.Data)) // the graph is of the same numbers
	}
	tr, x, y, err := trace.Layer(training[float64](), t.of, tensor.Of(float64Of(t.x.Data), t.x.Shape...), c.Graph)
	if err != nil {
		return nil, err
	}
	in := []trace.Node{x}
	for _, p := range t.of.Params() {
		in = append(in, tr.Param(p))
	}
	for i, array := range t.arrays {
		v := make([]float64, len(array.gradient))
		for j := range v {
			v[j] = 2 * (t.rng.Float64() - 0.5)
		}
		jv := graph.ComplexStepAlong(tr.Graph, y, map[trace.Node][]float64{in[i]: v})
		var spread float64
		for j, g := range array.gradient {
			spread += float64(v[j] * v[j] * float64(g) * float64(g))
		}
		arrays = append(arrays, t.compare(array, "", v, jv, gradcheck.Ulp32(math.Sqrt(spread)), adjointBound))
	}
	return arrays, nil
}

func inWholeNumbers(c gradcheck.Case, n int) (arrays []gradcheck.Array, err error) {
	if !c.Linear {
		return nil, nil
	}
	// The numbers are from least to most, or the same below 0. No element of v is 0, which would
	// hide an element of the gradient.
	whole := func(rng *rand.Rand, least, most int) float64 {
		return float64((least + rng.IntN(most-least+1)) * (1 - 2*rng.IntN(2)))
	}
	t, err := newAdjointTrial(c, n, func(rng *rand.Rand, v []float32) {
		for i := range v {
			v[i] = float32(whole(rng, 2, 16)) // sums of 784 products stay below 2²⁴
		}
	})
	if err != nil {
		return nil, err
	}
	base := float64Of(t.layer.Forward(training[float32](), t.x).Data)
	for _, array := range t.arrays {
		before := slices.Clone(array.value)
		v := make([]float64, len(before))
		for i, value := range before {
			v[i] = whole(t.rng, 1, int(math.Abs(float64(value)))-1) // smaller, so that no sign changes
			array.value[i] += float32(v[i])
		}
		jv := float64Of(t.layer.Forward(training[float32](), t.x).Data)
		for i := range jv {
			jv[i] -= base[i]
		}
		copy(array.value, before)
		arrays = append(arrays, t.compare(array, ", whole numbers", v, jv, 1, 0))
	}
	return arrays, nil
}

// training returns a Pass that computes as in training, in step 0 and on all threads, and
// saves nothing.
func training[T tensor.Float]() *nn.Pass[T] { return &nn.Pass[T]{Train: true} }

// An adjointTrial is a layer after Forward of x and Backward of w.
type adjointTrial struct {
	rng    *rand.Rand
	of     nn.Layer[float64] // the same, except for the values of its parameters
	layer  nn.Layer[float32]
	x, w   *tensor.Tensor[float32]
	arrays []adjointArray // x and the parameters
}

type adjointArray struct {
	name            string
	value, gradient []float32
}

func newAdjointTrial(c gradcheck.Case, n int, draw func(rng *rand.Rand, v []float32)) (*adjointTrial, error) {
	t := &adjointTrial{rng: rand.New(rand.NewPCG(8, 0)), of: c.New(rand.New(rand.NewPCG(8, 0)))}
	var err error
	if t.layer, err = c.NewFloat32(t.rng); err != nil {
		return nil, fmt.Errorf("%s in float32: %w", c.Name, err)
	}
	for _, p := range t.layer.Params() {
		draw(t.rng, p.Value.Data)
	}
	pass := training[float32]()
	pass.Keep = true
	t.x = tensor.New[float32](append([]int{n}, c.Sample...)...)
	draw(t.rng, t.x.Data)
	y := t.layer.Forward(pass, t.x)
	t.w = tensor.New[float32](y.Shape...)
	draw(t.rng, t.w.Data)
	dx := t.layer.Backward(pass, t.w)
	t.arrays = []adjointArray{{"dx", t.x.Data, dx.Data}}
	names := nn.ParamNames(t.of)
	for i, p := range t.layer.Params() {
		t.arrays = append(t.arrays, adjointArray{names[i], p.Value.Data, p.Grad.Data})
	}
	return t, nil
}

// compare compares <v, Jᵀ·w> with <J·v, w>, in units of ulp.
func (t *adjointTrial) compare(a adjointArray, how string, v, jv []float64, ulp, bound float64) gradcheck.Array {
	gradient := float64Of(a.gradient)
	got, want := inner(v, gradient), inner(jv, float64Of(t.w.Data))
	array := gradcheck.Compare(a.name+how, gradient, []int{len(gradient)})
	array.Cause = "<v, Jᵀ·w> and <J·v, w>"
	array.Float32 = &gradcheck.Ulps{Error: math.Abs(got-want) / ulp, Bound: bound, Worst: gradcheck.Element{Got: got, Want: want}}
	return array
}

// inner is <a, b>.
func inner(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += float64(v * b[i])
	}
	return sum
}

func float64Of(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}
