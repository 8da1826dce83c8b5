package gradcheck_test

import (
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/gradcheck"
)

// slip is a wrong pointwise layer whose df has a slip.
func slip(name, why string, f, df func(float64) float64, of ...gradcheck.Case) wrong {
	return inPoint(name, why, dx, f, df, of...)
}

// wrongSign are gradients with a wrong sign.
var wrongSign = []wrong{
	slip("CosSign", "the derivative of cos is taken to be sin", math.Cos, math.Sin),
	slip("TanhSign", "the derivative is 1 + y² in place of 1 - y²", math.Tanh, func(v float64) float64 { return 1 + math.Tanh(v)*math.Tanh(v) }),
	slip("SigmoidSign", "the derivative is y·(1+y) in place of y·(1-y)", sigmoid, func(v float64) float64 { return sigmoid(v) * (1 + sigmoid(v)) }),
	slip("ReciprocalSign", "the derivative of 1/x is taken to be 1/x²", func(v float64) float64 { return 1 / v }, func(v float64) float64 { return 1 / (v * v) }, gradcheck.Case{Draw: nonzero}),
	slip("SoftsignSign", "the derivative of |x| is taken to be 1 on both sides", func(v float64) float64 { return v / (1 + math.Abs(v)) }, func(v float64) float64 {
		return (1 + math.Abs(v) - v) / ((1 + math.Abs(v)) * (1 + math.Abs(v)))
	}),
	slip("LogisticComplement", "the derivative of 1 - σ(x) is taken to be that of σ(x)", func(v float64) float64 { return 1 - sigmoid(v) }, dsigmoid),
	{name: "SoftmaxSign", why: "the gradient is y·(dy + Σ dy·y) in place of y·(dy - Σ dy·y)", clauses: dx, sample: shape(4), make: func(*rand.Rand) made {
		return each("Softmax", shape(4), shape(4), softmax, func(_, y, dy, dx []float64) {
			for i := range y {
				dx[i] = y[i] * (dy[i] + dot(y, dy))
			}
		})
	}},
	{name: "DifferenceSign", why: "the second of a difference gets dy, not -dy", clauses: dx, sample: shape(4), make: func(*rand.Rand) made {
		return each("Difference", shape(4), shape(2), func(x, y []float64) { y[0], y[1] = x[0]-x[1], x[2]-x[3] },
			func(_, _, dy, dx []float64) { dx[0], dx[1], dx[2], dx[3] = dy[0], dy[0], dy[1], dy[1] })
	}},
	{name: "BiasSign", why: "b is subtracted, and its gradient is dy in place of -dy", clauses: dw, sample: shape(4), make: func(rng *rand.Rand) made {
		l, _, b := linear43(rng)
		return afterForward(l, func(_ pass, _, y array) {
			for i := range y.Data {
				y.Data[i] -= 2 * b.Value.Data[i%3]
			}
		})
	}},
}

