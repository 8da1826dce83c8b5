package bench

import (
	"fmt"
	"math"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// A Workload is one thing that is measured.
type Workload struct {
	Name, What string
	Unit       string
	Flops      float64 // of an operation, in its matrix products; 0 where nobody counts

	double bool                                             // not in float32, whose peak it cannot reach
	value  func(seconds float64) float64                    // converts the seconds of an operation to Unit
	start  func(in *inputs, threads int) (operation, error) // makes everything ready
}

// An operation is what is repeated. It returns something that shows whether it
// computed the right thing.
type operation func() (result float64, err error)

// The two networks.
var (
	small = []int{784, 50, 10}
	large = []int{784, 1024, 1024, 10}
)

// Workloads returns the table.
func Workloads() []Workload {
	table := []Workload{
		{"W1", "training step of 784-50-10, ReLU, batch 100, SGD 0.1, on MNIST", "steps/s", trainingFlops(100, small), false, rate(1),
			func(in *inputs, threads int) (operation, error) { return bookStep(in.mnist, relu, threads) }},
		{"W1s", "W1 with Sigmoid", "steps/s", trainingFlops(100, small), false, rate(1),
			func(in *inputs, threads int) (operation, error) { return bookStep(in.mnist, sigmoid, threads) }},
		{"W1d", "W1 on dense random inputs: four pixels of five of MNIST are 0", "steps/s", trainingFlops(100, small), false, rate(1),
			func(in *inputs, threads int) (operation, error) { return bookStep(in.dense, relu, threads) }},
		{"W1full", "the program chainrule train: reads MNIST compressed, 10000 steps of W1, 17 evaluations", "s", 0, false, duration(1), wholeProgram},
		{"W2", "training step of 784-1024-1024-10, ReLU, batch 256, momentum 0.9, on dense random inputs", "steps/s", trainingFlops(256, large), false, rate(1), largeStep},
		{"W4a", "prediction of 784-50-10 for one image of MNIST", "µs", forwardFlops(1, small), false, duration(1e6), predict(small, 1)},
		{"W4b", "prediction of 784-1024-1024-10 for one image", "µs", forwardFlops(1, large), false, duration(1e6), predict(large, 1)},
		{"W4c", "prediction of 784-1024-1024-10 for 1000 images", "samples/s", forwardFlops(1000, large), false, rate(1000), predict(large, 1000)},
		{"W5", "gradient check of 784-50-10 on 3 images: two losses for each of 39760 parameters, in float64", "s", 2 * 39760 * forwardFlops(3, small), true, duration(1), gradientCheck},
	}
	table = append(table, convolutions()...)
	for _, n := range []int{64, 128, 256, 512, 1024, 2048} {
		flops := 2 * math.Pow(float64(n), 3)
		table = append(table, Workload{fmt.Sprint("W6-", n), fmt.Sprintf("matrix product %d x %d x %d", n, n, n), "GFLOP/s", flops, false, rate(flops / 1e9), product(n)})
	}
	return table
}

// rate is for units of something per second; an operation does n of them.
func rate(n float64) func(seconds float64) float64 {
	return func(seconds float64) float64 { return n / seconds }
}

// duration is for units of time; a second has n of them.
func duration(n float64) func(seconds float64) float64 {
	return func(seconds float64) float64 { return seconds * n }
}

// forwardFlops counts the products of a forward pass: 2MNK each.
func forwardFlops(batch int, sizes []int) (flops float64) {
	for i, out := range sizes[1:] {
		flops += 2 * float64(batch*sizes[i]*out)
	}
	return flops
}

// trainingFlops counts those of a training step: forward, dW, and dx, which the
// first layer does not need.
func trainingFlops(batch int, sizes []int) float64 {
	return 3*forwardFlops(batch, sizes) - forwardFlops(batch, sizes[:2])
}

type layer = nn.Layer[float32]

func relu() layer    { return nn.NewReLU[float32]() }
func sigmoid() layer { return nn.NewSigmoid[float32]() }

// network returns the network of these sizes.
func network(sizes []int, activation func() layer) *nn.Sequential[float32] {
	rng := train.Random(1, "weights")
	var layers []layer
	for i, out := range sizes[1:] {
		if i > 0 {
			layers = append(layers, activation())
		}
		layers = append(layers, nn.NewAffine[float32](sizes[i], out, rng))
	}
	return nn.NewSequential(layers...)
}

// step is a training step on the next of the batches, whose loss it returns.
func step(net *nn.Sequential[float32], optimizer *optim.Optimizer[float32], batches []set, threads int) operation {
	step := train.NewStep(net, nn.NewSoftmaxWithLoss[float32](), optimizer)
	step.Threads(threads)
	next := 0
	return func() (float64, error) {
		b := batches[next]
		next = (next + 1) % len(batches)
		return step.Do(b.X, b.Targets())
	}
}

func bookStep(inputs func() (set, error), activation func() layer, threads int) (operation, error) {
	set, err := inputs()
	if err != nil {
		return nil, err
	}
	net := network(small, activation)
	return step(net, optim.NewSGD(net.Params(), 0.1), batches(set, 100), threads), nil
}

func largeStep(in *inputs, threads int) (operation, error) {
	set, err := in.dense()
	if err != nil {
		return nil, err
	}
	net := network(large, relu)
	return step(net, optim.NewMomentum(net.Params(), 0.01, 0.9), batches(set, 256), threads), nil
}

// predict is a prediction for some images; its result is how many are right,
// by chance, as the network is untrained.
func predict(sizes []int, n int) func(*inputs, int) (operation, error) {
	return func(in *inputs, threads int) (operation, error) {
		set, err := in.mnist()
		if err != nil {
			return nil, err
		}
		return prediction(network(sizes, relu), batches(set.Rows(0, 10_000), n), threads), nil
	}
}

func prediction(net *nn.Sequential[float32], batches []set, threads int) operation {
	pass := &nn.Pass[float32]{Threads: threads}
	next := 0
	return func() (float64, error) {
		b := batches[next]
		next = (next + 1) % len(batches)
		pass.Reset()
		return float64(nn.Correct(net.Forward(pass, b.X), b.T)), nil
	}
}

// gradientCheck is the one of the book: backpropagation against central
// differences of the loss. Its result is the largest relative error.
func gradientCheck(in *inputs, _ int) (operation, error) {
	set, err := in.mnist()
	if err != nil {
		return nil, err
	}
	x := tensor.New[float64](3, 784)
	data.Brightness(x.Data, in.train.Images.Data[:len(x.Data)])
	net := nn.NewTwoLayerNet[float64](784, 50, 10, 0.01, train.Random(1, "weights"))
	return func() (float64, error) {
		right := gradcheck.Numerical(net.Sequential, net.Last, x, nn.Labels[float64](set.T[:3]...))
		got := net.Gradient(x, set.T[:3])
		var worst float64
		for i, p := range net.Params() {
			worst = max(worst, gradcheck.RelativeError(got[p.Name].Data, right[i]))
		}
		if bound := gradcheck.CentralDifference.Bound(); !(worst <= bound) {
			return worst, fmt.Errorf("the gradients are off by %v, more than %v", worst, bound)
		}
		return worst, nil
	}, nil
}

// wholeProgram returns the test accuracy.
func wholeProgram(in *inputs, threads int) (operation, error) {
	dir, err := in.compressed()
	if err != nil {
		return nil, err
	}
	return func() (float64, error) { return in.Train(in.ctx, dir, threads) }, nil
}

// product is a square matrix product; its result is the last element.
func product(n int) func(*inputs, int) (operation, error) {
	return func(_ *inputs, threads int) (operation, error) {
		a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
		fill(a, 1)
		fill(b, 2)
		return func() (float64, error) {
			kernel.Gemm(threads, kernel.Mat(c, n, n), kernel.Mat(a, n, n), kernel.Mat(b, n, n))
			return float64(c[n*n-1]), nil
		}, nil
	}
}
