package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/gradcheck"
)

var inputs = clauses{gradcheck.Inputs}

// inPoint is a wrong pointwise layer.
func inPoint(name, why string, c clauses, f, df func(float64) float64, of ...gradcheck.Case) wrong {
	w := wrong{name: name, why: why, clauses: c, sample: shape(2, 3), make: func(*rand.Rand) made { return pointwise[float64](name, f, df) }}
	if len(of) > 0 {
		w.Case = of[0]
	}
	return w
}

func identity(v float64) float64 { return v }

// wrongInputs are layers that are right for some inputs.
var wrongInputs = []wrong{
	inPoint("SigmoidOverflows", "e^x/(1+e^x) is NaN where e^x is infinite", inputs,
		func(v float64) float64 { return math.Exp(v) / (1 + math.Exp(v)) }, dsigmoid),
	inPoint("SoftplusOverflows", "log(1+e^x) is infinite where e^x is", inputs,
		func(v float64) float64 { return math.Log(1 + math.Exp(v)) }, sigmoid),
	inPoint("TanhOverflows", "(e^x-e^-x)/(e^x+e^-x) is NaN far from 0", inputs,
		func(v float64) float64 { return (math.Exp(v) - math.Exp(-v)) / (math.Exp(v) + math.Exp(-v)) }, sech2),
	inPoint("LogSigmoidUnderflows", "the logarithm of a sigmoid that is 0", inputs,
		func(v float64) float64 { return math.Log(1 / (1 + math.Exp(-v))) }, func(v float64) float64 { return sigmoid(-v) }),
	inPoint("SiLUGradientOverflows", "the gradient has (1+e^x)² below the line, which is infinite from 355 on", inputs, silu,
		func(v float64) float64 {
			e := math.Exp(v)
			return e * (1 + e + v) / ((1 + e) * (1 + e))
		}),
	inPoint("AbsAtZero", "the gradient is x/|x|, which is NaN at 0", inputs, math.Abs, func(v float64) float64 { return v / math.Abs(v) }),
	inPoint("SincAtZero", "sin(x)/x without a case for 0", inputs,
		func(v float64) float64 { return math.Sin(v) / v }, func(v float64) float64 { return (math.Cos(v) - math.Sin(v)/v) / v }),
	inPoint("SeriesNearZero", "the series of sin(x)/x for small x has a derivative of x/6 in place of x/3", inputs,
		func(v float64) float64 {
			if math.Abs(v) < 0.02 {
				return 1 - v*v/6
			}
			return math.Sin(v) / v
		}, func(v float64) float64 {
			if math.Abs(v) < 0.02 {
				return -v / 6
			}
			return (math.Cos(v) - math.Sin(v)/v) / v
		}),
	inPoint("ReLU6PassesAboveSix", "the gradient is that of ReLU, which does not end at 6", inputs, func(v float64) float64 { return min(max(v, 0), 6) }, step, gradcheck.Case{Flat: true}),
	inPoint("ClampPasses", "dy passes where x is clamped at ±10, as in a straight-through estimator", inputs,
		func(v float64) float64 { return min(max(v, -10), 10) }, one, gradcheck.Case{Flat: true}),
	inPoint("GELUCutOff", "the gradient is 1 from 2.5 on", inputs, gelu, func(v float64) float64 {
		if v > 2.5 {
			return 1
		}
		return dgelu(v)
	}),
	inPoint("ELUFarBelow", "the gradient is set to 0 below -5, where it is still 0.007", inputs,
		func(v float64) float64 { return piece(v, 0, math.Expm1(v), v) }, func(v float64) float64 {
			return piece(v, -5, 0, piece(v, 0, math.Exp(v), 1))
		}),
	inPoint("ZerosSkipped", "zeros are skipped for speed, in dx too", inputs, math.Sin, func(v float64) float64 {
		if v == 0 {
			return 0
		}
		return math.Cos(v)
	}),
	inPoint("SmallGradientsDropped", "gradients of x below 0.001 are set to 0, to be sparse", inputs, func(v float64) float64 { return v * v },
		func(v float64) float64 {
			if math.Abs(v) < 1e-3 {
				return 0
			}
			return 2 * v
		}),
	inPoint("RoundsWholeNumbers", "a whole number is taken for an index, without a gradient", inputs, math.Sin, func(v float64) float64 {
		if v == math.Trunc(v) {
			return 0
		}
		return math.Cos(v)
	}),
	{name: "SoftmaxOverflows", why: "the largest logit is not taken off", clauses: inputs, sample: shape(4), make: func(*rand.Rand) made {
		return each("Softmax", shape(4), shape(4), func(x, y []float64) {
			for i, v := range x {
				y[i] = math.Exp(v)
			}
			total := sum(y)
			for i := range y {
				y[i] /= total
			}
		}, func(_, y, dy, dx []float64) { softmaxBackward(y, dy, dx) })
	}},
	{name: "LogOfSoftmax", why: "the logarithm of a probability that is 0", clauses: inputs, sample: shape(4), make: func(*rand.Rand) made {
		return each("LogSoftmax", shape(4), shape(4), func(x, y []float64) {
			softmax(x, y)
			for i, v := range y {
				y[i] = math.Log(v)
			}
		}, func(_, y, dy, dx []float64) {
			for i := range y {
				dx[i] = dy[i] - math.Exp(y[i])*sum(dy)
			}
		})
	}},
	{name: "AllMaximaGetIt", why: "every element equal to the maximum gets dy: two that tie get it twice", clauses: inputs, sample: shape(4), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		return each("Max", shape(4), shape(1), func(x, y []float64) { y[0] = slices.Max(x) }, func(x, y, dy, dx []float64) {
			for i, v := range x {
				if v == y[0] {
					dx[i] = dy[0]
				}
			}
		})
	}},
	{name: "NoMaximumGetsIt", why: "dy goes to the element that is larger than all others: where two tie, to none", clauses: inputs, sample: shape(4), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		return each("Max", shape(4), shape(1), func(x, y []float64) { y[0] = slices.Max(x) }, func(x, y, dy, dx []float64) {
			for i, v := range x {
				if v == y[0] && slices.Index(x[i+1:], v) < 0 && slices.Index(x[:i], v) < 0 {
					dx[i] = dy[0]
				}
			}
		})
	}},
	{name: "EqualFeatures", why: "layer norm without eps divides by 0 where all features are equal", clauses: inputs, sample: shape(4), make: func(*rand.Rand) made {
		return each("LayerNorm", shape(4), shape(4), func(x, y []float64) { normalize(x, y, 0) },
			func(x, y, dy, dx []float64) { normalizeBackward(y, dy, dx, normalize(x, make([]float64, 4), 0)) })
	}},
	{name: "EpsForwardAlone", why: "Backward computes the standard deviation again, without eps", clauses: inputs, sample: shape(4), make: func(*rand.Rand) made {
		return each("LayerNorm", shape(4), shape(4), func(x, y []float64) { normalize(x, y, 1e-9) },
			func(x, y, dy, dx []float64) { normalizeBackward(y, dy, dx, normalize(x, make([]float64, 4), 0)) })
	}},
	{name: "DYClipped", why: "each element of dy is clipped at ±5, to be safe", clauses: inputs, sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, _, dy, dx array) {
			for i, d := range dy.Data {
				dx.Data[i] = min(max(d, -5), 5) * math.Cos(x.Data[i])
			}
		})
	}},
	{name: "DYOverItsNorm", why: "a dy of a norm above 30 is scaled down to it", clauses: inputs, sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, _, _, dy, dx array) {
			if norm := math.Sqrt(dot(dy.Data, dy.Data)); norm > 30 {
				for i := range dx.Data {
					dx.Data[i] *= 30 / norm
				}
			}
		})
	}},
	{name: "DYOfZeros", why: "dy is divided by its largest magnitude, which may be 0", clauses: inputs, sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, _, _, dy, dx array) {
			most := 0.0
			for _, d := range dy.Data {
				most = max(most, math.Abs(d))
			}
			for i := range dx.Data {
				dx.Data[i] = dx.Data[i] / most * most
			}
		})
	}},
	inPoint("SoftplusGradientLost", "from 20 on y is x, and the gradient of that branch is forgotten", inputs, softplus, func(v float64) float64 {
		if v > 20 {
			return 0
		}
		return sigmoid(v)
	}),
	inPoint("TinyIsNoise", "a magnitude below 1e-6 is taken for noise, which has no gradient", inputs, math.Sin, func(v float64) float64 {
		if v != 0 && math.Abs(v) < 1e-6 {
			return 0
		}
		return math.Cos(v)
	}),
	{name: "NormOfZero", why: "x/|x| is NaN where |x| = 0", clauses: inputs, sample: shape(3), make: func(rng *rand.Rand) made { return unit[float64](shape(3), rng) }},
	{name: "SortedTwice", why: "every element equal to the median gets dy", clauses: inputs, sample: shape(3), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		median := func(x []float64) float64 {
			s := slices.Clone(x)
			slices.Sort(s)
			return s[1]
		}
		return each("Median", shape(3), shape(1), func(x, y []float64) { y[0] = median(x) }, func(x, y, dy, dx []float64) {
			for i, v := range x {
				if v == y[0] {
					dx[i] = dy[0]
				}
			}
		})
	}},
	{name: "MaximumFromZero", why: "the search for the maximum begins with 0, so that all-negative features have none", clauses: inputs, sample: shape(5), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		largest := func(x []float64) (at int, most float64) {
			for i, v := range x {
				if v > most {
					at, most = i, v
				}
			}
			return at, most
		}
		return each("Max", shape(5), shape(1), func(x, y []float64) { _, y[0] = largest(x) }, func(x, _, dy, dx []float64) {
			at, _ := largest(x)
			dx[at] = dy[0]
		})
	}},
	{name: "MaximumOfTheBatch", why: "softmax takes off the largest logit of the batch, which leaves 0/0 in a row of much smaller ones", clauses: inputs, sample: shape(3), make: func(*rand.Rand) made {
		return &layer[float64]{name: "Softmax", forward: func(p pass, x array) array {
			y := p.New(x.Shape...)
			for i, v := range x.Data {
				y.Data[i] = math.Exp(v - slices.Max(x.Data))
			}
			for n := range x.Shape[0] {
				row := y.Rows(n, n+1).Data
				total := sum(row)
				for i := range row {
					row[i] /= total
				}
			}
			return y
		}, backward: func(p pass, x, y, dy array) array {
			dx := p.New(x.Shape...)
			clear(dx.Data)
			for n := range x.Shape[0] {
				softmaxBackward(y.Rows(n, n+1).Data, dy.Rows(n, n+1).Data, dx.Rows(n, n+1).Data)
			}
			return dx
		}}
	}},
	inPoint("HuberFar", "the gradient of a Huber function is not cut at its delta of 50", inputs, func(v float64) float64 {
		if math.Abs(v) > 50 {
			return 50 * (math.Abs(v) - 25)
		}
		return v * v / 2
	}, identity),
	{name: "ZeroDYSkipped", why: "samples whose dy is 0 are skipped, and their dx is whatever the memory holds", clauses: append(inputs, gradcheck.Steps), sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		l.backward = func(p pass, x, _, dy array) array {
			dx := p.New(x.Shape...)
			for n := range x.Shape[0] {
				row := dy.Rows(n, n+1).Data
				if dot(row, row) == 0 {
					continue
				}
				for i, d := range row {
					dx.Rows(n, n+1).Data[i] = d * math.Cos(x.Rows(n, n+1).Data[i])
				}
			}
			return dx
		}
		return l
	}},
	inPoint("LeakyAtZero", "the gradient at 0 is 0, which is neither of the slopes 0.01 and 1, nor between them", append(inputs, gradcheck.AtKinks),
		func(v float64) float64 { return piece(v, 0, 0.01*v, v) }, func(v float64) float64 {
			if v == 0 {
				return 0
			}
			return piece(v, 0, 0.01, 1)
		}),
	inPoint("BothSlopesAtZero", "the gradients of max(x, 0) and of -max(-x, 0) are added, so that at 0 it is 2", append(inputs, gradcheck.AtKinks), identity, func(v float64) float64 {
		return piece(v, 0, 0, 1) + piece(-v, 0, 0, 1)
	}),
	{name: "ZeroPanics", why: "a check against division by 0 panics, although 0 is nothing special", clauses: inputs, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, _ array) {
			if slices.Contains(x.Data, 0) {
				panic("Sin: x is 0")
			}
		})
	}},
}
