package gradcheck

import (
	"errors"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// compare compares y and every gradient of the trial with all references, and puts the
// arrays into the report. What is wrong breaks the clause of, if it is not "".
func (k *check) compare(t *trial, label string, of Clause) {
	if !k.fits(GradientOfX, t) {
		return
	}
	for _, a := range k.arrays(t, label, 0) {
		a.of = of
		k.Arrays = append(k.Arrays, a)
	}
}

// fits reports whether dx has the shape of x, and says so otherwise.
func (k *check) fits(clause Clause, t *trial) bool {
	if !slices.Equal(t.dx.Shape, t.x.Shape) {
		k.fail(clause, "Backward returns dx of shape %s, want %s, the shape of x", tensor.FormatShape(t.dx.Shape), tensor.FormatShape(t.x.Shape))
		return false
	}
	return true
}

// arrays compares y and every gradient of the trial with all references. If most is not 0, it
// compares with the graph, and with at most most central differences for each array.
func (k *check) arrays(t *trial, label string, most int) (arrays []Array) {
	n := t.x.Shape[0]
	b := k.build(t)
	if b != nil {
		y := Array{Name: label + "y", Shape: t.y.Shape, Batch: n, Result: true, Smooth: true, loose: most > 0}
		arrays = append(arrays, compare(y, t.y.Data, nil, []Answer{{Reference: Graph, Values: b.y.Value}}))
	}
	var byGraph func() float64
	if b != nil {
		byGraph = func() float64 { return k.valueOfGraph(t) }
	}
	f := t.objective(byGraph)
	gradient := func(name string, got []float64, of *tensor.Tensor[float64], place int, smooth bool) {
		var answers []Answer
		right := got
		var alone func(sample int) []float64
		if b != nil {
			in := b.in[place]
			right = slices.Clone(in.Grad)
			answers = []Answer{{Reference: Graph, Values: right}}
			if most == 0 {
				right = graph.ComplexStep(b.Graph, b.objective, in)
				answers = append(answers, Answer{Reference: ComplexStep, Values: right})
			}
			if len(t.dy.Shape) > 0 && t.dy.Shape[0] == n {
				alone = func(sample int) []float64 { return b.alone(in, t.dy, sample) }
			}
		}
		stride := 1
		if most > 0 {
			stride = max(1, (len(of.Data)+most-1)/most)
			if stride > 1 && stride%2 == 0 {
				stride++ // not all in one column
			}
		}
		differences := make([]nn.Difference, (len(of.Data)+stride-1)/stride)
		for i := range differences {
			differences[i] = nn.CentralDifference(f.value, &of.Data[i*stride], nn.DifferenceStep)
		}
		answers = append(answers, centrally(f, of.Data, stride, differences, right))
		a := Array{Name: label + name, Shape: of.Shape, Batch: n, Smooth: smooth, loose: most > 0}
		arrays = append(arrays, compare(a, got, alone, answers))
	}
	if !k.Discrete {
		gradient("dx", t.dx.Data, t.x, 0, !k.Flat)
	} else if nonzero(t.dx.Data) > 0 {
		i := slices.IndexFunc(t.dx.Data, func(g float64) bool { return g != 0 })
		k.Broken = append(k.Broken, Failure{Clause: GradientOfX, Array: "dx", Index: t.x.Index(i), Got: t.dx.Data[i], What: "x is discrete (Case.Discrete), so that dx is 0"})
	}
	for i, name := range nn.ParamNames(t.layer) {
		gradient(name, t.gradient[i], t.layer.Params()[i].Value, 1+i, true)
	}
	return arrays
}

// valueOfGraph returns Σ dy·y of the trial by its formula.
func (k *check) valueOfGraph(t *trial) (sum float64) {
	_, _, y, err := trace.Layer(t.pass, t.layer, t.x, k.Graph)
	if err != nil || len(y.Value) != len(t.dy.Data) {
		return math.NaN()
	}
	for i, y := range y.Value {
		sum += float64(y * t.dy.Data[i])
	}
	return sum
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
