package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

var only32 = clauses{gradcheck.Float32}

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
	bothOf("SignIn32", "the code for float32 is an old copy with the sign not corrected", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], _, _, dx array32) {
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
	bothOf("StateIn32", "the scratch memory of float32 is cleared only when it is made", shape(4), right43[float64], func(rng *rand.Rand) *layer[float32] {
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
	bothOf("HalfPrecision", "float32 is rounded to bfloat16 on the way", shape(5), func(*rand.Rand) *layer[float64] { return pointwise[float64]("Sin", math.Sin, math.Cos) },
		func(*rand.Rand) *layer[float32] {
			return pointwise[float32]("Sin", func(v float64) float64 {
				return float64(math.Float32frombits(math.Float32bits(float32(math.Sin(v))) &^ 0xffff))
			}, math.Cos)
		}),
	bothOf("WritesDYIn32", "dx is computed in place of dy", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], _, dy, _ array32) {
		clear(dy.Data)
	})),
	bothOf("WritesXIn32", "x is standardized in place", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], x, _, _ array32) {
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
	bothOf("OneSampleIn32", "a product of one row has code of its own, which reverses the result", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], x, _, dx array32) {
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
	bothOf("LastRowIn32", "the kernel takes eight numbers at once and leaves out the remainder", shape(5), func(*rand.Rand) *layer[float64] { return pointwise[float64]("Sin", math.Sin, math.Cos) },
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
	bothOf("WeightsCopiedIn32", "for mixed precision, the weights are copied once, when the layer is made", shape(4), right43[float64], func(rng *rand.Rand) *layer[float32] {
		l := right43[float32](rng)
		w := l.params[0]
		copied := w.Value.Clone()
		right := l.forward
		l.forward = func(p *nn.Pass[float32], x array32) array32 {
			y := right(p, x)
			for n := range x.Shape[0] {
				copy(y.Rows(n, n+1).Data, l.params[1].Value.Data)
				vecMat(x.Rows(n, n+1).Data, copied.Data, y.Rows(n, n+1).Data)
			}
			return y
		}
		return l
	}),
	bothOf("NilPassIn32", "prediction in float32 has code of its own, without the bias", shape(4), right43[float64], func(rng *rand.Rand) *layer[float32] {
		l := right43[float32](rng)
		right := l.forward
		l.forward = func(p *nn.Pass[float32], x array32) array32 {
			y := right(p, x)
			for i := range y.Data {
				if p == nil {
					y.Data[i] -= l.params[1].Value.Data[i%3]
				}
			}
			return y
		}
		return l
	}),
	bothOf("NinthIn32", "the kernel takes eight samples at once and leaves out a single one that remains", shape(4), right43[float64], in32(func(_ *layer[float32], _ *nn.Pass[float32], x, _, dx array32) {
		if n := x.Shape[0]; n > 8 && n%8 == 1 {
			clear(dx.Rows(n-1, n).Data)
		}
	})),
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
