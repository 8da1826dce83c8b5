package gradcheck

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A NetworkReport is a [Report] of all parameters of a network.
type NetworkReport struct {
	Report
	Parameters          int
	Numerical, Backprop time.Duration // for the gradients of all parameters once

	*references
	gradients [][]float64
}

// Speedup is how many times faster backpropagation is than central differences.
func (r NetworkReport) Speedup() float64 {
	return r.Numerical.Seconds() / r.Backprop.Seconds()
}

// NonzeroOfAll is the share of all gradients that are not 0.
func (r NetworkReport) NonzeroOfAll() float64 {
	var nonzero, elements int
	for _, a := range r.Arrays {
		if !a.Result {
			nonzero += a.Nonzero
			elements += a.Elements
		}
	}
	return float64(nonzero) / float64(elements)
}

// Network checks the gradients of the loss of a network on the samples x with the
// targets t: every parameter, against every reference, in training mode. Random layers
// draw as in the step 0.
//
// The complex step and central differences take a forward pass an element. In a network
// larger than the book's, of 39,760 parameters, that would take minutes and hours, so
// they are of every second element of its large arrays, every third and so on. Each
// [Comparison] says of how many.
//
// It is an error if the network or the loss does not take x and t, or if one of their
// formulas is not known (see [trace.Network]), or if the loss is not finite.
//
// Each progress is called now and then, in the goroutine of the caller, with how many of
// a total of steps are done.
func Network(name string, net nn.Layer[float64], loss nn.Loss[float64], x *tensor.Tensor[float64], t nn.Targets[float64], progress ...func(done, total int)) (NetworkReport, error) {
	r := NetworkReport{Report: Report{Name: name}}
	var err error
	if r.references, err = newReferences(net, loss, x, t, progress); err != nil {
		return r, err
	}
	for _, p := range net.Params() {
		r.Parameters += len(p.Value.Data)
	}
	r.Numerical = time.Duration(float64(r.took) * float64(r.Parameters) / max(1, float64(r.moved)))
	// The median of a few: one takes less than a millisecond.
	var times []time.Duration
	for range 9 {
		start := time.Now()
		r.gradients = backpropagate(net, loss, x, t)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	r.Backprop = times[len(times)/2]

	value := Array{Name: "loss", Batch: t.Len(), Result: true, Smooth: true}
	r.Arrays = append(r.Arrays, compare(value, []float64{lossOf(net, loss, x, t)()}, nil, []Answer{{Reference: Graph, Values: r.loss}}))
	r.Arrays = append(r.Arrays, r.compare(r.gradients)...)
	return r, nil
}

// Check compares the gradients of another network with the references of r, which take
// much longer to compute than gradients. Its parameters must have the same values, shapes and
// order as the parameters of the network of r.
func (r NetworkReport) Check(name string, net nn.Layer[float64]) (other Report) {
	other.Name = name
	k := &check{}
	k.run(GradientOfParams, "backpropagation", func() { other.Arrays = r.compare(backpropagate(net, r.of, r.x, r.t)) })
	other.Broken = k.Broken
	return other
}

// references is what the references say of a network.
type references struct {
	of      nn.Loss[float64]
	x       *tensor.Tensor[float64]
	t       nn.Targets[float64]
	loss    []float64 // by the graph
	params  []Array
	answers [][]Answer    // of each parameter
	took    time.Duration // the central differences
	moved   int           // elements of which they are
}

// work limits the elements of an array that are moved one by one, times the size of the
// network that each of them takes to compute.
var work = 2_000_000_000

func newReferences(net nn.Layer[float64], loss nn.Loss[float64], x *tensor.Tensor[float64], t nn.Targets[float64], progress []func(done, total int)) (*references, error) {
	tr, err := trace.Network(&nn.Pass[float64]{Train: true, Keep: true}, net, loss, x, t)
	if err != nil {
		return nil, err
	}
	r := &references{of: loss, x: x, t: t, loss: tr.Output().Value}
	if l := r.loss[0]; math.IsNaN(l) || math.IsInf(l, 0) {
		return nil, fmt.Errorf("gradcheck: the loss is %v, which has no gradient to check", l)
	}
	parameters := 0
	for _, p := range net.Params() {
		parameters += len(p.Value.Data)
	}
	most := max(1, work/max(1, parameters))
	strideOf := func(n int) int { return max(1, (n+most-1)/most) }
	start := time.Now()
	differences := differences(net, loss, x, t, strideOf)
	r.took = time.Since(start)
	for _, d := range differences {
		r.moved += len(d)
	}
	done := 0
	step := func(n int) {
		done += n
		for _, f := range progress {
			f(done, 2*r.moved) // two references move each element
		}
	}
	if r.moved > 0 {
		step(r.moved)
	}
	names, f := nn.ParamNames(net), &function{value: lossOf(net, loss, x, t), size: math.Abs(r.loss[0])}
	f.graph = func() float64 {
		tr, err := trace.Network(&nn.Pass[float64]{Train: true, Keep: true}, net, loss, x, t)
		if err != nil {
			return math.NaN()
		}
		return tr.Output().Value[0]
	}
	for i, p := range net.Params() {
		n, stride := tr.Param(p), strideOf(len(p.Value.Data))
		moved := make([]int, len(differences[i]))
		for j := range moved {
			moved[j] = j * stride
		}
		var steps []float64
		for some := range slices.Chunk(moved, 4000) {
			steps = append(steps, graph.ComplexStep(tr.Graph, tr.Output(), n, some...)...)
			step(len(some))
		}
		r.params = append(r.params, Array{Name: names[i], Shape: p.Value.Shape, Batch: t.Len(), Smooth: true})
		r.answers = append(r.answers, []Answer{
			{Reference: Graph, Values: slices.Clone(n.Grad)},
			{Reference: ComplexStep, Values: steps, stride: stride},
			centrally(f, p.Value.Data, stride, differences[i], n.Grad),
		})
	}
	return r, nil
}

// compare compares the gradients of all parameters with the references.
func (r *references) compare(gradients [][]float64) (arrays []Array) {
	for i, a := range r.params {
		arrays = append(arrays, compare(a, gradients[i], nil, r.answers[i]))
	}
	return arrays
}

// backpropagate returns the gradients of all parameters in the training step 0. Their
// Grad is as it was.
func backpropagate[T tensor.Float](net nn.Layer[T], loss nn.Loss[T], x *tensor.Tensor[T], t nn.Targets[T]) (all [][]T) {
	for _, p := range net.Params() {
		old := p.Grad
		defer func() { p.Grad = old }()
		p.Grad = tensor.New[T](p.Value.Shape...)
		all = append(all, p.Grad.Data)
	}
	nn.Backpropagate(&nn.Pass[T]{Train: true, Keep: true}, net, loss, x, t)
	return all
}

// networkUlps is what float32 may differ by in a network, in units in the last place of
// the largest element of a gradient: a hundredth of a percent of it.
const networkUlps = 1000

// Float32 compares the gradients of the same network in float32, on the same samples and
// targets, with the gradients of the report: the numbers of a training with the numbers that
// were checked. The network is a copy by [nn.Convert]. It is an error if the number of its
// parameters differs.
func (r *NetworkReport) Float32(net nn.Layer[float32], loss nn.Loss[float32], x *tensor.Tensor[float32], t nn.Targets[float32]) error {
	if n := len(net.Params()); n != len(r.gradients) {
		return fmt.Errorf("gradcheck: the network has %d parameters in float32, %d in float64", n, len(r.gradients))
	}
	gradients := backpropagate(net, loss, x, t)
	arrays := r.Arrays[len(r.Arrays)-len(gradients):]
	for i, g := range gradients {
		arrays[i].Float32 = arrays[i].rounding(g, r.gradients[i], even(r.gradients[i]), networkUlps)
	}
	return nil
}
