package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Case is a layer to be checked: a Name, a function New that makes it, and the shape
// of one Sample are enough.
type Case = trace.Case

// batch is the number of samples in a check: 3 or more, and not a length that an axis of a
// sample is likely to have.
const batch = 4

// seed draws numbers that activate every hidden unit of the layers of package nn on
// some sample, so that no gradient is 0, and on which no sum cancels so far that its
// rounding exceeds 1e-13. The tests of those layers assert both.
const seed = 182

// Layer checks one layer: its gradients, against every reference there is, and the
// rest of the contract that [nn.Layer] states.
//
// The objective is Σ r·y with a fixed random r, because a plain sum has gradient 0 for a
// softmax, which would hide everything. Parameters are moved off their initial values, so that
// no bias is 0. Backward runs again with a Grad that is not 0, so that overwriting it shows. A
// layer that draws random numbers draws the same ones in every computation, because the Step is
// the same.
func Layer(c Case) Report {
	k := &check{Case: c, Report: Report{Name: c.Name}}
	if !k.run(Parameters, "parameters", k.parameters) || len(k.Broken) > 0 || !k.run(GradientOfX, "gradients", k.gradients) {
		return k.Report // the other parts would fail too, for the same reason
	}
	k.right = len(k.Failures()) == 0
	k.run(Sizes, "a batch of one", k.one)
	k.run(AtKinks, "at kinks", k.kinks)
	k.run(Sizes, "an empty batch", k.empty)
	k.run(Modes, "evaluation", k.evaluation)
	k.run(Refusals, "misuse", k.misuse)
	double, single := k.lives()
	double.contract()
	if single != nil && len(k.Failures()) == 0 {
		single.contract()
		k.run(Float32, "float32 and float64", func() { closeTo(single, double) })
	}
	k.run(Sizes, "batch sizes", k.sizes)
	k.run(Inputs, "inputs", k.inputs)
	k.run(Inputs, "other dy", k.linear)
	k.run(Inputs, "a dy with zeros", k.parts)
	k.run(Parameters, "other parameters", k.parameterValues)
	k.forParameters = false
	k.run(Modes, "gradients in evaluation", k.evaluated)
	k.run(Float32, "float32", k.precision)
	return k.Report
}

// contract checks that a layer works late in its life, and beside other layers.
func (b *life[T]) contract() {
	clause := func(c Clause) Clause {
		if b.single {
			return Float32
		}
		return c
	}
	b.run(clause(Steps), "several steps", b.steps)
	b.run(clause(GradAdded), "several Backwards", b.more)
	b.run(clause(Sharing), "two layers", b.two)
	b.run(clause(Modes), "modes", b.modes)
	b.run(clause(Sharing), "predictions", b.predictions)
}

// A check is one run of [Layer].
type check struct {
	Case
	Report
	right         bool // the gradients of the first batch are right
	forParameters bool // other values of the parameters are tried
}

func (k *check) fail(clause Clause, format string, args ...any) {
	k.Broken = append(k.Broken, Failure{Clause: clause, What: fmt.Sprintf(format, args...)})
}

// run turns a panic in a part of the check into a failure of the clause. It reports whether
// there was no panic.
func (k *check) run(clause Clause, part string, f func()) (ok bool) {
	defer func() {
		if e := recover(); e != nil {
			k.fail(clause, "%s: panic: %v%s", part, e, culprit())
		}
	}()
	f()
	return true
}

// changes reports parameters that Forward or Backward must not change but did. by is the
// name of the direction; if grad is set, it must not change Grad either.
func (k *check) changes(t *trial, by string, grad bool) {
	for i, p := range t.layer.Params() {
		if i >= len(t.before) {
			return // Params fails for that
		}
		was := t.before[i]
		switch {
		case p.Value != was.Value:
			k.fail(ParamsUnmodified, "%s puts another tensor into the Value of %s, which copies of the network and files do not hold: change its elements", by, p.Name)
			return
		case p.Grad != was.Grad:
			k.fail(Parameters, "%s puts another tensor into the Grad of %s: add to its elements", by, p.Name)
			return
		}
		for j, v := range p.Value.Data {
			if v != t.values[i][j] {
				k.Broken = append(k.Broken, Failure{Clause: ParamsUnmodified, Array: p.Name, Index: p.Value.Index(j), Got: v, Want: t.values[i][j],
					What: by + " changes the value of " + p.Name})
				return
			}
		}
		for j, v := range p.Grad.Data {
			if grad && v != t.grads[i][j] {
				k.Broken = append(k.Broken, Failure{Clause: GradAdded, Array: p.Name, Index: p.Value.Index(j), Got: v, Want: t.grads[i][j],
					What: by + " changes the Grad of " + p.Name + ", which only Backward adds to"})
				return
			}
		}
		for _, r := range []struct {
			name string
			of   *tensor.Tensor[float64]
		}{{"y", t.y}, {"dx", t.dx}} {
			if r.of == nil {
				continue
			}
			if overlap(r.of.Data, p.Grad.Data) || overlap(r.of.Data, p.Value.Data) {
				k.fail(Sharing, "%s shares memory with %s, which the optimizer changes: take it from p.New", r.name, p.Name)
				return
			}
		}
	}
}

// culprit says, in a deferred function, which function panicked.
func culprit() string {
	pcs := make([]uintptr, 50)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for panicked, more := false, true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		internal := strings.HasPrefix(frame.Function, "runtime.")
		if panicked && !internal {
			return fmt.Sprintf(" (in %s, line %d)", frame.Function, frame.Line)
		}
		panicked = panicked || internal
	}
	return ""
}

