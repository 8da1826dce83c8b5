package trace

import (
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// LossLayer turns a loss into a layer, so that it can be checked as one: y is the
// loss, of shape (1), and dx the gradient of the loss times dy. targets returns the
// targets of n samples.
func LossLayer[T tensor.Float](loss nn.Loss[T], targets func(n int) nn.Targets[T]) nn.Layer[T] {
	return &lossLayer[T]{loss, targets}
}

type lossLayer[T tensor.Float] struct {
	loss    nn.Loss[T]
	targets func(n int) nn.Targets[T]
}

// Targets returns the targets of n samples.
func (l *lossLayer[T]) Targets(n int) nn.Targets[T] { return l.targets(n) }

func (l *lossLayer[T]) Forward(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	n := 0
	if len(x.Shape) > 0 {
		n = x.Shape[0]
	}
	y := p.New(1)
	y.Data[0] = T(l.loss.Forward(p, x, l.targets(n)))
	return y
}

func (l *lossLayer[T]) Backward(p *nn.Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	nn.CheckShape(l, dy, []int{1})
	d := l.loss.Backward(p)
	dx := p.New(d.Shape...)
	for i, v := range d.Data {
		dx.Data[i] = v * dy.Data[0]
	}
	return dx
}

func (l *lossLayer[T]) Params() []*nn.Param[T] { return nil }

func (l *lossLayer[T]) String() string { return l.loss.String() }

// float32Targets rounds values.
func float32Targets(t nn.Targets[float64]) nn.Targets[float32] {
	if t.Values == nil {
		return nn.Labels[float32](t.Labels...)
	}
	values := tensor.New[float32](t.Values.Shape...)
	for i, v := range t.Values.Data {
		values.Data[i] = float32(v)
	}
	return nn.Values(values)
}

// labels gives sample i the class 7·i modulo the number of classes.
func labels(n, classes int) nn.Targets[float64] {
	all := make([]int, n)
	for i := range all {
		all[i] = 7 * i % classes
	}
	return nn.Labels[float64](all...)
}

// distributions are targets of numbers that sum to 1 exactly.
func distributions(n, classes int) nn.Targets[float64] {
	rng := rand.New(rand.NewPCG(5, 7))
	t := tensor.New[float64](n, classes)
	for row := range n {
		for range 1 << 10 {
			t.Data[row*classes+rng.IntN(classes)] += 0x1p-10
		}
	}
	return nn.Values(t)
}

// values are targets from -2 to 2.
func values(n, outputs int) nn.Targets[float64] {
	rng := rand.New(rand.NewPCG(5, 7))
	t := tensor.New[float64](n, outputs)
	for i := range t.Data {
		t.Data[i] = float64(float32(4*rng.Float64()) - 2)
	}
	return nn.Values(t)
}

// oneHot returns targets as values.
func oneHot(t nn.Targets[float64], classes int) []float64 {
	if t.Values != nil {
		return t.Values.Data
	}
	all := make([]float64, len(t.Labels)*classes)
	for i, class := range t.Labels {
		all[i*classes+class] = 1
	}
	return all
}
