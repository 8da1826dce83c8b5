package gradcheck

import (
	"fmt"
	"slices"
	"time"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A NetworkReport is a [Report] of all parameters of a network.
type NetworkReport struct {
	Report
	Parameters          int
	Numerical, Backprop time.Duration // for the gradients of all parameters once
	Planted             []Mutant      // the faults planted into it

	gradients [][]float64
}

// Speedup is how many times faster backpropagation is than central differences:
// why it exists.
func (r NetworkReport) Speedup() float64 {
	return r.Numerical.Seconds() / r.Backprop.Seconds()
}

// NonZero is the share of all gradients that are not 0.
func (r NetworkReport) NonZero() float64 {
	var nonZero, elements int
	for _, a := range r.Arrays {
		if !a.Result {
			nonZero += a.NonZero
			elements += a.Elements
		}
	}
	return float64(nonZero) / float64(elements)
}

// Network checks the gradients of the network's loss on the samples x, labelled
// t, by every witness, for every parameter, and plants faults into its layers.
// The network gives logits: no Softmax at its end.
//
// The complex step and central differences cost a forward pass an element. In a
// network larger than the book's, of 39,760 parameters, that would take minutes
// and hours; of its large arrays they are of every second element, every third
// and so on. Each [Comparison] says of how many.
//
// It is an error if the network has no graph, or does not take x and t: see
// [Trace].
func Network(name string, net *nn.Sequential[float64], x *tensor.Tensor[float64], t []int) (NetworkReport, error) {
	r := NetworkReport{Report: Report{Name: name}}
	p, err := newProof(net, x, t)
	if err != nil {
		return r, err
	}
	// The median of a few: one is over in less than a millisecond.
	var times []time.Duration
	var got [][]float64
	for range 9 {
		start := time.Now()
		got = p.backpropagation(net)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	r.Backprop, r.Numerical, r.gradients = times[len(times)/2], p.numerical, got

	loss := judge("loss", []float64{p.forward(net)}, nil, len(t), true, nil, testimony{by: Graph, values: p.trace.loss.Value})
	loss.Result = true
	r.Arrays = append([]Array{loss}, p.judge(got)...)
	r.Parameters, r.Planted = p.parameters, p.mutants(net)
	return r, nil
}

// A proof is what the witnesses say of a network: once for all faults that are
// planted into it.
type proof struct {
	x           *tensor.Tensor[float64]
	t           []int
	parameters  int
	names       []string
	shapes      [][]int
	trace       *tracer
	testimonies [][]testimony // of each parameter
	numerical   time.Duration // that the central differences took, all of them
}

// work limits the elements of an array that are moved one by one, times the size
// of the network that each is to pass.
const work = 2_000_000_000

func newProof(net *nn.Sequential[float64], x *tensor.Tensor[float64], t []int) (*proof, error) {
	tr, err := traceLoss(net, x, t, graph.SoftmaxWithLoss)
	if err != nil {
		return nil, err
	}
	p := &proof{x: x, t: t, names: names(net), trace: tr}
	for _, w := range net.Params() {
		p.parameters += len(w.Value.Data)
	}
	most, moved := max(1, work/max(1, p.parameters)), 0
	var at [][]int // the elements to be moved; nil for all
	for _, w := range net.Params() {
		n := len(w.Value.Data)
		var some []int
		if every := (n + most - 1) / most; every > 1 {
			for j := 0; j < n; j += every {
				some = append(some, j)
			}
			n = len(some)
		}
		at, moved = append(at, some), moved+n
	}

	start := time.Now()
	differences := nn.LossDifferences(net, x, t, at)
	p.numerical = time.Duration(float64(time.Since(start)) * float64(p.parameters) / max(1, float64(moved)))
	for i, w := range net.Params() {
		n, at := tr.params[w], at[i]
		chain := testimony{by: Graph, values: slices.Clone(n.Grad)}
		step := testimony{by: ComplexStep, values: graph.ComplexStep(tr.Graph, tr.loss, n, at...), at: at}
		loss := func() float64 { return p.forward(net) }
		p.testimonies = append(p.testimonies, []testimony{chain, step,
			centrally(loss, w.Value.Data, at, differences[i], chain.values)})
		p.shapes = append(p.shapes, w.Value.Shape)
	}
	return p, nil
}

// forward is the loss.
func (p *proof) forward(net *nn.Sequential[float64]) float64 {
	return nn.NewSoftmaxWithLoss[float64]().Forward(nil, net.Forward(nil, p.x), p.t)
}

// backpropagation returns the gradients of all parameters, whose Grad is as it
// was.
func (p *proof) backpropagation(net *nn.Sequential[float64]) (all [][]float64) {
	for _, w := range net.Params() {
		old := w.Grad
		defer func() { w.Grad = old }()
		w.Grad = tensor.New[float64](w.Value.Shape...)
		all = append(all, w.Grad.Data)
	}
	lossGradients(net, p.x, p.t)
	return all
}

// lossGradients adds the gradients of the loss to every Grad.
func lossGradients[T tensor.Float](net *nn.Sequential[T], x *tensor.Tensor[T], t []int) {
	pass, loss := &nn.Pass[T]{Train: true, Keep: true}, nn.NewSoftmaxWithLoss[T]()
	loss.Forward(pass, net.Forward(pass, x), t)
	net.BackwardParams(pass, loss.Backward(pass))
}

// judge holds the gradients got against the witnesses.
func (p *proof) judge(got [][]float64) (arrays []Array) {
	for i, name := range p.names {
		arrays = append(arrays, judge(name, got[i], p.shapes[i], len(p.t), true, nil, p.testimonies[i]...))
	}
	return arrays
}

// mutants plants every fault of a gradient into every layer of the network where
// a gradient of a parameter shows it: the dx of the first layer is nobody's.
func (p *proof) mutants(net *nn.Sequential[float64]) (all []Mutant) {
	layers := net.Layers()
	behind := false // a layer with parameters
	for i, l := range layers {
		has := len(l.Layer.Params()) > 0
		for _, f := range Faults() {
			if !f.gradient || f.params && !has || !f.params && !behind {
				continue
			}
			spoilt := slices.Clone(layers)
			spoilt[i].Layer = &faulty{Layer: l.Layer, fault: f}
			r := Report{Name: fmt.Sprint(l.Name, ", ", f.Name)}
			func() {
				defer func() {
					if e := recover(); e != nil {
						r.Failures = append(r.Failures, fmt.Sprint("panic: ", e))
					}
				}()
				r.Arrays = p.judge(p.backpropagation(nn.NewNamed(spoilt...)))
			}()
			all = append(all, Mutant{f.Name, r})
		}
		behind = behind || has
	}
	return all
}