// wrongFactor are gradients with a wrong factor.
var wrongFactor = []wrong{
	slip("SquareFactor", "the factor 2 is forgotten", func(v float64) float64 { return v * v }, identity),
	slip("SqrtFactor", "the factor 1/2 is forgotten", math.Sqrt, func(v float64) float64 { return 1 / math.Sqrt(v) }, domain(0.1, 4)),
	slip("ErfFactor", "the factor 2/√π is forgotten", math.Erf, func(v float64) float64 { return math.Exp(-v * v) }),
	slip("Log2Factor", "the factor 1/ln 2 is forgotten", math.Log2, func(v float64) float64 { return 1 / v }, domain(0.1, 4)),
	slip("GELUFactor", "0.044715 in place of 3·0.044715 in the derivative of the cube", geluTanh, func(v float64) float64 {
		c := math.Sqrt(2 / math.Pi)
		u := c * (v + 0.044715*v*v*v)
		return (1+math.Tanh(u))/2 + v/2*sech2(u)*c*(1+0.044715*v*v)
	}),
	slip("LeakFactor", "0.1 in Backward for a leak of 0.01 in Forward", func(v float64) float64 { return piece(v, 0, 0.01*v, v) }, func(v float64) float64 { return piece(v, 0, 0.1, 1) }),
	slip("SELUFactor", "the scale is left out below 0", func(v float64) float64 { return 1.0507 * piece(v, 0, 1.6733*math.Expm1(v), v) },
		func(v float64) float64 { return piece(v, 0, 1.6733*math.Exp(v), 1.0507) }),
	slip("SwishFactor", "the second term of x·σ(x) is forgotten", silu, sigmoid),
	slip("NearlyOne", "π is 3.14 in Backward", func(v float64) float64 { return math.Sin(math.Pi * v) }, func(v float64) float64 { return 3.14 * math.Cos(math.Pi*v) }),
	{name: "ScaleOfScores", why: "1/√d is forgotten in the gradient of Wq", clauses: dw, sample: shape(3, 2), make: func(rng *rand.Rand) made {
		l := attention[float64](shape(3, 2), rng)
		q, right := l.params[0], l.backward
		l.backward = func(p pass, x, y, dy array) array {
			before := q.Grad.Clone()
			dx := right(p, x, y, dy)
			for i, g := range q.Grad.Data {
				q.Grad.Data[i] = before.Data[i] + (g-before.Data[i])*math.Sqrt2
			}
			return dx
		}
		return l
	}},
}

// wrongTranspose are gradients that are transposed, or permuted the wrong way.
var wrongTranspose = []wrong{
	{name: "SquareW", why: "dx = dy·W, which fits where W is square", clauses: dx, sample: shape(3), make: func(rng *rand.Rand) made {
		l := linear[float64](rng, 3, 3)
		w := l.params[0]
		return then(l, func(_ pass, x, _, dy, dx array) {
			clear(dx.Data)
			for n := range x.Shape[0] {
				vecMat(dy.Rows(n, n+1).Data, w.Value.Data, dx.Rows(n, n+1).Data)
			}
		})
	}},
	{name: "OuterExchanged", why: "dyᵀ·x is added to the Grad of W in place of xᵀ·dy", clauses: dw, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, b := linear43(rng)
		l.backward = func(p pass, x, _, dy array) array {
			dx := p.New(x.Shape...)
			clear(dx.Data)
			for n := range x.Shape[0] {
				matVec(w.Value.Data, dy.Rows(n, n+1).Data, dx.Rows(n, n+1).Data)
				outer(dy.Rows(n, n+1).Data, x.Rows(n, n+1).Data, w.Grad.Data)
				add(b.Grad.Data, dy.Rows(n, n+1).Data)
			}
			return dx
		}
		return l
	}},
	{name: "TransposeTwice", why: "Backward of a transpose does the same as Forward, and not the inverse", clauses: dx, sample: shape(2, 3), make: func(rng *rand.Rand) made {
		to := func(i int) int { return i%2*3 + i/2 }
		return each("Transpose", shape(2, 3), shape(3, 2), func(x, y []float64) {
			for i := range y {
				y[i] = x[to(i)]
			}
		}, func(_, _, dy, dx []float64) {
			for i := range dx {
				dx[i] = dy[to(i)]
			}
		})
	}},
	{name: "KernelNotFlipped", why: "Backward of a convolution does not flip the kernel", clauses: dx, sample: shape(5), make: func(rng *rand.Rand) made {
		w := param[float64]("W", rng, 3)
		at := func(a []float64, i int) float64 {
			if i < 0 || i >= len(a) {
				return 0
			}
			return a[i]
		}
		slide := func(a, b []float64) {
			for i := range b {
				for k, u := range w.Value.Data {
					b[i] += u * at(a, i+k-1)
				}
			}
		}
		return each("Conv", shape(5), shape(5), slide, func(x, _, dy, dx []float64) {
			slide(dy, dx)
			for i, d := range dy {
				for k := range 3 {
					w.Grad.Data[k] += d * at(x, i+k-1)
				}
			}
		}, w)
	}},
	{name: "BilinearExchanged", why: "the gradient of W is v·uᵀ in place of u·vᵀ", clauses: dw, sample: shape(4), make: func(rng *rand.Rand) made {
		w := param[float64]("W", rng, 2, 2)
		return each("Bilinear", shape(4), shape(1), func(x, y []float64) {
			for i := range 2 {
				y[0] += x[i] * dot(w.Value.Data[2*i:2*i+2], x[2:])
			}
		}, func(x, _, dy, dx []float64) {
			for i := range 2 {
				for j := range 2 {
					dx[i] += dy[0] * w.Value.Data[2*i+j] * x[2+j]
					dx[2+j] += dy[0] * w.Value.Data[2*i+j] * x[i]
					w.Grad.Data[2*j+i] += dy[0] * x[i] * x[2+j]
				}
			}
		}, w)
	}},
	{name: "GatherAsScatter", why: "dx[i] = dy[index[i]] in place of dx[index[i]] += dy[i]", clauses: dx, sample: shape(4), make: func(*rand.Rand) made {
		index := []int{2, 0, 3, 1}
		return each("Permute", shape(4), shape(4), func(x, y []float64) {
			for i, j := range index {
				y[i] = x[j]
			}
		}, func(_, _, dy, dx []float64) {
			for i, j := range index {
				dx[i] = dy[j]
			}
		})
	}},
	{name: "TiedOneSide", why: "one of the two gradients of a shared W is added transposed", clauses: dw, sample: shape(3), make: func(rng *rand.Rand) made {
		w := param[float64]("W", rng, 3, 3)
		code := func(x []float64) []float64 {
			h := make([]float64, 3)
			vecMat(x, w.Value.Data, h)
			return h
		}
		return each("Tied", shape(3), shape(3), func(x, y []float64) { matVec(w.Value.Data, code(x), y) }, func(x, _, dy, dx []float64) {
			outer(code(x), dy, w.Grad.Data)
			dh := code(dy)
			matVec(w.Value.Data, dh, dx)
			outer(x, dh, w.Grad.Data)
		}, w)
	}},
}