// receivers returns the names of the types whose methods are on the stack of a panic, in a
// deferred function.
func receivers() (names []string) {
	pcs := make([]uintptr, 50)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		_, method, ok := strings.Cut(frame.Function, ".(*")
		if !ok || strings.Contains(frame.Function, "/gradcheck.(*check)") {
			continue
		}
		name, _, _ := strings.Cut(method, ")")
		name, _, _ = strings.Cut(name, "[")
		if name != "Saved" {
			names = append(names, name)
		}
	}
	return names
}

// A trial is a new layer with an input, after one step of training. All is drawn from the
// same random numbers every time.
type trial struct {
	layer    nn.Layer[float64]
	pass     *nn.Pass[float64]
	x, y     *tensor.Tensor[float64]
	drawn    *tensor.Tensor[float64] // x as it was before Forward
	dy, dx   *tensor.Tensor[float64]
	gradient [][]float64         // for each parameter
	before   []nn.Param[float64] // the parameters before Forward, with copies of their elements
	values   [][]float64
	grads    [][]float64
}

// rng returns the random numbers that a trial is drawn from.
func rng() *rand.Rand { return rand.New(rand.NewPCG(5, seed)) }

// setup makes a trial with n samples. Each adjust may change it before Forward.
func (k *check) setup(n int, adjust ...func(*trial)) *trial {
	rng := rng()
	t := &trial{layer: k.New(rng), pass: &nn.Pass[float64]{Train: true, Keep: true, Threads: 1}}
	moveOff(t.layer.Params(), rng)
	t.x = tensor.New[float64](append([]int{n}, k.Sample...)...)
	k.draw(t.x, rng)
	for _, f := range adjust {
		f(t)
	}
	t.x = guard(t.x)
	t.drawn = t.x.Clone()
	for _, p := range t.layer.Params() {
		for i := range p.Grad.Data {
			p.Grad.Data[i] = float64(1 + i%3)
		}
		t.before = append(t.before, *p)
		t.values = append(t.values, slices.Clone(p.Value.Data))
		t.grads = append(t.grads, slices.Clone(p.Grad.Data))
	}
	t.y = mustFit("Forward", "y", t.layer.Forward(t.pass, t.x))
	t.dy = guard(tensor.New[float64](t.y.Shape...))
	fill(t.dy, rng)
	return t
}

// guards is the number of elements after x and dy in memory, as if both were parts of a
// larger array: append must not write there.
const guards = 8

// guard returns x with guards after it.
func guard(x *tensor.Tensor[float64]) *tensor.Tensor[float64] {
	n := len(x.Data)
	all := append(make([]float64, 0, n+guards), x.Data...)
	for i := range guards {
		all = append(all, guardOf(i))
	}
	return tensor.Of(all[:n], x.Shape...)
}

func guardOf(i int) float64 { return 1.5 + float64(i) }

// guarded reports whether the guards after x are unchanged. x may have become another tensor.
func guarded(x *tensor.Tensor[float64]) bool {
	n := len(x.Data)
	if cap(x.Data) != n+guards {
		return true
	}
	for i, v := range x.Data[:n+guards][n:] {
		if v != guardOf(i) {
			return false
		}
	}
	return true
}

// moveOff moves parameters off their initial values, so that no bias is 0.
func moveOff(params []*nn.Param[float64], rng *rand.Rand) {
	for _, p := range params {
		for i := range p.Value.Data {
			p.Value.Data[i] += (1 + rng.Float64()) / 10
		}
	}
}

// draw fills x with random inputs from the domain of the layer.
func (k *check) draw(x *tensor.Tensor[float64], rng *rand.Rand) {
	if k.Draw != nil {
		k.Draw(x, rng)
		return
	}
	fill(x, rng)
}

// fill draws numbers from -2 to 2, none of them near 0.
func fill(x *tensor.Tensor[float64], rng *rand.Rand) {
	for i := range x.Data {
		for x.Data[i] = 0; math.Abs(x.Data[i]) < 0.05; {
			x.Data[i] = 4 * (rng.Float64() - 0.5)
		}
	}
}

// backward runs Backward, beginning with a Grad of 0.
func (t *trial) backward() {
	t.gradient = nil
	for _, p := range t.layer.Params() {
		clear(p.Grad.Data)
	}
	t.dx = mustFit("Backward", "dx", t.layer.Backward(t.pass, t.dy))
	for _, p := range t.layer.Params() {
		t.gradient = append(t.gradient, slices.Clone(p.Grad.Data))
	}
}

// terms returns the function that computes the products dy·y and saves nothing.
func (t *trial) terms() func() []float64 {
	pass := &nn.Pass[float64]{Train: t.pass.Train, Threads: 1}
	terms := make([]float64, len(t.dy.Data))
	return func() []float64 {
		pass.Reset()
		pass.Step = t.pass.Step
		for i, y := range t.layer.Forward(pass, t.x).Data {
			terms[i] = y * t.dy.Data[i]
		}
		return terms
	}
}

// objective returns the function Σ dy·y. graph, if not nil, computes it from the formula.
func (t *trial) objective(graph func() float64) *function {
	f := &function{terms: t.terms(), graph: graph}
	f.value = func() float64 {
		var sum float64
		for _, term := range f.terms() {
			sum += term
		}
		return sum
	}
	for _, term := range f.terms() {
		f.size += math.Abs(term)
	}
	return f
}
