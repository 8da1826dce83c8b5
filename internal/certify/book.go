package certify

import (
	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// bookLoss is the loss of the book, -1/N Σ t·log(softmax(x) + 1e-7), with the gradient that
// the book gives it, (y - t)/N, which is the gradient of log(softmax(x)). Every element has
// a relative error of 1e-7/y, y being the probability of the label.
type bookLoss struct{ nn.SoftmaxWithLoss[float64] }

func init() {
	trace.RegisterLoss(func(t *trace.Tracer, _ *bookLoss, x, target trace.Node) trace.Node {
		y := t.Add(graph.Softmax(t.Graph, x), t.Const(1e-7, x.Shape...))
		return t.Div(t.Sum(t.Mul(target, t.Log(y))), t.Const(-float64(x.Shape[0])))
	})
}

// BookLoss checks the gradients of the network on the samples x with the targets t against
// the graph and the complex step of the loss that the book computes. The report fails, on
// purpose.
func BookLoss(net nn.Layer[float64], x *tensor.Tensor[float64], t nn.Targets[float64]) (gradcheck.Report, error) {
	r := gradcheck.Report{Name: "the book's loss"}
	net, err := nn.Clone(net) // a copy, whose Grad may change
	if err != nil {
		return r, err
	}
	pass := &nn.Pass[float64]{Train: true, Keep: true}
	tr, err := trace.Network(pass, net, &bookLoss{}, x, t)
	if err != nil {
		return r, err
	}
	nn.Backpropagate(pass, net, &bookLoss{}, x, t)
	names := nn.ParamNames(net)
	for i, p := range net.Params() {
		n := tr.Param(p)
		r.Arrays = append(r.Arrays, gradcheck.Compare(names[i], p.Grad.Data, p.Value.Shape,
			gradcheck.Answer{Reference: gradcheck.Graph, Values: n.Grad},
			gradcheck.Answer{Reference: gradcheck.ComplexStep, Values: graph.ComplexStep(tr.Graph, tr.Output(), n)}))
	}
	return r, nil
}
