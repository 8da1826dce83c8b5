package gradcheck

import (
	"fmt"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

type node = *graph.Node[float64]

// A Formula builds y = f(x, params) from elementary nodes, with the parameters in
// the order of Layer.Params: the function a layer computes, written down a second
// time. The graph differentiates it.
type Formula func(g *graph.Graph[float64], x node, params []node) (y node)

// Trace builds the computational graph of the loss of a network on the samples x,
// labelled t, from elementary nodes: the nodes of each layer, and its parameters,
// in a group of its name, and those of the loss in a group SoftmaxWithLoss. It
// holds all gradients, those of [graph.Graph.Backward].
//
// The network gives logits: no Softmax at its end. It is an error if it holds a
// layer of another package, or does not take x and t.
func Trace(net nn.Layer[float64], x *tensor.Tensor[float64], t []int) (*graph.Graph[float64], error) {
	tr, err := traceLoss(net, x, t, graph.SoftmaxWithLoss)
	if err != nil {
		return nil, err
	}
	return tr.Graph, nil
}

// traceLoss is [Trace] with a loss of the caller's.
func traceLoss(net nn.Layer[float64], x *tensor.Tensor[float64], t []int,
	loss func(g *graph.Graph[float64], x, t node) node) (*tracer, error) {
	if err := fit(net, x, t); err != nil {
		return nil, err
	}
	tr := newTracer()
	logits, err := tr.layer(net, tr.Input("x", x.Data, x.Shape...))
	if err != nil {
		return nil, err
	}
	tr.Group("SoftmaxWithLoss", func() {
		target := tr.Input("t", oneHot(t, logits.Shape[1]), logits.Shape...)
		tr.loss = loss(tr.Graph, logits, target).As("loss")
	})
	tr.Backward(tr.loss)
	return tr, nil
}

// fit reports why the network does not take x and t.
func fit(net nn.Layer[float64], x *tensor.Tensor[float64], t []int) error {
	out, err := nn.Check(net, x.Shape...)
	if err != nil {
		return err
	}
	if len(out) != 2 || out[0] != len(t) || len(t) == 0 {
		return fmt.Errorf("the network's result is %s, which is no row of logits for each of %d labels", tensor.FormatShape(out), len(t))
	}
	for i, class := range t {
		if class < 0 || class >= out[1] {
			return &nn.LabelError{Op: "gradcheck", Sample: i, Label: class, Classes: out[1]}
		}
	}
	return nil
}

// formulas is the table of the layers that the graph can build, a row each.
func formulas() []func(tr *tracer, l nn.Layer[float64], x node) (y node, ok bool, err error) {
	return []func(tr *tracer, l nn.Layer[float64], x node) (y node, ok bool, err error){
		formula(func(tr *tracer, l *nn.Affine[float64], x node) (node, error) {
			return graph.Affine(tr.Graph, x, tr.param(l.W), tr.param(l.B)), nil
		}),
		formula(func(tr *tracer, _ *nn.ReLU[float64], x node) (node, error) { return graph.ReLU(tr.Graph, x), nil }),
		formula(func(tr *tracer, _ *nn.Sigmoid[float64], x node) (node, error) { return graph.Sigmoid(tr.Graph, x), nil }),
		formula(func(tr *tracer, _ *nn.Softmax[float64], x node) (node, error) { return graph.Softmax(tr.Graph, x), nil }),
		formula((*tracer).sequential),
		formula(func(tr *tracer, net *nn.TwoLayerNet[float64], x node) (node, error) {
			return tr.sequential(net.Sequential, x)
		}),
	}
}

func formula[L nn.Layer[float64]](build func(tr *tracer, l L, x node) (node, error)) func(*tracer, nn.Layer[float64], node) (node, bool, error) {
	return func(tr *tracer, l nn.Layer[float64], x node) (y node, ok bool, err error) {
		layer, ok := l.(L)
		if ok {
			y, err = build(tr, layer, x)
		}
		return y, ok, err
	}
}

// A tracer builds the graph of a network.
type tracer struct {
	*graph.Graph[float64]
	params map[*nn.Param[float64]]node // one that layers share is one node
	loss   node
}

func newTracer() *tracer {
	return &tracer{Graph: graph.New[float64](), params: map[*nn.Param[float64]]node{}}
}

func (tr *tracer) param(p *nn.Param[float64]) node {
	if _, known := tr.params[p]; !known {
		tr.params[p] = tr.Input(p.Name, p.Value.Data, p.Value.Shape...)
	}
	return tr.params[p]
}

func (tr *tracer) layer(l nn.Layer[float64], x node) (node, error) {
	if f, ok := l.(*faulty); ok {
		l = f.Layer // what it should be
	}
	for _, build := range formulas() {
		if y, ok, err := build(tr, l, x); ok {
			return y, err
		}
	}
	return nil, fmt.Errorf("there is no graph for a %T; package gradcheck knows those of package nn", l)
}

func (tr *tracer) sequential(net *nn.Sequential[float64], x node) (y node, err error) {
	for _, l := range net.Layers() {
		tr.Group(l.Name, func() { x, err = tr.layer(l.Layer, x) })
		if err != nil {
			return nil, err
		}
	}
	return x, nil
}
