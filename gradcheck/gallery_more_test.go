package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// More correct layers. What some of them do is rare, but allowed.

// globalMean is the mean of each channel of (C, L).
func globalMean[T number](s []int, _ *rand.Rand) *layer[T] {
	per := s[1]
	return each("GlobalMean", s, s[:1], func(x, y []T) {
		for i := range y {
			y[i] = sum(x[i*per:(i+1)*per]) / T(per)
		}
	}, func(_, _, dy, dx []T) {
		for i := range dx {
			dx[i] = dy[i/per] / T(per)
		}
	})
}

// maxout is the larger of two affine functions.
func maxout[T number](s []int, rng *rand.Rand) *layer[T] {
	v, w := param[T]("V", rng, s[0], 3), param[T]("W", rng, s[0], 3)
	both := func(x []T) (a, b []T) {
		a, b = make([]T, 3), make([]T, 3)
		vecMat(x, v.Value.Data, a)
		vecMat(x, w.Value.Data, b)
		return a, b
	}
	return each("Maxout", s, shape(3), func(x, y []T) {
		a, b := both(x)
		for i := range y {
			y[i] = max(a[i], b[i])
		}
	}, func(x, _, dy, dx []T) {
		a, b := both(x)
		da, db := make([]T, 3), make([]T, 3)
		for i, d := range dy {
			if a[i] > b[i] {
				da[i] = d
			} else {
				db[i] = d
			}
		}
		matVec(v.Value.Data, da, dx)
		matVec(w.Value.Data, db, dx)
		outer(x, da, v.Grad.Data)
		outer(x, db, w.Grad.Data)
	}, v, w)
}

// cosine is the cosine of the angle between the halves u and v of a sample.
func cosine[T number](s []int, _ *rand.Rand) *layer[T] {
	half := s[0] / 2
	return each("CosineSimilarity", s, shape(1), func(x, y []T) {
		u, v := x[:half], x[half:]
		y[0] = dot(u, v) / (sqrt(dot(u, u)) * sqrt(dot(v, v)))
	}, func(x, y, dy, dx []T) {
		u, v := x[:half], x[half:]
		lu, lv := dot(u, u), dot(v, v)
		for i := range half {
			dx[i] = dy[0] * (v[i]/sqrt(lu*lv) - y[0]*u[i]/lu)
			dx[half+i] = dy[0] * (u[i]/sqrt(lu*lv) - y[0]*v[i]/lv)
		}
	})
}

// highway is g*h + (1-g)*x with h = tanh(w*x) and g = σ(v*x).
func highway[T number](s []int, rng *rand.Rand) *layer[T] {
	v, w := param[T]("v", rng, s...), param[T]("w", rng, s...)
	parts := func(x T, i int) (g, h T) {
		return T(sigmoid(float64(v.Value.Data[i] * x))), T(math.Tanh(float64(w.Value.Data[i] * x)))
	}
	return each("Highway", s, s, func(x, y []T) {
		for i, u := range x {
			g, h := parts(u, i)
			y[i] = g*h + (1-g)*u
		}
	}, func(x, _, dy, dx []T) {
		for i, u := range x {
			g, h := parts(u, i)
			dg, dh := dy[i]*(h-u)*g*(1-g), dy[i]*g*(1-h*h)
			v.Grad.Data[i] += dg * u
			w.Grad.Data[i] += dh * u
			dx[i] = dg*v.Value.Data[i] + dh*w.Value.Data[i] + dy[i]*(1-g)
		}
	}, v, w)
}

// bag is the sum of the rows of a table that the indices of a sample name.
func bag[T number](s []int, rng *rand.Rand) *layer[T] {
	table := param[T]("table", rng, 6, 3)
	return each("EmbeddingBag", s, shape(3), func(x, y []T) {
		for _, v := range x {
			add(y, table.Value.Data[3*int(v):3*int(v)+3])
		}
	}, func(x, _, dy, _ []T) {
		for _, v := range x {
			add(table.Grad.Data[3*int(v):3*int(v)+3], dy)
		}
	}, table)
}

// rrelu has slopes below 0 that are drawn in training, and their mean in evaluation.
func rrelu[T number](_ []int, rng *rand.Rand) *layer[T] {
	l := draws("RReLU", rng, func(v, u T) T {
		if v < 0 {
			return v * (0.1 + u/5)
		}
		return v
	}, func(v, u T) T {
		if v < 0 {
			return 0.1 + u/5
		}
		return 1
	})
	right, back := l.forward, l.backward
	scale := func(p *nn.Pass[T], x, of *tensor.Tensor[T]) {
		for i, v := range x.Data {
			if (p == nil || !p.Train) && v < 0 {
				of.Data[i] *= 0.2
			}
		}
	}
	l.forward = func(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
		y := right(p, x)
		scale(p, x, y)
		return y
	}
	l.backward = func(p *nn.Pass[T], x, y, dy *tensor.Tensor[T]) *tensor.Tensor[T] {
		dx := back(p, x, y, dy)
		scale(p, x, dx)
		return dx
	}
	return l
}

