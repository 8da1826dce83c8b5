package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// RealSize returns layers of the sizes they have in training, for [Adjoint] with
// batches of [RealBatch].
func RealSize() []Case {
	labels := make([]int, RealBatch)
	for i := range labels {
		labels[i] = i * 7 % 10
	}
	return []Case{
		{Name: "Affine(784->50)", New: affineOf[float64](784, 50), Float32: affineOf[float32](784, 50), Sample: []int{784}, linear: true},
		{Name: "Affine(50->10)", New: affineOf[float64](50, 10), Float32: affineOf[float32](50, 10), Sample: []int{50}, linear: true},
		{Name: "ReLU", New: reluOf[float64], Float32: reluOf[float32], Sample: []int{50}, linear: true},
		{Name: "Sigmoid", New: sigmoidOf[float64], Float32: sigmoidOf[float32], Sample: []int{50}},
		{Name: "Softmax", New: softmaxOf[float64], Float32: softmaxOf[float32], Sample: []int{10}},
		{Name: "SoftmaxWithLoss", New: lossOf[float64](labels...), Float32: lossOf[float32](labels...), Graph: lossFormula(labels...), Sample: []int{10}},
		{Name: "784-50-10", New: bookOf[float64], Float32: bookOf[float32], Sample: []int{784}},
	}
}

// RealBatch is the batch of the book's training.
const RealBatch = 100

func bookOf[T tensor.Float](rng *rand.Rand) nn.Layer[T] {
	return nn.NewTwoLayerNet[T](784, 50, 10, 0.1, rng).Sequential
}

// Adjoint checks the layer c.Float32 at full size, on the fastest path there is,
// with a batch of n samples. Backward is the adjoint of the derivative J of
// Forward: for all v and w,
//
//	<J·v, w> = <v, Jᵀ·w>
//
// v and w are random, J·v comes by complex step from the graph in float64, and
// Jᵀ·w is what Backward makes of w in float32. The difference is told in ulps of
// the root of the sum of squares of the terms vᵢ·(Jᵀ·w)ᵢ: some roundings of each,
// added up at random, are a few.
//
// Where a layer is piecewise linear, the same is done with whole numbers: then no
// operation rounds, J·v is Forward(x+v) - Forward(x), and nothing may differ.
func Adjoint(c Case, n int) Report {
	k := &check{Case: c, Report: Report{Name: c.Name}}
	if c.Float32 == nil {
		k.fail("the adjoint test is of Case.Float32, which is nil")
		return k.Report
	}
	k.run("adjoint", func() { k.adjoint(n) })
	if c.linear {
		k.run("adjoint in whole numbers", func() { k.adjointInWholeNumbers(n) })
	}
	return k.Report
}

// adjointBound is in ulps; see [Adjoint].
const adjointBound = 8

func (k *check) adjoint(n int) {
	a := newAdjointTrial(k.Case, n, func(rng *rand.Rand, v []float32) {
		for i := range v {
			v[i] = float32(2 * (rng.Float64() - 0.5))
		}
	})
	// The graph is of the same numbers.
	of := k.New(rand.New(rand.NewPCG(5, seed)))
	for i, p := range of.Params() {
		copy(p.Value.Data, float64Of(a.layer.Params()[i].Value.Data))
	}
	tr := newTracer()
	in := []node{tr.Input("x", float64Of(a.x.Data), a.x.Shape...)}
	for _, p := range of.Params() {
		in = append(in, tr.param(p))
	}
	var y node
	if k.Graph != nil {
		y = k.Graph(tr.Graph, in[0], in[1:])
	} else {
		var err error
		if y, err = tr.layer(of, in[0]); err != nil {
			k.fail("%v", err)
			return
		}
	}
	for i, array := range a.arrays {
		v := make([]float64, len(array.gradient))
		for j := range v {
			v[j] = 2 * (a.rng.Float64() - 0.5)
		}
		left := inner(graph.ComplexStepAlong(tr.Graph, y, map[node][]float64{in[i]: v}), float64Of(a.w.Data))
		right, spread := inner(v, float64Of(array.gradient)), 0.0
		for j, g := range array.gradient {
			spread += float64(v[j] * v[j] * float64(g) * float64(g))
		}
		k.Arrays = append(k.Arrays, array.report(n, &Ulps{
			Error: math.Abs(left-right) / ulp32(math.Sqrt(spread)),
			Bound: adjointBound,
			Worst: Element{Got: right, Want: left},
		}))
	}
}

