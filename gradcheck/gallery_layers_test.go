package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// The correct layers of the gallery, each for samples of the shape s.

// number is what the layers compute with: float32 or float64.
type number = tensor.Float

func sqrt[T number](v T) T { return T(math.Sqrt(float64(v))) }
func exp[T number](v T) T  { return T(math.Exp(float64(v))) }

// gated is y = a·f(b) for the two halves of a sample.
func gated[T number](name string, f, df func(float64) float64) func(s []int, _ *rand.Rand) *layer[T] {
	return func(s []int, _ *rand.Rand) *layer[T] {
		half := s[len(s)-1] / 2
		return each(name, s, shape(half), func(x, y []T) {
			for i := range y {
				y[i] = x[i] * T(f(float64(x[half+i])))
			}
		}, func(x, _, dy, dx []T) {
			for i, d := range dy {
				b := float64(x[half+i])
				dx[i] += d * T(f(b))
				dx[half+i] += d * x[i] * T(df(b))
			}
		})
	}
}

// swiGLU is (x·V) * silu(x·W), as in many transformers.
func swiGLU[T number](s []int, rng *rand.Rand) *layer[T] {
	in, out := s[0], 3
	v, w := param[T]("V", rng, in, out), param[T]("W", rng, in, out)
	both := func(x []T) (a, b []T) {
		a, b = make([]T, out), make([]T, out)
		vecMat(x, v.Value.Data, a)
		vecMat(x, w.Value.Data, b)
		return a, b
	}
	return each("SwiGLU", s, shape(out), func(x, y []T) {
		a, b := both(x)
		for i := range y {
			y[i] = a[i] * T(silu(float64(b[i])))
		}
	}, func(x, _, dy, dx []T) {
		a, b := both(x)
		da, db := make([]T, out), make([]T, out)
		for i, d := range dy {
			da[i], db[i] = d*T(silu(float64(b[i]))), d*a[i]*T(dsilu(float64(b[i])))
		}
		matVec(v.Value.Data, da, dx)
		matVec(w.Value.Data, db, dx)
		outer(x, da, v.Grad.Data)
		outer(x, db, w.Grad.Data)
	}, v, w)
}

// prelu has one slope a channel, the first axis of a sample.
func prelu[T number](s []int, rng *rand.Rand) *layer[T] {
	a, per := param[T]("a", rng, s[0]), size(s[1:])
	return each("PReLU", s, s, func(x, y []T) {
		for i, v := range x {
			if y[i] = v; v < 0 {
				y[i] = v * a.Value.Data[i/per]
			}
		}
	}, func(x, _, dy, dx []T) {
		for i, v := range x {
			if dx[i] = dy[i]; v < 0 {
				dx[i] = dy[i] * a.Value.Data[i/per]
				a.Grad.Data[i/per] += dy[i] * v
			}
		}
	}, a)
}

// maxPool is the larger of each two neighbours, avgPool below is their mean.
func maxPool[T number](s []int, _ *rand.Rand) *layer[T] {
	larger := func(x []T, i int) int {
		if x[2*i+1] > x[2*i] {
			return 2*i + 1
		}
		return 2 * i
	}
	return each("MaxPool", s, shape(size(s)/2), func(x, y []T) {
		for i := range y {
			y[i] = x[larger(x, i)]
		}
	}, func(x, _, dy, dx []T) {
		for i, d := range dy {
			dx[larger(x, i)] += d
		}
	})
}

func avgPool[T number](s []int, _ *rand.Rand) *layer[T] {
	return each("AvgPool", s, shape(size(s)/2), func(x, y []T) {
		for i := range y {
			y[i] = (x[2*i] + x[2*i+1]) / 2
		}
	}, func(_, _, dy, dx []T) {
		for i, d := range dy {
			dx[2*i], dx[2*i+1] = d/2, d/2
		}
	})
}

