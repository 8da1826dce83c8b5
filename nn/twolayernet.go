package nn

import (
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/tensor"
)

// TwoLayerNet is the network of chapter 5 of the book: Affine1, ReLU1, Affine2, and
// SoftmaxWithLoss at the end. Its parameters are named W1, b1, W2 and b2.
//
// It is a Layer like its Sequential. For fast training use a Pass and an optimizer: the methods
// here are the methods of the book, and allocate memory.
type TwoLayerNet[T tensor.Float] struct {
	*Sequential[T]
	Last *SoftmaxWithLoss[T]
}

// NewTwoLayerNet returns the network for samples of input numbers, with hidden hidden units and
// output classes. Weights are drawn from rng with the standard deviation std (0.01 in the
// book); biases are 0.
func NewTwoLayerNet[T tensor.Float](input, hidden, output int, std float64, rng *rand.Rand) *TwoLayerNet[T] {
	affine1 := AffineOf(NewParam[T]("W1", input, hidden), NewParam[T]("b1", hidden))
	affine2 := AffineOf(NewParam[T]("W2", hidden, output), NewParam[T]("b2", output))
	affine1.Init(Std(std), rng)
	affine2.Init(Std(std), rng)
	return &TwoLayerNet[T]{NewSequential[T](affine1, NewReLU[T](), affine2), NewSoftmaxWithLoss[T]()}
}

// Predict returns the logits (N, output) of x (N, input). The largest one is at the predicted
// class.
func (net *TwoLayerNet[T]) Predict(x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return net.Forward(nil, x)
}

// Loss returns the mean loss of x for the labels t.
func (net *TwoLayerNet[T]) Loss(x *tensor.Tensor[T], t []int) float64 {
	return net.Last.Forward(nil, net.Predict(x), Labels[T](t...))
}

// Accuracy returns the share of the samples x whose predicted class is the label in t.
func (net *TwoLayerNet[T]) Accuracy(x *tensor.Tensor[T], t []int) float64 {
	return Accuracy(net.Predict(x), t)
}

// Gradients are the gradients of the loss, by parameter name.
type Gradients[T tensor.Float] map[string]*tensor.Tensor[T]

// NumericalGradient returns the gradients by central differences, which take two losses for
// each single parameter. It is slow, and useful only in float64 (see [CentralDifference]). Its
// purpose is to check [TwoLayerNet.Gradient].
func (net *TwoLayerNet[T]) NumericalGradient(x *tensor.Tensor[T], t []int) Gradients[T] {
	pass := &Pass[T]{}
	loss := func() float64 {
		pass.Reset()
		return net.Last.Forward(pass, net.Forward(pass, x), Labels[T](t...))
	}
	grads := Gradients[T]{}
	for _, p := range net.Params() {
		g := tensor.New[T](p.Value.Shape...)
		for i := range g.Data {
			g.Data[i] = T(CentralDifference(loss, &p.Value.Data[i], DifferenceStep).Central())
		}
		grads[p.Name] = g
	}
	return grads
}

// Gradient returns the gradients by backpropagation: one pass forward and one pass backward for
// all of them. The Grad of the parameters does not change.
func (net *TwoLayerNet[T]) Gradient(x *tensor.Tensor[T], t []int) Gradients[T] {
	grads := Gradients[T]{}
	for _, p := range net.Params() {
		old := p.Grad
		defer func() { p.Grad = old }() // also after a panic, for a wrong shape or label
		p.Grad = tensor.New[T](p.Value.Shape...)
		grads[p.Name] = p.Grad
	}
	Backpropagate(&Pass[T]{Train: true, Keep: true}, net, net.Last, x, Labels[T](t...))
	return grads
}
