package graph

// ComplexStep returns the gradient of y, which must have one element, with
// respect to the input x, without the chain rule: an element of x is moved by ih,
// where i² = -1 and h = 1e-30, the graph is computed forward, and the imaginary
// part of y, divided by h, is the derivative,
//
//	f(x + ih) = f(x) + ih·f'(x) + O(h²)
//
// with no difference taken, so nothing cancels, and the O(h²) is far below
// rounding. This needs a forward pass for each element of x, and inputs whose
// imaginary parts are 0. Where y is not differentiable, the derivative is that of
// the side the maximum takes.
func ComplexStep(g *Graph[complex128], y, x *Node[complex128]) []float64 {
	const h = 1e-30
	if len(y.Value) != 1 {
		panic(shapeError("complex step", "one element", y))
	}
	g.mustOwn("complex step", y)
	grad := make([]float64, len(x.Value))
	for i, v := range x.Value {
		x.Value[i] = v + complex(0, h)
		g.Forward(x)
		grad[i] = imag(y.Value[0]) / h
		x.Value[i] = v
	}
	g.Forward(x)
	return grad
}
