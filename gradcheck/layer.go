package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Case is a layer to be checked.
type Case struct {
	Name   string
	New    func(rng *rand.Rand) nn.Layer[float64] // a fresh layer, the same for the same rng
	Sample []int                                  // the shape of one sample; sides that differ catch transposes

	// Flat says that the layer has regions where it is constant, as ReLU has, so
	// that zeros of dx are its own.
	Flat bool

	// Refuses are shapes, batch axis included, that Forward must refuse with a
	// *tensor.ShapeError.
	Refuses [][]int
}

// batch is the number of samples in a check: 3 or more, and no layer of the
// table has a side of it.
const batch = 4

// seed is one for which no hidden unit of the table sleeps on the whole batch;
// the test of the table asserts a coverage of 1.
const seed = 2

// Layer checks one layer: its gradients and all it promises.
//
// The objective is Σ r·y with a fixed random r, for a plain sum has gradient 0
// for a softmax, which would hide everything. Parameters are moved off their
// initial values, so that no bias is 0, and every Grad starts from something
// that is not 0, so that overwriting it shows.
func Layer(c Case) Report {
	k := &check{Case: c, Report: Report{Name: c.Name}}
	k.run("", k.gradients)
	k.run("second step", k.reuse)
	k.run("batch of one", k.one)
	k.run("empty batch", k.empty)
	k.run("evaluation", k.evaluation)
	k.run("misuse", k.misuse)
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

func (k *check) setup(n int) *trial {
	rng := rand.New(rand.NewPCG(5, seed))
	t := &trial{layer: k.New(rng), pass: &nn.Pass[float64]{Train: true, Keep: true, Threads: 1, Rand: rng}}
	for _, p := range t.layer.Params() {
		for i := range p.Value.Data {
			p.Value.Data[i] += (1 + rng.Float64()) / 10
		}
		fill(p.Grad, rng)
	}
	t.x = tensor.New[float64](append([]int{n}, k.Sample...)...)
	fill(t.x, rng)
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

// backward runs Backward and takes from each Grad what was there before.
func (t *trial) backward() {
	var before [][]float64
	for _, p := range t.layer.Params() {
		before = append(before, slices.Clone(p.Grad.Data))
	}
	t.dx = t.layer.Backward(t.pass, t.dy)
	t.gradient = nil
	for i, p := range t.layer.Params() {
		g := slices.Clone(p.Grad.Data)
		for j := range g {
			g[j] -= before[i][j]
		}
		t.gradient = append(t.gradient, g)
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

// compare compares every gradient of the trial with central differences.
func (k *check) compare(t *trial, label string) {
	if !slices.Equal(t.dx.Shape, t.x.Shape) {
		k.fail("%sdx has the shape %s of no x, which is %s", label, tensor.FormatShape(t.dx.Shape), tensor.FormatShape(t.x.Shape))
		return
	}
	add := func(a Array) {
		a.Batch = t.x.Shape[0]
		k.Arrays = append(k.Arrays, a)
	}
	add(compare(label+"dx", t.dx.Data, t.objective(), t.x, !k.Flat))
	count := map[string]int{}
	for i, p := range t.layer.Params() {
		name := label + p.Name
		if count[p.Name]++; count[p.Name] > 1 {
			name += fmt.Sprint(".", count[p.Name]) // the second W of a container: W.2
		}
		add(compare(name, t.gradient[i], t.objective(), p.Value, true))
	}
}
