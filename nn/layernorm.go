package nn

import "github.com/chainrule-go/chainrule/tensor"

// LayerNorm normalizes each sample over the last axes.
//
//	forward   h  = (x - mean)/√(var + Eps)      x (N, ..., shape...)
//	          y  = Gamma·h + Beta               Gamma, Beta (shape...)
//	backward  dGamma += Σ dy·h                  dBeta += Σ dy
//	          dx = (g - Σ g/M - h·Σ g·h/M)/√(var + Eps)      g = Gamma·dy
//
// The shape has M elements. mean, var = Σ (x - mean)²/M and the sums in dx are over these M
// elements; the sums in dGamma and dBeta are over all other axes. LayerNorm computes the same
// in training and in evaluation. (Ba, Kiros and Hinton, "Layer normalization", 2016; PyTorch's
// LayerNorm.)
type LayerNorm[T tensor.Float] struct{ lastAxes[T] }

// NewLayerNorm returns a LayerNorm layer over the last axes, which have the given shape. Gamma
// is 1, Beta 0 and Eps 1e-5. It panics unless the shape has 1 to 15 lengths, each 1 or more.
func NewLayerNorm[T tensor.Float](shape ...int) *LayerNorm[T] {
	l := &LayerNorm[T]{newLastAxes[T](shape, 1e-5)}
	MustBuild(l)
	l.start()
	return l
}

func (l *LayerNorm[T]) Fields(f *Fields[T]) { l.fields(f, true) }

func (l *LayerNorm[T]) Settings(s *Settings[T]) { l.settings(s, 1e-5) }

func (l *LayerNorm[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x)
}

func (l *LayerNorm[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy)
}

func (l *LayerNorm[T]) String() string { return "LayerNorm" + tensor.FormatShape(l.shape) }
