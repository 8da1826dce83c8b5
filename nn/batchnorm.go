package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// BatchNorm normalizes each feature, or each channel of images, over the batch.
//
//	forward   h  = (x - mean)/√(var + eps)      x (N, C), (N, C, L) or (N, C, H, W)
//	          y  = gamma·h + beta               gamma, beta, mean, var (C)
//	backward  dgamma += Σ dy·h                  dbeta += Σ dy
//	          dx = gamma/√(var + eps)·(dy - Σ dy/M - h·Σ dy·h/M)
//
// In training, mean and var are computed from the M elements of each channel in the batch: M
// is N, N·L or N·H·W, and var is Σ (x - mean)²/M. A batch with M = 1 is refused, because all
// of y would be beta. If Pass.Keep is set, they also move the running statistics:
//
//	Mean += Momentum·(mean - Mean)
//	Var  += Momentum·(var·M/(M - 1) - Var)
//
// In evaluation, mean and var are the running statistics, and the two sums in dx are
// left out.
//
// The formulas and the standard settings are PyTorch's: the var of the batch is biased, and
// the running Var unbiased. (Ioffe and Szegedy, "Batch normalization", ICML 2015; section 6.3
// of the book.) mean and var are computed in two passes, so that a large mean costs no
// digits.
type BatchNorm[T tensor.Float] struct {
	Gamma, Beta *Param[T]
	Mean, Var   *tensor.Tensor[T] // the running statistics

	// Momentum, from 0 to 1, is the weight of a batch in the running statistics. Eps, from 0
	// to 1, is added to var. Both may be set before the layer is used.
	Momentum, Eps float64

	features   int
	params     []*Param[T]
	x, moments Saved[T]
	trained    bool // whether x was normalized in training
}

// NewBatchNorm returns a BatchNorm layer of n features or channels, n being features. gamma
// and Var are 1, beta and Mean 0, Momentum 0.1 and Eps 1e-5. It panics unless features is 1
// or more.
func NewBatchNorm[T tensor.Float](features int) *BatchNorm[T] {
	l := &BatchNorm[T]{features: features, Momentum: 0.1, Eps: 1e-5}
	MustBuild(l)
	l.start()
	return l
}

// start sets the initial gamma and Var.
func (l *BatchNorm[T]) start() {
	setOnes(l.Gamma.Value)
	setOnes(l.Var)
}

func setOnes[T tensor.Float](x *tensor.Tensor[T]) {
	for i := range x.Data {
		x.Data[i] = 1
	}
}

func (l *BatchNorm[T]) Fields(f *Fields[T]) {
	f.Size("features", &l.features)
	f.Float("momentum", &l.Momentum, 0, 1)
	f.Float("eps", &l.Eps, 0, 1)
	f.Param("gamma", &l.Gamma, l.features)
	f.Param("beta", &l.Beta, l.features)
	f.State("mean", &l.Mean, l.features)
	f.State("var", &l.Var, l.features)
	f.Params(&l.params)
}

func (l *BatchNorm[T]) Settings(s *Settings[T]) {
	s.Infer(&l.features, s.Axis(0))
	s.Float("momentum", &l.Momentum, 0.1)
	s.Float("eps", &l.Eps, 1e-5)
	s.Built(l.start)
}

func (l *BatchNorm[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	layout := channels(l, x, l.features)
	train, count := p.training(), layout.N*layout.L
	if train && count == 1 {
		panic(&tensor.ShapeError{Op: l.String() + ".Forward", Want: "2 or more values of each channel in training", Got: slices.Clone(x.Shape)})
	}
	y, moments := p.New(x.Shape...), p.New(4, l.features)
	m := kernel.MomentsOf(moments.Data, l.features)
	if !train {
		copy(m.Mean, l.Mean.Data)
		clear(m.Rest)
		copy(m.Var, l.Var.Data)
	}
	kernel.BatchNorm(p.threads(), layout, y.Data, x.Data, l.Gamma.Value.Data, l.Beta.Value.Data, m, l.Eps, train)
	if p != nil && p.Keep {
		l.trained = train
		if train && count > 0 {
			l.average(m, float64(count))
		}
	}
	l.x.Set(p, x)
	l.moments.Set(p, moments)
	return y
}

// average moves the running statistics toward the statistics of a batch.
func (l *BatchNorm[T]) average(m kernel.Moments[T], count float64) {
	move := func(running *T, to float64) {
		old := float64(*running)
		*running = T(math.FMA(l.Momentum, to-old, old))
	}
	for i := range l.features {
		move(&l.Mean.Data[i], float64(m.Mean[i])+float64(m.Rest[i]))
		move(&l.Var.Data[i], float64(m.Var[i])*count/(count-1))
	}
}

func (l *BatchNorm[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	x, moments := l.x.Get(p, l), l.moments.Get(p, l)
	CheckShape(l, dy, x.Shape)
	dx := p.New(x.Shape...)
	kernel.BatchNormBackward(p.threads(), channels(l, x, l.features), dx.Data, dy.Data, x.Data, l.Gamma.Value.Data,
		kernel.MomentsOf(moments.Data, l.features), l.Gamma.Grad.Data, l.Beta.Grad.Data, l.trained)
	return dx
}

func (l *BatchNorm[T]) Params() []*Param[T] { return l.params }

func (l *BatchNorm[T]) String() string { return fmt.Sprintf("BatchNorm(%d)", l.features) }

// channels returns the layout of x, which must have n channels along axis 1.
func channels[T tensor.Float](layer fmt.Stringer, x *tensor.Tensor[T], n int) kernel.Layout {
	if len(x.Shape) < 2 || x.Shape[1] != n {
		panic(&tensor.ShapeError{Op: layer.String() + ".Forward", Want: fmt.Sprintf("(N, %d) or (N, %d, ...)", n, n), Got: slices.Clone(x.Shape)})
	}
	l, _ := tensor.Size(x.Shape[2:]...)
	return kernel.Layout{N: x.Shape[0], C: n, L: l}
}
