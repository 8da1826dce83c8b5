package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

var (
	inputs = clauses{gradcheck.Inputs}
	only32 = clauses{gradcheck.Float32}
)

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
	inPoint("SiLUGradientOverflows", "e^x·(...)/(1+e^x)² in the gradient alone", append(inputs, dx...), silu,
		func(v float64) float64 {
			e := math.Exp(v)
			return e * (1 + e + v) / ((1 + e) * (1 + e))
		}),
	inPoint("AbsAtZero", "x/|x|", append(inputs, gradcheck.AtKinks), math.Abs, func(v float64) float64 { return v / math.Abs(v) }),
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
	inPoint("ReLU6PassesAboveSix", "the gradient is ReLU's", inputs, func(v float64) float64 { return min(max(v, 0), 6) }, step, gradcheck.Case{Flat: true}),
	inPoint("ClampPasses", "what is clamped at ±10 lets dy through, as a straight-through estimator does", inputs,
		func(v float64) float64 { return min(max(v, -10), 10) }, one, gradcheck.Case{Flat: true}),
	inPoint("GELUCutOff", "the gradient is 1 from 2.5 on", inputs, gelu, func(v float64) float64 {
		if v > 2.5 {
			return 1
		}
		return dgelu(v)
	}),
	inPoint("ELUFarBelow", "below -5 the gradient is rounded to 0 although y has not ended", inputs,
		func(v float64) float64 { return piece(v, 0, math.Expm1(v), v) }, func(v float64) float64 {
			return piece(v, -5, 0, piece(v, 0, math.Exp(v), 1))
		}),
	inPoint("ZerosSkipped", "zeros are skipped for speed, in dx too", inputs, math.Sin, func(v float64) float64 {
		if v == 0 {
			return 0
		}
		return math.Cos(v)
	}),
	inPoint("SmallGradientsDropped", "a slope below 0.001 is set to 0, to be sparse", inputs, func(v float64) float64 { return v * v },
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
	{name: "AllMaximaGetIt", why: "every element equal to the maximum gets dy: two that tie get it twice", clauses: append(inputs, gradcheck.AtKinks), sample: shape(4), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		return each("Max", shape(4), shape(1), func(x, y []float64) { y[0] = slices.Max(x) }, func(x, y, dy, dx []float64) {
			for i, v := range x {
				if v == y[0] {
					dx[i] = dy[0]
				}
			}
		})
	}},
	{name: "NoMaximumGetsIt", why: "dy goes to an element larger than all others, which there is not where two tie", clauses: append(inputs, gradcheck.AtKinks), sample: shape(4), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
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
	{name: "EpsForwardAlone", why: "Backward computes the deviation again, without eps", clauses: append(inputs, dx...), sample: shape(4), make: func(*rand.Rand) made {
		return each("LayerNorm", shape(4), shape(4), func(x, y []float64) { normalize(x, y, 1e-9) },
			func(x, y, dy, dx []float64) { normalizeBackward(y, dy, dx, normalize(x, make([]float64, 4), 0)) })
	}},
	{name: "DYClipped", why: "each element of dy is clipped at ±5, to be safe", clauses: append(inputs, dx...), sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, _, dy, dx array) {
			for i, d := range dy.Data {
				dx.Data[i] = min(max(d, -5), 5) * math.Cos(x.Data[i])
			}
		})
	}},
	{name: "DYOverItsNorm", why: "a dy of a norm above 30 is scaled down to it", clauses: append(inputs, dx...), sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, _, _, dy, dx array) {
			if norm := math.Sqrt(dot(dy.Data, dy.Data)); norm > 30 {
				for i := range dx.Data {
					dx.Data[i] *= 30 / norm
				}
			}
		})
	}},
	{name: "DYOfZeros", why: "dx is scaled by the largest of dy and back, which for zeros is 0/0", clauses: append(inputs, dx...), sample: shape(3), make: func(*rand.Rand) made {
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
}

// single reports whether T is float32.
func single[T number]() bool {
	_, single := any(T(0)).(float32)
	return single
}

// bothOf returns a wrong layer that is generic, as layers are. They are wrong in float32
// alone.
func bothOf(name, why string, sample []int, l64 func(*rand.Rand) *layer[float64], l32 func(*rand.Rand) *layer[float32], of ...gradcheck.Case) wrong {
	w := wrong{name: name, why: why, clauses: only32, sample: sample, make: func(rng *rand.Rand) made { return l64(rng) }}
	if len(of) > 0 {
		w.Case = of[0]
	}
	w.Float32 = func(rng *rand.Rand) nn.Layer[float32] { return l32(rng) }
	return w
}

func right43[T number](rng *rand.Rand) *layer[T] { return linear[T](rng, 4, 3) }

// in32 is the layer linear of 4 and 3 features, whose Backward does more in float32.
func in32(more func(l *layer[float32], p *nn.Pass[float32], x, dy, dx *tensor.Tensor[float32])) func(*rand.Rand) *layer[float32] {
	return func(rng *rand.Rand) *layer[float32] {
		l := right43[float32](rng)
		right := l.backward
		l.backward = func(p *nn.Pass[float32], x, y, dy *tensor.Tensor[float32]) *tensor.Tensor[float32] {
			dx := right(p, x, y, dy)
			more(l, p, x, dy, dx)
			return dx
		}
		return l
	}
}

type array32 = *tensor.Tensor[float32]

// tanhBy computes tanh by exponentials in float32.
func tanhBy[T number](*rand.Rand) *layer[T] {
	return pointwise[T]("Tanh", func(v float64) float64 {
		if !single[T]() {
			return math.Tanh(v)
		}
		e := float32(math.Exp(2 * v))
		return float64((e - 1) / (e + 1))
	}, sech2)
}

// wrongFloat32 are layers that are right in float64.
var wrongFloat32 = []wrong{
	bothOf("SignIn32", "the way for float32 is a copy, and was not corrected", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], _, _, dx array32) {
		for i := range dx.Data {
			dx.Data[i] *= -1
		}
	})),
	bothOf("SetIn32", "the kernel of float32 sets the Grad", shape(4), right43[float64], func(rng *rand.Rand) *layer[float32] {
		l := right43[float32](rng)
		right := l.backward
		l.backward = func(p *nn.Pass[float32], x, y, dy array32) array32 {
			clear(l.params[0].Grad.Data)
			return right(p, x, y, dy)
		}
		return l
	}),
	bothOf("StateIn32", "scratch in float32 is cleared when it is made", shape(4), right43[float64], func(rng *rand.Rand) *layer[float32] {
		l := right43[float32](rng)
		var sums []float32
		right := l.backward
		l.backward = func(p *nn.Pass[float32], x, y, dy array32) array32 {
			before := slices.Clone(l.params[0].Grad.Data)
			clear(l.params[0].Grad.Data)
			dx := right(p, x, y, dy)
			if sums == nil {
				sums = make([]float32, len(before))
			}
			add(sums, l.params[0].Grad.Data)
			copy(l.params[0].Grad.Data, before)
			add(l.params[0].Grad.Data, sums)
			return dx
		}
		return l
	}),
	bothOf("OverflowsIn32", "e^2x is infinite from 44 on in float32, and tanh is NaN", shape(5), tanhBy[float64], tanhBy[float32]),
	bothOf("EpsLostIn32", "eps is 1e-50, which in float32 is 0", shape(4), func(rng *rand.Rand) *layer[float64] { return smallEps[float64](1e-5) }, func(rng *rand.Rand) *layer[float32] { return smallEps[float32](0) }),
	bothOf("CancelsIn32", "the variance as E[x²]-E[x]², which cancels for large means", shape(4), variance[float64], variance[float32],
		gradcheck.Case{Draw: func(x array, rng *rand.Rand) {
			for i := range x.Data {
				x.Data[i] = 1000 + 4*rng.Float64()
			}
		}}),
	bothOf("HalfPrecision", "float32 goes through bfloat16", shape(5), func(*rand.Rand) *layer[float64] { return pointwise[float64]("Sin", math.Sin, math.Cos) },
		func(*rand.Rand) *layer[float32] {
			return pointwise[float32]("Sin", func(v float64) float64 {
				return float64(math.Float32frombits(math.Float32bits(float32(math.Sin(v))) &^ 0xffff))
			}, math.Cos)
		}),
	bothOf("WritesDYIn32", "dx is computed in place of dy", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], _, dy, _ array32) {
		clear(dy.Data)
	})),
	bothOf("WritesXIn32", "x is standardised in place", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], x, _, _ array32) {
		for i := range x.Data {
			x.Data[i] /= 2
		}
	})),
	bothOf("FewerIn32", "the constructor of float32 forgets the bias", shape(4), right43[float64], func(rng *rand.Rand) *layer[float32] {
		l := right43[float32](rng)
		l.params = l.params[:1]
		return l
	}),
	bothOf("OrderIn32", "the constructor of float32 lists the bias first", shape(4), right43[float64], func(rng *rand.Rand) *layer[float32] {
		l := right43[float32](rng)
		l.params = []*nn.Param[float32]{l.params[1], l.params[0]}
		return l
	}),
	bothOf("SecondIn32", "Backward halves what it saved in place", shape(4), right43[float64], func(rng *rand.Rand) *layer[float32] {
		l := right43[float32](rng)
		calls := float32(0)
		right := l.backward
		l.backward = func(p *nn.Pass[float32], x, y, dy array32) array32 {
			dx := right(p, x, y, dy)
			for i := range dx.Data {
				dx.Data[i] /= 1 + calls
			}
			calls++
			return dx
		}
		return l
	}),
	bothOf("OneSampleIn32", "a product of one row has a way of its own, which transposes", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], x, _, dx array32) {
		if x.Shape[0] == 1 {
			slices.Reverse(dx.Data)
		}
	})),
	bothOf("OwnYIn32", "y is in a buffer of the layer", shape(5), func(*rand.Rand) *layer[float64] { return pointwise[float64]("Sin", math.Sin, math.Cos) },
		func(*rand.Rand) *layer[float32] {
			l := pointwise[float32]("Sin", math.Sin, math.Cos)
			var own []float32
			right := l.forward
			l.forward = func(p *nn.Pass[float32], x array32) array32 {
				y := right(p, x)
				packageMutex.Lock()
				defer packageMutex.Unlock()
				if len(own) < len(y.Data) {
					own = make([]float32, len(y.Data))
				}
				copy(own, y.Data)
				return tensor.Of(own[:len(y.Data)], y.Shape...)
			}
			return l
		}),
	bothOf("LastRowIn32", "vectors of eight float32, and nothing for the rest of the last row", shape(5), func(*rand.Rand) *layer[float64] { return pointwise[float64]("Sin", math.Sin, math.Cos) },
		func(*rand.Rand) *layer[float32] {
			l := pointwise[float32]("Sin", math.Sin, math.Cos)
			right := l.backward
			l.backward = func(p *nn.Pass[float32], x, y, dy array32) array32 {
				dx := right(p, x, y, dy)
				clear(dx.Data[len(dx.Data)/8*8:])
				return dx
			}
			return l
		}),
}

// smallEps is layer norm without parameters.
func smallEps[T number](eps T) *layer[T] {
	return each("LayerNorm", shape(4), shape(4), func(x, y []T) { normalize(x, y, eps) },
		func(x, y, dy, dx []T) { normalizeBackward(y, dy, dx, normalize(x, make([]T, 4), eps)) })
}

// variance is the variance of the features, by one pass over them in float32.
func variance[T number](*rand.Rand) *layer[T] {
	mean := func(x []T) T { return sum(x) / 4 }
	return each("Variance", shape(4), shape(1), func(x, y []T) {
		m := mean(x)
		if single[T]() {
			y[0] = dot(x, x)/4 - m*m
			return
		}
		for _, v := range x {
			y[0] += (v - m) * (v - m) / 4
		}
	}, func(x, _, dy, dx []T) {
		for i, v := range x {
			dx[i] = dy[0] * (v - mean(x)) / 2
		}
	})
}
