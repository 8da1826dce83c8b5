package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Case is a layer to be checked. Name, New and Sample are enough; each of the
// other fields lets it be checked more closely.
type Case struct {
	Name   string
	New    func(rng *rand.Rand) nn.Layer[float64] // a fresh layer, the same for the same rng
	Sample []int                                  // the shape of one sample; sides that differ catch transposes

	// Graph is the function the layer computes. With it, the graph and the
	// complex step bear witness too. Layers of package nn need none.
	Graph Formula

	// Float32 is the layer in float32, with parameters of the same shapes. With
	// it, the results of both precisions are compared, to within Ulps units of
	// the last place of the largest element of an array; 0 means 64.
	Float32 func(rng *rand.Rand) nn.Layer[float32]
	Ulps    float64

	// Flat says that the layer has regions where it is constant, as ReLU has, so
	// that zeros of dx are its own. Kinks are elements of x at which it is not
	// differentiable, such as 0 for ReLU: there, dx must lie between the
	// one-sided derivatives.
	Flat  bool
	Kinks []float64

	// Refuses are shapes, batch axis included, that Forward must refuse with a
	// *tensor.ShapeError.
	Refuses [][]int

	terms  func(t *trial) magnitudes // what Ulps are measured by; nil: the largest element
	linear bool                      // piecewise: exact for whole numbers
}

// batch is the number of samples in a check: 3 or more, and no layer of the
// table has a side of it.
const batch = 4

// seed draws numbers that wake every hidden unit of the table on some sample, so
// that coverage is 1, and on which no sum cancels so far that its rounding shows
// above 1e-14; the test of the table asserts both.
const seed = 182

// Layer checks one layer: its gradients, by every witness there is, and all it
// promises.
//
// The objective is Σ r·y with a fixed random r, for a plain sum has gradient 0
// for a softmax, which would hide everything. Parameters are moved off their
// initial values, so that no bias is 0. Backward runs again from a Grad that is
// not 0, so that overwriting it shows.
func Layer(c Case) Report {
	k := &check{Case: c, Report: Report{Name: c.Name}}
	k.run("", k.gradients)
	k.run("second step", k.reuse)
	k.run("batch of one", k.one)
	k.run("kinks", k.kinks)
	k.run("empty batch", k.empty)
	k.run("evaluation", k.evaluation)
	k.run("misuse", k.misuse)
	k.run("float32", k.precision)
	return k.Report
}

// check is one run of [Layer].
type check struct {
	Case
	Report
}

func (k *check) fail(format string, args ...any) {
	k.Failures = append(k.Failures, fmt.Sprintf(format, args...))
}

// run turns a panic in a part of the contract into a failure of the layer.
func (k *check) run(part string, f func()) {
	defer func() {
		if e := recover(); e != nil {
			k.fail("%s: panic: %v", part, e)
		}
	}()
	f()
}

// trial is a fresh layer with an input, after one step of training, all drawn
// from the same random numbers every time.
type trial struct {
	layer    nn.Layer[float64]
	pass     *nn.Pass[float64]
	x, y     *tensor.Tensor[float64]
	drawn    *tensor.Tensor[float64] // x as it was before Forward
	dy, dx   *tensor.Tensor[float64]
	gradient [][]float64 // of each parameter
}

// setup makes a trial with n samples; adjust, if any, change it before Forward.
func (k *check) setup(n int, adjust ...func(*trial)) *trial {
	rng := rand.New(rand.NewPCG(5, seed))
	t := &trial{layer: k.New(rng), pass: &nn.Pass[float64]{Train: true, Keep: true, Threads: 1, Rand: rng}}
	for _, p := range t.layer.Params() {
		for i := range p.Value.Data {
			p.Value.Data[i] += (1 + rng.Float64()) / 10
		}
	}
	t.x = tensor.New[float64](append([]int{n}, k.Sample...)...)
	fill(t.x, rng)
	for _, f := range adjust {
		f(t)
	}
	t.drawn = t.x.Clone()
	t.y = t.layer.Forward(t.pass, t.x)
	t.dy = tensor.New[float64](t.y.Shape...)
	fill(t.dy, rng)
	return t
}

// fill draws numbers from -2 to 2, none of them near 0.
func fill(x *tensor.Tensor[float64], rng *rand.Rand) {
	for i := range x.Data {
		for x.Data[i] = 0; math.Abs(x.Data[i]) < 0.05; {
			x.Data[i] = 4 * (rng.Float64() - 0.5)
		}
	}
}

// backward runs Backward from a Grad of 0.
func (t *trial) backward() {
	t.gradient = nil
	for _, p := range t.layer.Params() {
		clear(p.Grad.Data)
	}
	t.dx = t.layer.Backward(t.pass, t.dy)
	for _, p := range t.layer.Params() {
		t.gradient = append(t.gradient, slices.Clone(p.Grad.Data))
	}
}

// objective is Σ dy·y, evaluated without keeping anything.
func (t *trial) objective() func() float64 {
	pass := &nn.Pass[float64]{Train: t.pass.Train, Threads: 1}
	return func() float64 {
		pass.Reset()
		var sum float64
		for i, y := range t.layer.Forward(pass, t.x).Data {
			sum += float64(y * t.dy.Data[i])
		}
		return sum
	}
}