// bilinear is yₖ = uᵀ·Wₖ·v for the two halves u and v of a sample.
func bilinear[T number](s []int, rng *rand.Rand) *layer[T] {
	half, out := s[0]/2, 3
	w := param[T]("W", rng, out, half, half)
	of := func(a []T, k int) []T { return a[k*half*half : (k+1)*half*half] }
	return each("Bilinear", s, shape(out), func(x, y []T) {
		for k := range y {
			wv := make([]T, half)
			matVec(of(w.Value.Data, k), x[half:], wv)
			y[k] = dot(x[:half], wv)
		}
	}, func(x, _, dy, dx []T) {
		for k, d := range dy {
			wv, uw := make([]T, half), make([]T, half)
			matVec(of(w.Value.Data, k), x[half:], wv)
			vecMat(x[:half], of(w.Value.Data, k), uw)
			for i := range half {
				dx[i] += d * wv[i]
				dx[half+i] += d * uw[i]
				for j := range half {
					of(w.Grad.Data, k)[i*half+j] += d * x[i] * x[half+j]
				}
			}
		}
	}, w)
}

// attention is softmax(Q·Kᵀ/√d)·V of a sequence (L, d), with Q = x·Wq and so on.
func attention[T number](s []int, rng *rand.Rand) *layer[T] {
	length, d := s[0], s[1]
	wq, wk, wv := param[T]("Wq", rng, d, d), param[T]("Wk", rng, d, d), param[T]("Wv", rng, d, d)
	row := func(a []T, i int) []T { return a[i*d : (i+1)*d] }
	project := func(x []T, w *nn.Param[T]) []T {
		y := make([]T, length*d)
		for i := range length {
			vecMat(row(x, i), w.Value.Data, row(y, i))
		}
		return y
	}
	scale := 1 / sqrt(T(d))
	weights := func(q, k []T, i int) []T {
		score, a := make([]T, length), make([]T, length)
		for j := range length {
			score[j] = dot(row(q, i), row(k, j)) * scale
		}
		softmax(score, a)
		return a
	}
	return each("Attention", s, s, func(x, y []T) {
		q, k, v := project(x, wq), project(x, wk), project(x, wv)
		for i := range length {
			vecMat(weights(q, k, i), v, row(y, i))
		}
	}, func(x, _, dy, dx []T) {
		q, k, v := project(x, wq), project(x, wk), project(x, wv)
		dq, dk, dv := make([]T, length*d), make([]T, length*d), make([]T, length*d)
		for i := range length {
			a, da, ds := weights(q, k, i), make([]T, length), make([]T, length)
			matVec(v, row(dy, i), da)
			outer(a, row(dy, i), dv)
			softmaxBackward(a, da, ds)
			for j := range length {
				for c := range d {
					row(dq, i)[c] += ds[j] * scale * row(k, j)[c]
					row(dk, j)[c] += ds[j] * scale * row(q, i)[c]
				}
			}
		}
		for i := range length {
			for _, of := range []struct {
				w *nn.Param[T]
				d []T
			}{{wq, dq}, {wk, dk}, {wv, dv}} {
				matVec(of.w.Value.Data, row(of.d, i), row(dx, i))
				outer(row(x, i), row(of.d, i), of.w.Grad.Data)
			}
		}
	}, wq, wk, wv)
}

// conv1D is the convolution of the channels (C, L) with kernels of width 3, summed.
func conv1D[T number](s []int, rng *rand.Rand) *layer[T] {
	channels, length := s[0], s[1]
	out := length - 2
	w, b := param[T]("W", rng, channels, 3), param[T]("b", rng, 1)
	return each("Conv1D", s, shape(out), func(x, y []T) {
		for i := range y {
			y[i] = b.Value.Data[0]
			for c := range channels {
				y[i] += dot(w.Value.Data[3*c:3*c+3], x[c*length+i:c*length+i+3])
			}
		}
	}, func(x, _, dy, dx []T) {
		for i, d := range dy {
			b.Grad.Data[0] += d
			for c := range channels {
				for k := range 3 {
					dx[c*length+i+k] += d * w.Value.Data[3*c+k]
					w.Grad.Data[3*c+k] += d * x[c*length+i+k]
				}
			}
		}
	}, w, b)
}

