package gradcheck

import (
	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// BookLoss checks what backpropagation gives for the network on x, labelled t,
// as if its loss were the one the book computes,
//
//	-1/N Σ t·log(softmax(x) + 1e-7)
//
// with the gradient the book gives it, (y - t)/N, which is that of log(softmax(x)):
// every element is off by a relative 1e-7/y, y being the probability of the label.
// The report fails, on purpose.
func BookLoss(net *nn.Sequential[float64], x *tensor.Tensor[float64], t []int) (Report, error) {
	r := Report{Name: "the book's loss"}
	tr, err := traceLoss(net, x, t, bookLoss)
	if err != nil {
		return r, err
	}
	p := &proof{x: x, t: t}
	for i, got := range p.backpropagation(net) {
		w := net.Params()[i]
		n := tr.params[w]
		r.Arrays = append(r.Arrays, judge(names(net)[i], got, w.Value.Shape, len(t), true, nil,
			testimony{by: Graph, values: n.Grad},
			testimony{by: ComplexStep, values: graph.ComplexStep(tr.Graph, tr.loss, n)}))
	}
	return r, nil
}

func bookLoss(g *graph.Graph[float64], x, t node) node {
	y := g.Add(graph.Softmax(g, x), g.Const(1e-7, x.Shape...))
	return g.Div(g.Sum(g.Mul(t, g.Log(y))), g.Const(-float64(x.Shape[0])))
}
