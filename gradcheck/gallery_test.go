package gradcheck_test

import (
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// The gallery is layers as people write them: correct ones, none of which the check
// may refuse, and wrong ones, each of which it must refuse by the right name.

// array is what layers of the gallery compute on.
type array = *tensor.Tensor[float64]

// layer is a layer of two functions. It saves x and y, and checks the shape of dy, so
// that a layer of the gallery is its formulas, and a wrong one is its mistake.
type layer[T tensor.Float] struct {
	name     string
	params   []*nn.Param[T]
	forward  func(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T]
	backward func(p *nn.Pass[T], x, y, dy *tensor.Tensor[T]) *tensor.Tensor[T]
	saved    func(p *nn.Pass[T], x, y *tensor.Tensor[T]) // runs after a Forward that saves; may be nil
	list     func() []*nn.Param[T]                       // Params, if it is not params

	x, y nn.Saved[T]
}

func (l *layer[T]) Forward(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := l.forward(p, x)
	l.x.Set(p, x)
	l.y.Set(p, y)
	if l.saved != nil && p != nil && p.Keep {
		l.saved(p, x, y)
	}
	return y
}

func (l *layer[T]) Backward(p *nn.Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	x, y := l.x.Get(p, l), l.y.Get(p, l)
	nn.CheckShape(l, dy, y.Shape)
	return l.backward(p, x, y, dy)
}

func (l *layer[T]) Params() []*nn.Param[T] {
	if l.list != nil {
		return l.list()
	}
	return l.params
}

func (l *layer[T]) String() string { return l.name }

// pointwise is y = f(x) for each element, and dx = dy·df(x).
func pointwise[T tensor.Float](name string, f, df func(v float64) float64) *layer[T] {
	return &layer[T]{
		name: name,
		forward: func(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
			y := p.New(x.Shape...)
			for i, v := range x.Data {
				y.Data[i] = T(f(float64(v)))
			}
			return y
		},
		backward: func(p *nn.Pass[T], x, _, dy *tensor.Tensor[T]) *tensor.Tensor[T] {
			dx := p.New(x.Shape...)
			for i, v := range x.Data {
				dx.Data[i] = T(float64(dy.Data[i]) * df(float64(v)))
			}
			return dx
		},
	}
}

// each is a layer that computes every sample alone, from the shape in to the shape out.
// f finds zeros in y, and b in dx.
func each[T tensor.Float](name string, in, out []int, f func(x, y []T), b func(x, y, dy, dx []T), params ...*nn.Param[T]) *layer[T] {
	ni, no := size(in), size(out)
	return &layer[T]{
		name: name, params: params,
		forward: func(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
			wantSamples(name, x.Shape, in)
			y := p.New(append([]int{x.Shape[0]}, out...)...)
			clear(y.Data)
			for n := range x.Shape[0] {
				f(x.Data[n*ni:(n+1)*ni], y.Data[n*no:(n+1)*no])
			}
			return y
		},
		backward: func(p *nn.Pass[T], x, y, dy *tensor.Tensor[T]) *tensor.Tensor[T] {
			dx := p.New(x.Shape...)
			clear(dx.Data)
			for n := range x.Shape[0] {
				b(x.Data[n*ni:(n+1)*ni], y.Data[n*no:(n+1)*no], dy.Data[n*no:(n+1)*no], dx.Data[n*ni:(n+1)*ni])
			}
			return dx
		},
	}
}

// wantSamples panics unless x is a batch of samples of the given shape.
func wantSamples(name string, x, sample []int) {
	if len(x) != 1+len(sample) || !slices.Equal(x[1:], sample) {
		panic(&tensor.ShapeError{Op: name + ".Forward", Want: "(N, " + tensor.FormatShape(sample)[1:], Got: slices.Clone(x)})
	}
}

func size(shape []int) int {
	n, _ := tensor.Size(shape...)
	return n
}

func shape(s ...int) []int { return s }

// param is a parameter of numbers from 0.5 to 1.5, of both signs.
func param[T tensor.Float](name string, rng *rand.Rand, shape ...int) *nn.Param[T] {
	p := nn.NewParam[T](name, shape...)
	for i := range p.Value.Data {
		p.Value.Data[i] = T(0.5 + rng.Float64())
		if rng.IntN(2) == 0 {
			p.Value.Data[i] *= -1
		}
	}
	return p
}

// linear is y = x·W + b.
func linear[T tensor.Float](rng *rand.Rand, in, out int) *layer[T] {
	w, b := param[T]("W", rng, in, out), param[T]("b", rng, out)
	return each("Linear", shape(in), shape(out),
		func(x, y []T) { copy(y, b.Value.Data); vecMat(x, w.Value.Data, y) },
		func(x, _, dy, dx []T) {
			matVec(w.Value.Data, dy, dx)
			outer(x, dy, w.Grad.Data)
			add(b.Grad.Data, dy)
		}, w, b)
}

// vecMat adds x·w to y.
func vecMat[T tensor.Float](x, w, y []T) {
	for i, v := range x {
		for j := range y {
			y[j] += v * w[i*len(y)+j]
		}
	}
}

// matVec adds w·y to x.
func matVec[T tensor.Float](w, y, x []T) {
	for i := range x {
		x[i] += dot(w[i*len(y):(i+1)*len(y)], y)
	}
}

// outer adds the products of all pairs of x and y to w.
func outer[T tensor.Float](x, y, w []T) {
	for i, v := range x {
		for j, u := range y {
			w[i*len(y)+j] += v * u
		}
	}
}

func dot[T tensor.Float](a, b []T) (sum T) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func add[T tensor.Float](to, from []T) {
	for i, v := range from {
		to[i] += v
	}
}

func sum[T tensor.Float](a []T) (sum T) {
	for _, v := range a {
		sum += v
	}
	return sum
}
