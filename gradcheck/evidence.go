package gradcheck

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// compare compares y and every gradient of the trial with all witnesses.
func (k *check) compare(t *trial, label string) {
	if !slices.Equal(t.dx.Shape, t.x.Shape) {
		k.fail("%sdx has the shape %s of no x, which is %s", label, tensor.FormatShape(t.dx.Shape), tensor.FormatShape(t.x.Shape))
		return
	}
	n := t.x.Shape[0]
	b := k.build(t)
	if b != nil {
		y := judge(label+"y", t.y.Data, t.y.Shape, n, true, nil, testimony{by: Graph, values: b.y.Value})
		y.Result = true
		k.Arrays = append(k.Arrays, y)
	}
	gradient := func(name string, got []float64, of *tensor.Tensor[float64], place int, smooth bool) {
		var exact []testimony
		reference := got
		var alone func(sample int) []float64
		if b != nil {
			in := b.in[place]
			reference = graph.ComplexStep(b.Graph, b.objective, in)
			exact = []testimony{{by: Graph, values: slices.Clone(in.Grad)}, {by: ComplexStep, values: reference}}
			if len(t.dy.Shape) > 0 && t.dy.Shape[0] == n {
				alone = func(sample int) []float64 { return b.alone(in, t.dy, sample) }
			}
		}
		f := t.objective()
		var differences []nn.Difference
		for _, d := range nn.CentralDifferences(f, of, nn.DifferenceStep) {
			differences = append(differences, d)
		}
		central := centrally(f, of.Data, nil, differences, reference)
		k.Arrays = append(k.Arrays, judge(label+name, got, of.Shape, n, smooth, alone, append(exact, central)...))
	}
	gradient("dx", t.dx.Data, t.x, 0, !k.Flat)
	for i, name := range names(t.layer) {
		gradient(name, t.gradient[i], t.layer.Params()[i].Value, 1+i, true)
	}
}

// built is the graph of a trial.
type built struct {
	*graph.Graph[float64]
	in        []node // x and the parameters
	y         node
	objective node // Σ dy·y
}

// build returns the graph of the layer of the trial after Backward, or nil if the
// layer has none.
func (k *check) build(t *trial) *built {
	tr := newTracer()
	b := &built{Graph: tr.Graph, in: []node{tr.Input("x", t.x.Data, t.x.Shape...)}}
	for _, p := range t.layer.Params() {
		b.in = append(b.in, tr.param(p))
	}
	if k.Graph != nil {
		b.y = k.Graph(tr.Graph, b.in[0], b.in[1:])
	} else if y, err := tr.layer(t.layer, b.in[0]); err == nil {
		b.y = y
	} else {
		return nil
	}
	if len(b.y.Value) != len(t.y.Data) {
		k.fail("y has %d elements, that of the graph %d", len(t.y.Data), len(b.y.Value))
		return nil
	}
	b.objective = b.Sum(b.Mul(b.y, b.Input("dy", t.dy.Data, b.y.Shape...)))
	b.Backward(b.objective)
	return b
}

// alone is the gradient of the node in if only one sample had a dy.
func (b *built) alone(in node, dy *tensor.Tensor[float64], sample int) []float64 {
	only := make([]float64, len(dy.Data))
	size := len(only) / dy.Shape[0]
	copy(only[sample*size:(sample+1)*size], dy.Data[sample*size:])
	b.BackwardFrom(b.y, only)
	defer b.Backward(b.objective)
	return slices.Clone(in.Grad)
}

// names returns the names of the parameters of a layer: their own, if those
// differ, as W1 and W2 do, and otherwise with the path of the layer in front:
// Affine1.W.
func names(l nn.Layer[float64]) []string {
	var own, full []string
	paths := map[*nn.Param[float64]]string{}
	var visit func(path string, l nn.Layer[float64])
	visit = func(path string, l nn.Layer[float64]) {
		if f, ok := l.(*faulty); ok {
			l = f.Layer
		}
		if inner, ok := l.(interface{ Layers() []nn.Named[float64] }); ok {
			for _, named := range inner.Layers() {
				visit(path+named.Name+".", named.Layer)
			}
			return
		}
		for _, p := range l.Params() {
			if _, shared := paths[p]; !shared {
				paths[p] = path + p.Name
			}
		}
	}
	visit("", l)
	for i, p := range l.Params() {
		own = append(own, p.Name)
		name := paths[p]
		if name == "" {
			name = fmt.Sprint(p.Name, ".", i)
		}
		full = append(full, name)
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(own))); len(distinct) == len(own) {
		return own
	}
	return full
}