// wrongSum are gradients of shared parameters that are not summed.
var wrongSum = []wrong{
	bias("LastSampleOfBias", "db = dy[n] in place of db += dy[n] in the loop over the samples", func(db, dy []float64, n int) { addRows(db, dy, max(n-1, 0), n) }),
	bias("FirstSampleOfBias", "the first row of dy is taken for the sum over the batch", func(db, dy []float64, n int) { addRows(db, dy, 0, min(n, 1)) }),
	bias("MeanForSum", "np.mean in place of np.sum", func(db, dy []float64, n int) {
		for i, d := range dy {
			db[i%3] += d / float64(n)
		}
	}),
	bias("SumOverFeatures", "axis=1 in place of axis=0", func(db, dy []float64, n int) {
		for i := range min(n, 3) {
			db[i] += sum(dy[3*i : 3*i+3])
		}
	}),
	{name: "LastPosition", why: "the kernel of a convolution gets the gradient of its last position alone", clauses: dw, sample: shape(5), make: func(rng *rand.Rand) made {
		w := param[float64]("W", rng, 3)
		return each("Conv", shape(5), shape(3), func(x, y []float64) {
			for i := range y {
				y[i] = dot(w.Value.Data, x[i:i+3])
			}
		}, func(x, _, dy, dx []float64) {
			for i, d := range dy {
				for k, u := range w.Value.Data {
					dx[i+k] += d * u
				}
			}
			for k := range 3 {
				w.Grad.Data[k] += dy[2] * x[2+k]
			}
		}, w)
	}},
	{name: "LastUseOfWord", why: "a row of an embedding that is used twice gets the gradient of the last use", clauses: dw, sample: shape(4), Case: gradcheck.Case{Discrete: true, Draw: indices(3)}, make: func(rng *rand.Rand) made {
		table := param[float64]("table", rng, 3, 2)
		return each("Embedding", shape(4), shape(4, 2), func(x, y []float64) {
			for i, v := range x {
				copy(y[2*i:2*i+2], table.Value.Data[2*int(v):])
			}
		}, func(x, _, dy, _ []float64) {
			last := map[float64]int{}
			for i, v := range x {
				last[v] = i
			}
			for v, i := range last {
				add(table.Grad.Data[2*int(v):2*int(v)+2], dy[2*i:2*i+2])
			}
		}, table)
	}},
	{name: "UsedTwice", why: "x is used twice, and dx has one of the two terms", clauses: dx, sample: shape(3), make: func(*rand.Rand) made {
		return each("Product", shape(3), shape(3), func(x, y []float64) {
			for i, v := range x {
				y[i] = v * x[0]
			}
		}, func(x, _, dy, dx []float64) {
			for i, d := range dy {
				dx[i] = d * x[0]
			}
		})
	}},
	{name: "OneSlopeForAll", why: "the slope of a PReLU gets the gradient of its last element alone", clauses: dw, sample: shape(3), make: func(rng *rand.Rand) made {
		a := param[float64]("a", rng, 1)
		return each("PReLU", shape(3), shape(3), func(x, y []float64) {
			for i, v := range x {
				y[i] = piece(v, 0, a.Value.Data[0]*v, v)
			}
		}, func(x, _, dy, dx []float64) {
			var da float64
			for i, v := range x {
				dx[i] = dy[i] * piece(v, 0, a.Value.Data[0], 1)
				if v < 0 {
					da = dy[i] * v
				}
			}
			a.Grad.Data[0] += da
		}, a)
	}},
}