// convTranspose1D is the transpose of a convolution of width 3, (L) to (L+2).
func convTranspose1D[T number](s []int, rng *rand.Rand) *layer[T] {
	w := param[T]("W", rng, 3)
	return each("ConvTranspose1D", s, shape(s[0]+2), func(x, y []T) {
		for i, v := range x {
			for k, u := range w.Value.Data {
				y[i+k] += v * u
			}
		}
	}, func(x, _, dy, dx []T) {
		for i, v := range x {
			dx[i] += dot(dy[i:i+3], w.Value.Data)
			for k := range 3 {
				w.Grad.Data[k] += dy[i+k] * v
			}
		}
	}, w)
}

// scaled is y = w*x + b, element by element.
func scaled[T number](s []int, rng *rand.Rand) *layer[T] {
	w, b := param[T]("w", rng, s...), param[T]("b", rng, s...)
	return each("Scale", s, s, func(x, y []T) {
		for i, v := range x {
			y[i] = v*w.Value.Data[i] + b.Value.Data[i]
		}
	}, func(x, _, dy, dx []T) {
		for i, d := range dy {
			dx[i] = d * w.Value.Data[i]
			w.Grad.Data[i] += d * x[i]
			b.Grad.Data[i] += d
		}
	}, w, b)
}

// permuted is y[i] = x[of(i)], with 0 where of(i) is -1: a gather.
func permuted[T number](name string, out func(s []int) []int, of func(s []int, i int) int) func(s []int, _ *rand.Rand) *layer[T] {
	return func(s []int, _ *rand.Rand) *layer[T] {
		return each(name, s, out(s), func(x, y []T) {
			for i := range y {
				if j := of(s, i); j >= 0 {
					y[i] = x[j]
				}
			}
		}, func(_, _, dy, dx []T) {
			for i, d := range dy {
				if j := of(s, i); j >= 0 {
					dx[j] += d
				}
			}
		})
	}
}

// flatten returns x itself under another shape.
func flatten[T number](s []int, _ *rand.Rand) *layer[T] {
	return &layer[T]{
		name:     "Flatten",
		forward:  func(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] { return p.View(x, x.Shape[0], size(s)) },
		backward: func(p *nn.Pass[T], x, _, dy *tensor.Tensor[T]) *tensor.Tensor[T] { return p.View(dy, x.Shape...) },
	}
}

// embedding looks up rows of a table; x is indices.
func embedding[T number](s []int, rng *rand.Rand) *layer[T] {
	const vocabulary, d = 6, 3
	table := param[T]("table", rng, vocabulary, d)
	return each("Embedding", s, append(slices.Clone(s), d), func(x, y []T) {
		for i, v := range x {
			copy(y[i*d:(i+1)*d], table.Value.Data[int(v)*d:])
		}
	}, func(x, _, dy, _ []T) {
		for i, v := range x {
			add(table.Grad.Data[int(v)*d:int(v)*d+d], dy[i*d:(i+1)*d])
		}
	}, table)
}

// tied is y = tanh(x·W)·Wᵀ: an autoencoder that uses its weights twice.
func tied[T number](s []int, rng *rand.Rand) *layer[T] {
	in, hidden := s[0], 3
	w := param[T]("W", rng, in, hidden)
	code := func(x []T) []T {
		h := make([]T, hidden)
		vecMat(x, w.Value.Data, h)
		for i, v := range h {
			h[i] = T(math.Tanh(float64(v)))
		}
		return h
	}
	return each("Tied", s, s, func(x, y []T) { matVec(w.Value.Data, code(x), y) }, func(x, _, dy, dx []T) {
		h, dh := code(x), make([]T, hidden)
		outer(dy, h, w.Grad.Data)
		vecMat(dy, w.Value.Data, dh)
		for i := range dh {
			dh[i] *= 1 - h[i]*h[i]
		}
		matVec(w.Value.Data, dh, dx)
		outer(x, dh, w.Grad.Data)
	}, w)
}

