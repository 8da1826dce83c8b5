package gradcheck_test

import (
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
)

type node = trace.Node

// times is c·x, and plus is c + x.
func times(t *trace.Tracer, x node, c float64) node { return t.Mul(x, t.Const(c, x.Shape...)) }
func plus(t *trace.Tracer, x node, c float64) node  { return t.Add(x, t.Const(c, x.Shape...)) }

// other is a pointwise layer that computes f, and differentiates it, where the formula
// is what it says it computes.
func other(name, why string, f, df func(float64) float64, formula func(t *trace.Tracer, x node) node, of ...gradcheck.Case) wrong {
	w := inPoint(name, why, clauses{gradcheck.ValueOfY}, f, df, of...)
	w.Graph = func(t *trace.Tracer, _ nn.Layer[float64], x node) node { return formula(t, x) }
	return w
}

// wrongFunction are layers that compute, and differentiate, something else than they
// say. Nothing but a formula can tell.
var wrongFunction = []wrong{
	other("GELUOfTheSigmoid", "x·σ(1.702x) is near to GELU", func(v float64) float64 { return v * sigmoid(1.702*v) },
		func(v float64) float64 { return sigmoid(1.702*v) + 1.702*v*dsigmoid(1.702*v) },
		func(t *trace.Tracer, x node) node {
			return t.Mul(times(t, x, 0.5), plus(t, t.Erf(times(t, x, 1/math.Sqrt2)), 1))
		}),
	other("TanhByAFraction", "x·(27+x²)/(27+9x²) is near to tanh", func(v float64) float64 { return v * (27 + v*v) / (27 + 9*v*v) },
		func(v float64) float64 {
			n, d := v*(27+v*v), 27+9*v*v
			return ((27+3*v*v)*d - n*18*v) / (d * d)
		}, func(t *trace.Tracer, x node) node { return t.Tanh(x) }),
	other("SoftplusOfBase2", "log2 in place of log", func(v float64) float64 { return softplus(v) / math.Ln2 }, func(v float64) float64 { return sigmoid(v) / math.Ln2 },
		func(t *trace.Tracer, x node) node { return t.Log(plus(t, t.Exp(x), 1)) }, domain(-3, 3)),
	other("SwishOfTwo", "β is 2 and not 1", func(v float64) float64 { return v * sigmoid(2*v) }, func(v float64) float64 { return sigmoid(2*v) + 2*v*dsigmoid(2*v) },
		func(t *trace.Tracer, x node) node { return t.Mul(x, graph.Sigmoid(t.Graph, x)) }),
	other("LogOffByEps", "log(x + 1e-7), as in the book", func(v float64) float64 { return math.Log(v + 1e-7) }, func(v float64) float64 { return 1 / (v + 1e-7) },
		func(t *trace.Tracer, x node) node { return t.Log(x) }, domain(0.1, 2)),
	other("LeakOfATenth", "a leak of 0.1 and not of 0.01", func(v float64) float64 { return piece(v, 0, 0.1*v, v) }, func(v float64) float64 { return piece(v, 0, 0.1, 1) },
		func(t *trace.Tracer, x node) node { return t.Maximum(x, times(t, x, 0.01)) }),
	{name: "EpsSquared", why: "layer norm adds eps² to the variance", clauses: clauses{gradcheck.ValueOfY}, sample: shape(4), make: func(*rand.Rand) made {
		return smallEps[float64](1e-10)
	}, Case: gradcheck.Case{Graph: formulaOfNorm(1e-5)}},
	{name: "VarianceOfSample", why: "layer norm divides the variance by N-1", clauses: clauses{gradcheck.ValueOfY}, sample: shape(4), make: func(*rand.Rand) made {
		// The same scale for all: y·√(3/4), with eps·3/4 taken off.
		l := smallEps[float64](1e-5)
		factor := math.Sqrt(3.0 / 4)
		l = afterForward(l, func(_ pass, _, y array) {
			for i := range y.Data {
				y.Data[i] *= factor
			}
		})
		right := l.backward
		l.backward = func(p pass, x, y, dy array) array {
			h, d := y.Clone(), dy.Clone()
			for i := range h.Data {
				h.Data[i] /= factor
				d.Data[i] *= factor
			}
			return right(p, x, h, d)
		}
		return l
	}, Case: gradcheck.Case{Graph: formulaOfNorm(1e-5)}},
	{name: "BiasLeftOut", why: "the bias is never added, and gets no gradient", clauses: clauses{gradcheck.ValueOfY, gradcheck.Parameters}, sample: shape(4), make: func(rng *rand.Rand) made {
		b := param[float64]("b", rng, 4)
		l := withoutBias[float64](shape(4), rng)
		l.params = append(l.params, b)
		return l
	}, Case: gradcheck.Case{Graph: func(t *trace.Tracer, l nn.Layer[float64], x node) node {
		return graph.Affine(t.Graph, x, t.Param(l.Params()[0]), t.Param(l.Params()[1]))
	}}},
}

// formulaOfNorm is that of layer norm over four features.
func formulaOfNorm(eps float64) trace.Formula {
	return func(t *trace.Tracer, _ nn.Layer[float64], x node) node {
		n := x.Shape[0]
		over := func(a node) node { return t.Broadcast(t.Reshape(times(t, t.Sum(a, 1), 0.25), n, 1), n, 4) }
		centred := t.Sub(x, over(x))
		return t.Div(centred, t.Sqrt(plus(t, over(t.Mul(centred, centred)), eps)))
	}
}