// viewDropout is dropout that in evaluation returns x and dy themselves.
func viewDropout[T number](s []int, rng *rand.Rand) *layer[T] {
	l := dropout[T](s, rng)
	right, back := l.forward, l.backward
	l.forward = func(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
		if p == nil || !p.Train {
			return p.View(x, x.Shape...)
		}
		return right(p, x)
	}
	l.backward = func(p *nn.Pass[T], x, y, dy *tensor.Tensor[T]) *tensor.Tensor[T] {
		if !p.Train {
			return p.View(dy, dy.Shape...)
		}
		return back(p, x, y, dy)
	}
	return l
}

// derived computes e^w in each Forward that saves, and keeps it for Backward.
func derived[T number](s []int, rng *rand.Rand) *layer[T] {
	w := param[T]("w", rng, s...)
	factors := func() []T {
		f := slices.Clone(w.Value.Data)
		for i, v := range f {
			f[i] = exp(v)
		}
		return f
	}
	var saved []T
	l := each("ExpScale", s, s, func(x, y []T) {
		f := factors()
		for i, v := range x {
			y[i] = v * f[i]
		}
	}, func(_, y, dy, dx []T) {
		for i, d := range dy {
			dx[i] = d * saved[i]
			w.Grad.Data[i] += d * y[i]
		}
	}, w)
	l.saved = func(*nn.Pass[T], *tensor.Tensor[T], *tensor.Tensor[T]) { saved = factors() }
	return l
}

// spare has a parameter that it does not use, and says so.
func spare[T number](s []int, rng *rand.Rand) *layer[T] {
	l := scaled[T](s, rng)
	l.params = append(l.params, param[T]("spare", rng, 2))
	return l
}

// direct has a BackwardParams of its own.
type direct struct{ *layer[float64] }

func (l direct) BackwardParams(p pass, dy array) {
	x := l.x.Get(p, l)
	nn.CheckShape(l, dy, l.y.Get(p, l).Shape)
	w, b := l.params[0].Grad.Data, l.params[1].Grad.Data
	for n := range x.Shape[0] {
		outer(x.Rows(n, n+1).Data, dy.Rows(n, n+1).Data, w)
		add(b, dy.Rows(n, n+1).Data)
	}
}

// positive makes a parameter positive.
func positive[T number](p *nn.Param[T]) *nn.Param[T] {
	for i, v := range p.Value.Data {
		p.Value.Data[i] = max(v, -v)
	}
	return p
}

// temperature divides by a parameter, which may not be 0.
func temperature[T number](s []int, rng *rand.Rand) *layer[T] {
	t := positive(param[T]("t", rng, 1))
	return each("Temperature", s, s, func(x, y []T) {
		for i, v := range x {
			y[i] = v / t.Value.Data[0]
		}
	}, func(_, y, dy, dx []T) {
		for i, d := range dy {
			dx[i] = d / t.Value.Data[0]
			t.Grad.Data[0] -= d * y[i] / t.Value.Data[0]
		}
	}, t)
}

// logScale is x*log(w), for positive w alone.
func logScale[T number](s []int, rng *rand.Rand) *layer[T] {
	w := positive(param[T]("w", rng, s...))
	log := func(i int) T { return T(math.Log(float64(w.Value.Data[i]))) }
	return each("LogScale", s, s, func(x, y []T) {
		for i, v := range x {
			y[i] = v * log(i)
		}
	}, func(x, _, dy, dx []T) {
		for i, d := range dy {
			dx[i] = d * log(i)
			w.Grad.Data[i] += d * x[i] / w.Value.Data[i]
		}
	}, w)
}

// shrink is soft shrinkage by a learned threshold, for each feature.
func shrink[T number](s []int, rng *rand.Rand) *layer[T] {
	w := positive(param[T]("w", rng, s...))
	return each("LearnedShrink", s, s, func(x, y []T) {
		for i, v := range x {
			y[i] = max(v-w.Value.Data[i], 0) - max(-v-w.Value.Data[i], 0)
		}
	}, func(x, _, dy, dx []T) {
		for i, v := range x {
			if v > w.Value.Data[i] {
				dx[i] += dy[i]
				w.Grad.Data[i] -= dy[i]
			}
			if -v > w.Value.Data[i] {
				dx[i] += dy[i]
				w.Grad.Data[i] += dy[i]
			}
		}
	}, w)
}