func (k *check) adjointInWholeNumbers(n int) {
	// From least to most, or the same below 0: no element of v is 0 and hides one of the
	// gradient.
	whole := func(rng *rand.Rand, least, most int) float64 {
		return float64((least + rng.IntN(most-least+1)) * (1 - 2*rng.IntN(2)))
	}
	a := newAdjointTrial(k.Case, n, func(rng *rand.Rand, v []float32) {
		for i := range v {
			v[i] = float32(whole(rng, 2, 16)) // sums of 784 products stay below 2²⁴
		}
	})
	for _, array := range a.arrays {
		base := a.layer.Forward(nil, a.x)
		before := slices.Clone(array.value)
		v := make([]float64, len(before))
		for i, value := range before {
			v[i] = whole(a.rng, 1, int(math.Abs(float64(value)))-1) // smaller, so that no sign changes
			array.value[i] += float32(v[i])
		}
		moved := a.layer.Forward(nil, a.x)
		jv := make([]float64, len(moved.Data))
		for i := range jv {
			jv[i] = float64(moved.Data[i]) - float64(base.Data[i])
		}
		copy(array.value, before)
		left, right := inner(jv, float64Of(a.w.Data)), inner(v, float64Of(array.gradient))
		r := array.report(n, &Ulps{Error: math.Abs(left - right), Worst: Element{Got: right, Want: left}})
		r.Name += ", whole numbers"
		k.Arrays = append(k.Arrays, r)
	}
}

// An adjointTrial is a layer after Forward of x and Backward of w.
type adjointTrial struct {
	rng    *rand.Rand
	layer  nn.Layer[float32]
	x, w   *tensor.Tensor[float32]
	arrays []adjointArray // x and the parameters
}

type adjointArray struct {
	name            string
	shape           []int
	value, gradient []float32
}

func newAdjointTrial(c Case, n int, draw func(rng *rand.Rand, v []float32)) *adjointTrial {
	a := &adjointTrial{rng: rand.New(rand.NewPCG(8, 0))}
	a.layer = c.Float32(a.rng)
	for _, p := range a.layer.Params() {
		draw(a.rng, p.Value.Data)
	}
	pass := &nn.Pass[float32]{Train: true, Keep: true} // on all threads
	a.x = tensor.New[float32](append([]int{n}, c.Sample...)...)
	draw(a.rng, a.x.Data)
	y := a.layer.Forward(pass, a.x)
	a.w = tensor.New[float32](y.Shape...)
	draw(a.rng, a.w.Data)
	dx := a.layer.Backward(pass, a.w)
	a.arrays = []adjointArray{{"dx", a.x.Shape, a.x.Data, dx.Data}}
	for i, p := range a.layer.Params() {
		name := names(c.New(rand.New(rand.NewPCG(5, seed))))[i]
		a.arrays = append(a.arrays, adjointArray{name, p.Value.Shape, p.Value.Data, p.Grad.Data})
	}
	return a
}

func (a adjointArray) report(n int, u *Ulps) Array {
	r := Array{Name: a.name, Shape: a.shape, Batch: n, Elements: len(a.gradient), Adjoint: u}
	for _, g := range a.gradient {
		if g != 0 {
			r.NonZero++
		}
	}
	return r
}

// inner is <a, b>.
func inner(a, b []float64) (sum float64) {
	if len(a) != len(b) {
		panic(fmt.Sprintf("%d elements and %d", len(a), len(b)))
	}
	for i, v := range a {
		sum += float64(v * b[i])
	}
	return sum
}
