package nn

import (
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// regression is the common part of losses that are the mean of a function of y - t, the
// difference of an output from its target value. It saves both.
type regression[T tensor.Float] struct {
	y Saved[T]
	t *tensor.Tensor[T]
}

// mean returns the mean of f(y - t). The sum is taken in float64, in the order of the
// elements.
func (r *regression[T]) mean(p *Pass[T], loss Loss[T], y *tensor.Tensor[T], t Targets[T], f func(d float64) float64) float64 {
	values := r.save(p, loss, y, t)
	var sum float64
	for i, v := range y.Data {
		sum += f(float64(v) - float64(values.Data[i]))
	}
	return sum / float64(len(y.Data))
}

// save returns the values of t, and saves them and y. It panics unless both have the same
// shape.
func (r *regression[T]) save(p *Pass[T], loss Loss[T], y *tensor.Tensor[T], t Targets[T]) *tensor.Tensor[T] {
	mustFit(loss, "Forward", y)
	if len(y.Data) == 0 {
		panic(&tensor.ShapeError{Op: Kind(loss) + ".Forward", Want: "(N, ...) with 1 or more elements", Got: slices.Clone(y.Shape)})
	}
	values := t.mustValues(Kind(loss), y)
	if p != nil && p.Keep {
		r.y.Set(p, y)
		r.t = values
	}
	return values
}

// gradient returns dy = slope(y - t)·factor/M, M being the number of elements.
func (r *regression[T]) gradient(p *Pass[T], loss Loss[T], factor T, slope func(d T) T) *tensor.Tensor[T] {
	y := r.y.Get(p, loss)
	dy := p.New(y.Shape...)
	scale := factor / T(len(y.Data))
	for i, v := range y.Data {
		dy.Data[i] = slope(v-r.t.Data[i]) * scale
	}
	return dy
}
