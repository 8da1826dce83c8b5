package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Layers that normalize.

// normalize sets y to (x - mean)·inv of x, where inv is 1/√(variance + eps), and
// returns inv.
func normalize[T number](x, y []T, eps T) (inv T) {
	n := T(len(x))
	mean := sum(x) / n
	var variance T
	for i, v := range x {
		y[i] = v - mean
		variance += y[i] * y[i] / n
	}
	inv = 1 / sqrt(variance+eps)
	for i := range y {
		y[i] *= inv
	}
	return inv
}

// normalizeBackward adds to dx the gradient through normalize, whose result is h.
func normalizeBackward[T number](h, dh, dx []T, inv T) {
	n := T(len(h))
	mean, along := sum(dh)/n, dot(dh, h)/n
	for i, d := range dh {
		dx[i] += inv * (d - mean - h[i]*along)
	}
}

// groupNorm normalizes groups of elements of a sample, and scales and moves each.
func groupNorm[T number](name string, groups int) func(s []int, rng *rand.Rand) *layer[T] {
	return func(s []int, rng *rand.Rand) *layer[T] {
		n := size(s)
		gamma, beta := param[T]("gamma", rng, n), param[T]("beta", rng, n)
		group := n / groups
		return each(name, s, s, func(x, y []T) {
			for lo := 0; lo < n; lo += group {
				normalize(x[lo:lo+group], y[lo:lo+group], 1e-5)
			}
			for i := range y {
				y[i] = y[i]*gamma.Value.Data[i] + beta.Value.Data[i]
			}
		}, func(x, _, dy, dx []T) {
			h, dh := make([]T, n), make([]T, n)
			for lo := 0; lo < n; lo += group {
				hi := lo + group
				inv := normalize(x[lo:hi], h[lo:hi], 1e-5)
				for i := lo; i < hi; i++ {
					dh[i] = dy[i] * gamma.Value.Data[i]
					gamma.Grad.Data[i] += dy[i] * h[i]
				}
				normalizeBackward(h[lo:hi], dh[lo:hi], dx[lo:hi], inv)
			}
			add(beta.Grad.Data, dy)
		}, gamma, beta)
	}
}

func layerNorm[T number](s []int, rng *rand.Rand) *layer[T] {
	return groupNorm[T]("LayerNorm", 1)(s, rng)
}

func instanceNorm[T number](s []int, rng *rand.Rand) *layer[T] {
	return groupNorm[T]("InstanceNorm", s[0])(s, rng)
}

func rmsNorm[T number](s []int, rng *rand.Rand) *layer[T] {
	gamma := param[T]("gamma", rng, size(s))
	inv := func(x []T) T { return 1 / sqrt(dot(x, x)/T(len(x))+1e-6) }
	return each("RMSNorm", s, s, func(x, y []T) {
		r := inv(x)
		for i, v := range x {
			y[i] = v * r * gamma.Value.Data[i]
		}
	}, func(x, _, dy, dx []T) {
		r := inv(x)
		var along T
		for i, v := range x {
			along += dy[i] * gamma.Value.Data[i] * v
			gamma.Grad.Data[i] += dy[i] * v * r
		}
		for i, v := range x {
			dx[i] += r*dy[i]*gamma.Value.Data[i] - v*r*r*r*along/T(len(x))
		}
	}, gamma)
}

// unit is x/|x|.
func unit[T number](s []int, _ *rand.Rand) *layer[T] {
	return each("Normalize", s, s, func(x, y []T) {
		r := sqrt(dot(x, x))
		for i, v := range x {
			y[i] = v / r
		}
	}, func(x, y, dy, dx []T) {
		r, along := sqrt(dot(x, x)), dot(dy, y)
		for i := range x {
			dx[i] += (dy[i] - y[i]*along) / r
		}
	})
}

// softmax writes that of x into y.
func softmax[T number](x, y []T) {
	largest := slices.Max(x)
	for i, v := range x {
		y[i] = exp(v - largest)
	}
	total := sum(y)
	for i := range y {
		y[i] /= total
	}
}

