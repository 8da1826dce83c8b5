package nn

import "github.com/chainrule-go/chainrule/tensor"

// RMSNorm divides each sample by the root mean square of its elements over the last axes.
//
//	forward   h  = x/√(Σ x²/M + Eps)      x (N, ..., shape...)
//	          y  = Gamma·h                Gamma (shape...)
//	backward  dGamma += Σ dy·h
//	          dx = (g - h·Σ g·h/M)/√(Σ x²/M + Eps)      g = Gamma·dy
//
// The shape has M elements. The sums of x² and in dx are over these M elements; the sum in
// dGamma is over all other axes. RMSNorm is [LayerNorm] with 0 instead of the mean, and without
// Beta. (Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019; PyTorch's
// RMSNorm, whose Eps is by default the distance from 1 to the next number.)
type RMSNorm[T tensor.Float] struct{ lastAxes[T] }

// NewRMSNorm returns an RMSNorm layer over the last axes, which have the given shape. Gamma is
// 1 and Eps 1e-6. It panics unless the shape has 1 to 15 lengths, each 1 or more.
func NewRMSNorm[T tensor.Float](shape ...int) *RMSNorm[T] {
	l := &RMSNorm[T]{newLastAxes[T](shape, 1e-6)}
	MustBuild(l)
	l.start()
	return l
}

func (l *RMSNorm[T]) Fields(f *Fields[T]) { l.fields(f, false) }

func (l *RMSNorm[T]) Settings(s *Settings[T]) { l.settings(s, 1e-6) }

func (l *RMSNorm[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.forward(p, l, x)
}

func (l *RMSNorm[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy)
}

func (l *RMSNorm[T]) String() string { return "RMSNorm" + tensor.FormatShape(l.shape) }
