// Package trace builds the computational graph of a network: the function that each
// layer computes, written down a second time, in the elementary operations of package
// graph. The graph knows nothing of the backward passes of package nn, so it can judge
// them, and it can be drawn.
//
// [Rows] is the table of the layers and losses of package nn, one row each: the formula
// and, in the same row, what the checks of package gradcheck need to know. [Register]
// adds the formula of a layer of your own:
//
//	trace.Register(func(t *trace.Tracer, l *Scale[float64], x trace.Node) trace.Node {
//		return t.Mul(x, t.Broadcast(t.Param(l.factors), x.Shape...))
//	})
package trace
