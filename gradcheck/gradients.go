package gradcheck

import (
	"errors"
	"slices"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// compare compares y and every gradient of the trial with all references.
func (k *check) compare(t *trial, label string) {
	if !slices.Equal(t.dx.Shape, t.x.Shape) {
		k.fail(GradientOfX, "%sBackward returns dx of shape %s, want %s, the shape of x", label, tensor.FormatShape(t.dx.Shape), tensor.FormatShape(t.x.Shape))
		return
	}
	n := t.x.Shape[0]
	b := k.build(t)
	if b != nil {
		y := Array{Name: label + "y", Shape: t.y.Shape, Batch: n, Result: true, Smooth: true}
		k.Arrays = append(k.Arrays, compare(y, t.y.Data, nil, []Answer{{Reference: Graph, Values: b.y.Value}}))
	}
	f := t.objective()
	gradient := func(name string, got []float64, of *tensor.Tensor[float64], place int, smooth bool) {
		var answers []Answer
		right := got
		var alone func(sample int) []float64
		if b != nil {
			in := b.in[place]
			right = graph.ComplexStep(b.Graph, b.objective, in)
			answers = []Answer{{Reference: Graph, Values: slices.Clone(in.Grad)}, {Reference: ComplexStep, Values: right}}
			if len(t.dy.Shape) > 0 && t.dy.Shape[0] == n {
				alone = func(sample int) []float64 { return b.alone(in, t.dy, sample) }
			}
		}
		differences := make([]nn.Difference, len(of.Data))
		for i := range differences {
			differences[i] = nn.CentralDifference(f, &of.Data[i], nn.DifferenceStep)
		}
		answers = append(answers, centrally(f, of.Data, 1, differences, right))
		a := Array{Name: label + name, Shape: of.Shape, Batch: n, Smooth: smooth}
		k.Arrays = append(k.Arrays, compare(a, got, alone, answers))
	}
	gradient("dx", t.dx.Data, t.x, 0, !k.Flat)
	for i, name := range nn.ParamNames(t.layer) {
		gradient(name, t.gradient[i], t.layer.Params()[i].Value, 1+i, true)
	}
}

// built is the graph of a trial.
type built struct {
	*trace.Tracer
	in        []trace.Node // x and the parameters
	y         trace.Node
	objective trace.Node // Σ dy·y
}

// build returns the graph of the layer of the trial, or nil if the layer has none.
func (k *check) build(t *trial) *built {
	tr, x, y, err := trace.Layer(t.pass, t.layer, t.x, k.Graph)
	_, unknown := errors.AsType[*trace.UnknownError](err)
	switch {
	case unknown:
		return nil
	case err != nil:
		k.fail(GradientOfX, "%v", err)
		return nil
	case len(y.Value) != len(t.y.Data):
		k.fail(GradientOfX, "y has %d elements, that of the graph %d", len(t.y.Data), len(y.Value))
		return nil
	}
	b := &built{Tracer: tr, in: []trace.Node{x}, y: y}
	for _, p := range t.layer.Params() {
		b.in = append(b.in, tr.Param(p))
	}
	b.objective = b.Sum(b.Mul(y, b.Input("dy", t.dy.Data, y.Shape...)))
	b.Backward(b.objective)
	return b
}

// alone is the gradient of the node in if only one sample had a dy.
func (b *built) alone(in trace.Node, dy *tensor.Tensor[float64], sample int) []float64 {
	only := make([]float64, len(dy.Data))
	size := len(only) / dy.Shape[0]
	copy(only[sample*size:(sample+1)*size], dy.Data[sample*size:])
	b.BackwardFrom(b.y, only)
	defer b.Backward(b.objective)
	return slices.Clone(in.Grad)
}