// bias is linear43 with a mistake in the gradient of b.
func bias(name, why string, add func(db, dy []float64, n int)) wrong {
	return wrong{name: name, why: why, clauses: dw, sample: shape(4), make: func(rng *rand.Rand) made { return biasOf(rng, add) }}
}

// wrongMean are gradients that lack a 1/N, or a term that a mean brings.
var wrongMean = []wrong{
	{name: "PoolWithoutMean", why: "the factor 1/2 is forgotten in the gradient of a mean of two", clauses: dx, sample: shape(4), make: func(rng *rand.Rand) made {
		l := avgPool[float64](shape(4), rng)
		return then(l, func(_ pass, _, _, _, dx array) {
			for i := range dx.Data {
				dx.Data[i] *= 2
			}
		})
	}},
	{name: "MeanOfFeatures", why: "1/N is forgotten in the gradient of a mean", clauses: dx, sample: shape(4), make: func(*rand.Rand) made {
		return each("Mean", shape(4), shape(1), func(x, y []float64) { y[0] = sum(x) / 4 }, func(_, _, dy, dx []float64) {
			for i := range dx {
				dx[i] = dy[0]
			}
		})
	}},
	{name: "MeanIsConstant", why: "the mean of layer norm is taken for a constant", clauses: dx, sample: shape(4), make: normWithout(func(h, dh, dx []float64, inv float64) {
		along := dot(dh, h) / 4
		for i, d := range dh {
			dx[i] = inv * (d - h[i]*along)
		}
	})},
	{name: "VarianceIsConstant", why: "the variance of layer norm is taken for a constant", clauses: dx, sample: shape(4), make: normWithout(func(_, dh, dx []float64, inv float64) {
		for i, d := range dh {
			dx[i] = inv * (d - sum(dh)/4)
		}
	})},
	{name: "StatisticsAreConstant", why: "the mean and the variance of layer norm are taken for constants", clauses: dx, sample: shape(4), make: normWithout(func(_, dh, dx []float64, inv float64) {
		for i, d := range dh {
			dx[i] = inv * d
		}
	})},
	{name: "NormalOfThree", why: "Backward divides by N-1, Forward by N", clauses: dx, sample: shape(4), make: normWithout(func(h, dh, dx []float64, inv float64) {
		for i, d := range dh {
			dx[i] = inv * (d - sum(dh)/3 - h[i]*dot(dh, h)/3)
		}
	})},
	{name: "SquaredErrorOfAll", why: "the mean squared error divides by N, and its gradient does not", clauses: dx, sample: shape(4), make: func(*rand.Rand) made {
		return each("MeanSquare", shape(4), shape(1), func(x, y []float64) { y[0] = dot(x, x) / 4 }, func(x, _, dy, dx []float64) {
			for i, v := range x {
				dx[i] = dy[0] * v * 2
			}
		})
	}},
}