// softmaxBackward adds to dx the gradient through softmax, whose result is y.
func softmaxBackward[T number](y, dy, dx []T) {
	along := dot(y, dy)
	for i := range y {
		dx[i] += y[i] * (dy[i] - along)
	}
}

func logSoftmax[T number](s []int, _ *rand.Rand) *layer[T] {
	return each("LogSoftmax", s, s, func(x, y []T) {
		softmax(x, y)
		largest, total := slices.Max(x), T(0)
		for _, v := range x {
			total += exp(v - largest)
		}
		for i, v := range x {
			y[i] = v - largest - T(math.Log(float64(total)))
		}
	}, func(_, y, dy, dx []T) {
		total := sum(dy)
		for i := range y {
			dx[i] += dy[i] - exp(y[i])*total
		}
	})
}

func logSumExp[T number](s []int, _ *rand.Rand) *layer[T] {
	return each("LogSumExp", s, shape(1), func(x, y []T) {
		largest := slices.Max(x)
		for _, v := range x {
			y[0] += exp(v - largest)
		}
		y[0] = largest + T(math.Log(float64(y[0])))
	}, func(x, y, dy, dx []T) {
		for i, v := range x {
			dx[i] += dy[0] * exp(v-y[0])
		}
	})
}

// batchNorm uses the statistics of the batch in training, and keeps running ones.
func batchNorm[T number](s []int, rng *rand.Rand) *layer[T] {
	k := size(s)
	gamma, beta := param[T]("gamma", rng, k), param[T]("beta", rng, k)
	mean, variance := make([]T, k), slices.Repeat([]T{1}, k)
	column := func(a []T, n, j int) []T {
		c := make([]T, n)
		for i := range c {
			c[i] = a[i*k+j]
		}
		return c
	}
	const eps = 1e-5
	return &layer[T]{
		name: "BatchNorm", params: []*nn.Param[T]{gamma, beta},
		forward: func(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
			wantSamples("BatchNorm", x.Shape, s)
			n := x.Shape[0]
			train := p != nil && p.Train
			if train && n == 1 {
				panic(&tensor.ShapeError{Op: "BatchNorm.Forward", Want: "2 or more samples in training", Got: slices.Clone(x.Shape)})
			}
			y := p.New(x.Shape...)
			for j := range k {
				c, h := column(x.Data, n, j), make([]T, n)
				if train && n > 0 {
					inv := normalize(c, h, eps)
					if p.Keep {
						mean[j] += (sum(c)/T(n) - mean[j]) / 10
						variance[j] += (1/(inv*inv) - eps - variance[j]) / 10
					}
				} else {
					for i, v := range c {
						h[i] = (v - mean[j]) / sqrt(variance[j]+eps)
					}
				}
				for i, v := range h {
					y.Data[i*k+j] = v*gamma.Value.Data[j] + beta.Value.Data[j]
				}
			}
			return y
		},
		backward: func(p *nn.Pass[T], x, _, dy *tensor.Tensor[T]) *tensor.Tensor[T] {
			n := x.Shape[0]
			dx := p.New(x.Shape...)
			for j := range k {
				c, d, h, dc := column(x.Data, n, j), column(dy.Data, n, j), make([]T, n), make([]T, n)
				dh := make([]T, n)
				for i := range d {
					dh[i] = d[i] * gamma.Value.Data[j]
				}
				switch {
				case n == 0:
				case p.Train:
					normalizeBackward(h, dh, dc, normalize(c, h, eps))
				default:
					inv := 1 / sqrt(variance[j]+eps)
					for i, v := range c {
						h[i], dc[i] = (v-mean[j])*inv, dh[i]*inv
					}
				}
				gamma.Grad.Data[j] += dot(d, h)
				beta.Grad.Data[j] += sum(d)
				for i, v := range dc {
					dx.Data[i*k+j] = v
				}
			}
			return dx
		},
	}
}