// elman is a recurrent network over a sequence (L, d), whose state is of size 3.
func elman[T number](s []int, rng *rand.Rand) *layer[T] {
	length, d, hidden := s[0], s[1], 3
	w, u := param[T]("W", rng, d, hidden), param[T]("U", rng, hidden, hidden)
	return each("RNN", s, shape(length, hidden), func(x, y []T) {
		for t := range length {
			h := y[t*hidden : (t+1)*hidden]
			vecMat(x[t*d:(t+1)*d], w.Value.Data, h)
			if t > 0 {
				vecMat(y[(t-1)*hidden:t*hidden], u.Value.Data, h)
			}
			for i, v := range h {
				h[i] = T(math.Tanh(float64(v)))
			}
		}
	}, func(x, y, dy, dx []T) {
		carry := make([]T, hidden)
		for t := length - 1; t >= 0; t-- {
			add(carry, dy[t*hidden:(t+1)*hidden])
			for i, h := range y[t*hidden : (t+1)*hidden] {
				carry[i] *= 1 - h*h
			}
			xt := x[t*d : (t+1)*d]
			matVec(w.Value.Data, carry, dx[t*d:(t+1)*d])
			outer(xt, carry, w.Grad.Data)
			before := make([]T, hidden)
			if t > 0 {
				outer(y[(t-1)*hidden:t*hidden], carry, u.Grad.Data)
				matVec(u.Value.Data, carry, before)
			}
			carry = before
		}
	}, w, u)
}

// draws is a layer y = f(x, u), in training, of a random number u from 0 to 1 for each
// element, and y = x in evaluation. df is ∂f/∂x.
func draws[T number](name string, rng *rand.Rand, f, df func(v, u T) T) *layer[T] {
	key := rng.Uint64()
	random := func(p *nn.Pass[T], i int) T { return T(p.Random(key, uint64(i/4))[i%4]>>8) / (1 << 24) }
	apply := func(p *nn.Pass[T], x, of *tensor.Tensor[T], f func(v, u T) T) *tensor.Tensor[T] {
		y := p.New(x.Shape...)
		for i, v := range x.Data {
			if y.Data[i] = of.Data[i]; p != nil && p.Train {
				y.Data[i] = f(v, random(p, i))
			}
		}
		return y
	}
	return &layer[T]{
		name:    name,
		forward: func(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] { return apply(p, x, x, f) },
		backward: func(p *nn.Pass[T], x, _, dy *tensor.Tensor[T]) *tensor.Tensor[T] {
			slope := p.New(x.Shape...)
			for i := range slope.Data {
				slope.Data[i] = 1
			}
			slope = apply(p, x, slope, df)
			dx := p.New(x.Shape...)
			for i, d := range dy.Data {
				dx.Data[i] = d * slope.Data[i]
			}
			return dx
		},
	}
}

func dropout[T number](_ []int, rng *rand.Rand) *layer[T] {
	mask := func(u T) T {
		if u < 0.25 {
			return 0
		}
		return 1 / T(0.75)
	}
	return draws("Dropout", rng, func(v, u T) T { return v * mask(u) }, func(_, u T) T { return mask(u) })
}

func noise[T number](_ []int, rng *rand.Rand) *layer[T] {
	return draws("Noise", rng, func(v, u T) T { return v * (0.5 + u) }, func(_, u T) T { return 0.5 + u })
}

// badlyScaled has parameters of very different sizes.
func badlyScaled[T number](s []int, rng *rand.Rand) *layer[T] {
	l := scaled[T](s, rng)
	l.name = "BadlyScaled"
	for i := range l.params[0].Value.Data {
		l.params[0].Value.Data[i] *= T(math.Pow(100, float64(i%5-2)))
	}
	return l
}

// withoutBias is y = x·W.
func withoutBias[T number](s []int, rng *rand.Rand) *layer[T] {
	w := param[T]("W", rng, s[0], 4)
	return each("WithoutBias", s, shape(4), func(x, y []T) { vecMat(x, w.Value.Data, y) }, func(x, _, dy, dx []T) {
		matVec(w.Value.Data, dy, dx)
		outer(x, dy, w.Grad.Data)
	}, w)
}