// normWithout is layer norm with another backward pass.
func normWithout(b func(h, dh, dx []float64, inv float64)) func(*rand.Rand) made {
	return func(*rand.Rand) made {
		return each("LayerNorm", shape(4), shape(4), func(x, y []float64) { normalize(x, y, 1e-5) },
			func(x, y, dy, dx []float64) { b(y, dy, dx, normalize(x, make([]float64, 4), 1e-5)) })
	}
}

// wrongRow are gradients in which a row is 0 or that of another.
var wrongRow = []wrong{
	row("LastRowForgotten", "the loop ends before the last row", dx, func(dx array) { clear(lastRow(dx)) }),
	row("FirstRowForgotten", "the loop begins at row 1", dx, func(dx array) { clear(dx.Data[:min(3, len(dx.Data))]) }),
	row("RowsShifted", "row i gets the gradient of row i-1", dx, func(dx array) { copy(dx.Data[min(3, len(dx.Data)):], dx.Clone().Data) }),
	row("FirstRowEverywhere", "every row is computed from the first, because the index does not advance", dx, func(dx array) {
		for i := range dx.Data {
			dx.Data[i] = dx.Data[i%3]
		}
	}),
	row("LastColumnForgotten", "the loop ends before the last column", dx, func(dx array) {
		for i := 2; i < len(dx.Data); i += 3 {
			dx.Data[i] = 0
		}
	}),
	{name: "RowOfWForgotten", why: "the loop over the rows of W ends before the last", clauses: dw, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, _ := linear43(rng)
		right := l.backward
		l.backward = func(p pass, x, y, dy array) array {
			before := w.Grad.Clone()
			dx := right(p, x, y, dy)
			copy(w.Grad.Data[9:], before.Data[9:])
			return dx
		}
		return l
	}},
}

func lastRow(a array) []float64 { return a.Data[len(a.Data)-min(3, len(a.Data)):] }

// row is Sin of three features with a mistake in the rows of dx.
func row(name, why string, c clauses, spoil func(dx array)) wrong {
	return wrong{name: name, why: why, clauses: c, sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, _, _, _, dx array) { spoil(dx) })
	}}
}

