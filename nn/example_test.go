package nn_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// A network learns exclusive or.
func Example() {
	x := tensor.Of([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2)
	labels := []int{0, 1, 1, 0}

	rng := rand.New(rand.NewPCG(1, 0))
	net := nn.NewSequential[float32](nn.NewAffine[float32](2, 16, rng), nn.NewReLU[float32](), nn.NewAffine[float32](16, 2, rng))
	loss, sgd := nn.NewSoftmaxWithLoss[float32](), optim.NewSGD(net.Params(), 0.5)
	pass := &nn.Pass[float32]{Train: true, Keep: true}
	for step := range 201 {
		pass.Reset()
		l := loss.Forward(pass, net.Forward(pass, x), nn.Labels[float32](labels...))
		net.BackwardParams(pass, loss.Backward(pass))
		sgd.Step()
		if step%100 == 0 {
			fmt.Printf("step %3d: loss %.3f\n", step, l)
		}
	}
	y := net.Forward(nil, x)
	fmt.Println("classes", nn.Classes(y), "accuracy", nn.Accuracy(y, labels))
	// Output:
	// step   0: loss 0.789
	// step 100: loss 0.017
	// step 200: loss 0.006
	// classes [0 1 1 0] accuracy 1
}

func ExampleReLU() {
	relu, pass := nn.NewReLU[float64](), &nn.Pass[float64]{Keep: true}
	x := tensor.Of([]float64{1, -0.5, -2, 3}, 2, 2)
	fmt.Println("y   ", relu.Forward(pass, x))
	fmt.Println("mask", relu.Mask(pass))
	fmt.Println("dx  ", relu.Backward(pass, tensor.Of([]float64{10, 20, 30, 40}, 2, 2)))
	// Output:
	// y    Tensor(2, 2) [[1 0] [0 3]]
	// mask [false true true false]
	// dx   Tensor(2, 2) [[10 0] [0 40]]
}

func ExampleSigmoid() {
	sigmoid, pass := nn.NewSigmoid[float64](), &nn.Pass[float64]{Keep: true}
	fmt.Println("y ", sigmoid.Forward(pass, tensor.Of([]float64{-1e4, 0, 1e4}, 3)))
	fmt.Println("dx", sigmoid.Backward(pass, tensor.Of([]float64{1, 1, 1}, 3)))
	// Output:
	// y  Tensor(3) [0 0.5 1]
	// dx Tensor(3) [0 0.25 0]
}

func ExampleAffine() {
	affine := nn.AffineOf(nn.NewParam[float64]("W", 2, 3), nn.NewParam[float64]("b", 3))
	copy(affine.W.Value.Data, []float64{1, 2, 3, 4, 5, 6})
	copy(affine.B.Value.Data, []float64{10, 20, 30})

	pass := &nn.Pass[float64]{Keep: true}
	fmt.Println("y ", affine.Forward(pass, tensor.Of([]float64{1, 0, 0, 1}, 2, 2)))
	fmt.Println("dx", affine.Backward(pass, tensor.Of([]float64{1, 2, 3, 4, 5, 6}, 2, 3)))
	fmt.Println("dW", affine.W.Grad)
	fmt.Println("db", affine.B.Grad)
	// Output:
	// y  Tensor(2, 3) [[11 22 33] [14 25 36]]
	// dx Tensor(2, 2) [[14 32] [32 77]]
	// dW Tensor(2, 3) [[1 2 3] [4 5 6]]
	// db Tensor(3) [5 7 9]
}

func ExampleSoftmax() {
	y := nn.NewSoftmax[float64]().Forward(nil, tensor.Of([]float64{0.3, 2.9, 4.0}, 3))
	fmt.Printf("%.8f\n", y.Data)
	// Output: [0.01821127 0.24519181 0.73659691]
}

func ExampleSoftmaxWithLoss() {
	loss, pass := nn.NewSoftmaxWithLoss[float64](), &nn.Pass[float64]{Keep: true}
	logits := tensor.Of([]float64{0.3, 2.9, 4.0}, 1, 3)
	fmt.Printf("loss %.6f\n", loss.Forward(pass, logits, nn.Labels[float64](2)))
	fmt.Printf("dx   %.6f\n", loss.Backward(pass).Data)
	// Output:
	// loss 0.305714
	// dx   [0.018211 0.245192 -0.263403]
}

func ExampleSequential() {
	rng := rand.New(rand.NewPCG(1, 0))
	net := nn.NewSequential[float32](nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](), nn.NewAffine[float32](50, 10, rng))
	for _, l := range net.Layers() {
		fmt.Println(l.Name, l.Layer)
	}
	out, err := nn.Check[float32](net, 100, 784)
	fmt.Println(out, err)
	_, err = nn.Check[float32](net, 100, 28, 28)
	fmt.Println(err)
	// Output:
	// Affine1 Affine(784->50)
	// ReLU1 ReLU
	// Affine2 Affine(50->10)
	// [100 10] <nil>
	// layer Affine1: Affine(784->50).Forward: want (N, 784) or (784), got (100, 28, 28)
}

func ExampleTwoLayerNet() {
	net := nn.NewTwoLayerNet[float64](4, 3, 2, 0.01, rand.New(rand.NewPCG(1, 0)))
	x, labels := tensor.Of([]float64{1, 2, 3, 4, 4, 3, 2, 1}, 2, 4), []int{0, 1}
	ours, theirs := net.Gradient(x, labels), net.NumericalGradient(x, labels)
	for _, name := range []string{"W1", "b1", "W2", "b2"} {
		worst := 0.0
		for i, g := range ours[name].Data {
			worst = max(worst, g-theirs[name].Data[i], theirs[name].Data[i]-g)
		}
		fmt.Println(name, tensor.FormatShape(ours[name].Shape), "agrees with central differences:", worst < 1e-9)
	}
	// Output:
	// W1 (4, 3) agrees with central differences: true
	// b1 (3) agrees with central differences: true
	// W2 (3, 2) agrees with central differences: true
	// b2 (2) agrees with central differences: true
}

func ExampleCentralDifference() {
	x := tensor.Of([]float64{3, 4}, 2) // f(x) = x₀² + x₁², the book's section 4.4
	f := func() float64 { return x.Data[0]*x.Data[0] + x.Data[1]*x.Data[1] }
	for i := range x.Data {
		d := nn.CentralDifference(f, &x.Data[i], nn.DifferenceStep)
		fmt.Printf("∂f/∂x%d = %.4f\n", i, d.Central())
	}
	// Output:
	// ∂f/∂x0 = 6.0000
	// ∂f/∂x1 = 8.0000
}
