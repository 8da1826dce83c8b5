package graph

// The layers of the book, built from elementary nodes.

// ReLU is the maximum of x and 0; its gradient at 0 is 0.
func ReLU[T Number](g *Graph[T], x *Node[T]) *Node[T] {
	return g.Maximum(x, g.Const(0, x.Shape...))
}

// Sigmoid is 1 / (1 + e^-x), node by node. Below x = -709 the exponential
// overflows: y is 0 and its gradient NaN, where the layer's is 0.
func Sigmoid[T Number](g *Graph[T], x *Node[T]) *Node[T] {
	minus := g.Mul(x, g.Const(-1, x.Shape...))
	sum := g.Add(g.Exp(minus), g.Const(1, x.Shape...))
	return g.Div(g.Const(1, x.Shape...), sum)
}

// Tanh is the hyperbolic tangent, an operation of its own.
func Tanh[T Number](g *Graph[T], x *Node[T]) *Node[T] { return g.Tanh(x) }

// Softplus is log(1 + e^x), computed as max(x, 0) + log(1 + e^-|x|) so that nothing
// overflows.
func Softplus[T Number](g *Graph[T], x *Node[T]) *Node[T] {
	minus := g.Mul(x, g.Const(-1, x.Shape...))
	e := g.Exp(g.Mul(g.Maximum(x, minus), g.Const(-1, x.Shape...)))
	return g.Add(ReLU(g, x), g.Log(g.Add(e, g.Const(1, x.Shape...))))
}

// Affine is x·W + b for one sample x (in) or a batch (N, in), with W (in, out)
// and b (out), which is repeated for every sample of a batch.
func Affine[T Number](g *Graph[T], x, w, b *Node[T]) *Node[T] {
	y := g.Dot(x, w)
	if len(y.Shape) > 1 {
		b = g.Broadcast(b, y.Shape...)
	}
	return g.Add(y, b)
}

// Softmax is e^x / Σ e^x along the last axis of x, one sample (K) or a batch (N, K). The
// largest element is subtracted first, so that nothing overflows. It does not change the
// result, so it is held constant: its gradient would be a sum that is 0 except for
// rounding.
func Softmax[T Number](g *Graph[T], x *Node[T]) *Node[T] {
	e, sum := shiftedExp(g, shifted(g, x))
	return g.Div(e, g.Broadcast(sum, x.Shape...))
}

// SoftmaxWithLoss is the mean over the samples of the cross entropy error
// -Σ t·log softmax(x) of the logits x, one sample (K) or a batch (N, K) with N at
// least 1, and the targets t of the same shape, one-hot or soft. The logarithm is
// taken of the sum, log softmax(x) = x - max x - log Σ e^(x - max x), so the loss
// is finite for finite logits.
func SoftmaxWithLoss[T Number](g *Graph[T], x, t *Node[T]) *Node[T] {
	if len(x.Value) == 0 {
		panic(shapeError("softmax with loss", "(N, K) with N and K at least 1", x))
	}
	z := shifted(g, x)
	_, sum := shiftedExp(g, z)
	samples := len(x.Value) / x.Shape[len(x.Shape)-1]
	logY := g.Sub(z, g.Broadcast(g.Log(sum), x.Shape...))
	return g.Div(g.Sum(g.Mul(t, logY)), g.Const(number[T](-float64(samples))))
}

// MeanSquaredError is the mean of (y - t)² over all elements of y and t. They have the same
// shape, with at least one element.
func MeanSquaredError[T Number](g *Graph[T], y, t *Node[T]) *Node[T] {
	if len(y.Value) == 0 {
		panic(shapeError("mean squared error", "at least one element", y))
	}
	d := g.Sub(y, t)
	return g.Div(g.Sum(g.Mul(d, d)), g.Const(number[T](float64(len(y.Value)))))
}

// shifted is x - max x, along the last axis.
func shifted[T Number](g *Graph[T], x *Node[T]) *Node[T] {
	if len(x.Shape) == 0 {
		panic(shapeError("softmax", "(K) or (N, K)", x))
	}
	return g.Sub(x, g.Hold(g.Broadcast(g.Max(x, len(x.Shape)-1), x.Shape...)))
}

// shiftedExp is e^z and its sum along the last axis.
func shiftedExp[T Number](g *Graph[T], z *Node[T]) (e, sum *Node[T]) {
	e = g.Exp(z)
	return e, g.Sum(e, len(z.Shape)-1)
}