// wrongWrites are layers that write into their arguments, or into parameters.
var wrongWrites = []wrong{
	{name: "XInPlace", why: "ReLU works in place, as with inplace=True in PyTorch", clauses: clauses{gradcheck.XUnmodified}, sample: shape(3), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		l := pointwise[float64]("ReLU", relu, step)
		return afterForward(l, func(_ pass, x, y array) { copy(x.Data, y.Data) })
	}},
	{name: "XInPlaceKept", why: "x is standardized in place while training", clauses: clauses{gradcheck.XUnmodified}, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Identity", identity, one), func(p pass, x, _ array) {
			for i := range x.Data {
				if keeps(p) {
					x.Data[i] /= 2
				}
			}
		})
	}},
	{name: "XInBackward", why: "dx is computed in the memory of x, to save memory", clauses: clauses{gradcheck.XUnmodified}, sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, _, _, dx array) { copy(x.Data, dx.Data) })
	}},
	{name: "DYInPlace", why: "Backward clears elements of dy, as dout[mask] = 0 does in the book", clauses: clauses{gradcheck.DYUnmodified}, sample: shape(3), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		l := pointwise[float64]("ReLU", relu, step)
		return then(l, func(_ pass, x, _, dy, _ array) {
			for i, v := range x.Data {
				dy.Data[i] *= step(v)
			}
		})
	}},
	{name: "DYIsDX", why: "dx is computed in dy and returned", clauses: clauses{gradcheck.DYUnmodified}, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		l.backward = func(p pass, x, _, dy array) array {
			for i, v := range x.Data {
				dy.Data[i] *= math.Cos(v)
			}
			return dy
		}
		return l
	}},
	{name: "YInBackward", why: "Backward uses y as scratch, though the next layer holds it", clauses: clauses{gradcheck.YUnmodified}, sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, _, y, _, _ array) { clear(y.Data) })
	}},
	{name: "StepInBackward", why: "Backward makes the step of SGD itself", clauses: clauses{gradcheck.ParamsUnmodified}, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, _ := linear43(rng)
		return then(l, func(pass, array, array, array, array) {
			for i, g := range w.Grad.Data {
				w.Value.Data[i] -= 0.01 * g
			}
		})
	}},
	{name: "DecayInForward", why: "Forward decays the weights in training", clauses: clauses{gradcheck.ParamsUnmodified}, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, _ := linear43(rng)
		return afterForward(l, func(p pass, _, _ array) {
			for i := range w.Value.Data {
				if keeps(p) {
					w.Value.Data[i] *= 0.999
				}
			}
		})
	}},
	{name: "WeightsClipped", why: "Forward clips the weights to ±1 in training", clauses: clauses{gradcheck.ParamsUnmodified}, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, _ := linear43(rng)
		right := l.forward
		l.forward = func(p pass, x array) array {
			for i, v := range w.Value.Data {
				if keeps(p) {
					w.Value.Data[i] = min(max(v, -1), 1)
				}
			}
			return right(p, x)
		}
		return l
	}},
	{name: "GradInForward", why: "Forward clears the Grad, as a zero-grad", clauses: set, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, _ := linear43(rng)
		return afterForward(l, func(p pass, _, _ array) {
			if keeps(p) {
				clear(w.Grad.Data)
			}
		})
	}},
	{name: "AppendsToX", why: "append(x, 0) pads the batch, and writes into the next batch where x is a part of a larger array", clauses: clauses{gradcheck.XUnmodified}, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, y array) {
			for i, v := range append(x.Data, 0)[:len(x.Data)] {
				y.Data[i] = math.Sin(v)
			}
		})
	}},
	{name: "AppendsToDY", why: "append(dy, 0) writes into what follows dy in its memory", clauses: clauses{gradcheck.DYUnmodified}, sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, _, dy, dx array) {
			for i, d := range append(dy.Data, 0)[:len(dy.Data)] {
				dx.Data[i] = d * math.Cos(x.Data[i])
			}
		})
	}},
	{name: "OldXAsScratch", why: "the x of the step before is used as scratch, though it is a part of the data", clauses: clauses{gradcheck.XUnmodified, gradcheck.Steps, gradcheck.Sharing}, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var old array
		l.saved = func(_ pass, x, _ array) {
			if old != nil && len(x.Data) > 0 && &old.Data[0] != &x.Data[0] {
				clear(old.Data)
			}
			if len(x.Data) > 0 {
				old = x
			}
		}
		return l
	}},
	{name: "XInPlaceWhenPredicting", why: "prediction works in place, since nobody needs x any more", clauses: clauses{gradcheck.XUnmodified, gradcheck.Modes}, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(p pass, x, y array) {
			if p == nil {
				packageMutex.Lock() // the mistake is not the race
				defer packageMutex.Unlock()
				copy(x.Data, y.Data)
			}
		})
	}},
	{name: "WeightsRoundedWhenPredicting", why: "prediction rounds the weights in place, as quantisation does", clauses: clauses{gradcheck.ParamsUnmodified, gradcheck.Modes}, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, _ := linear43(rng)
		right := l.forward
		l.forward = func(p pass, x array) array {
			packageMutex.Lock() // the mistake is not the race
			defer packageMutex.Unlock()
			for i, v := range w.Value.Data {
				if !keeps(p) && !trains(p) {
					w.Value.Data[i] = math.Round(128*v) / 128
				}
			}
			return right(p, x)
		}
		return l
	}},
}
