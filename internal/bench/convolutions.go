package bench

import (
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// convolutions are the workloads of the book's two networks for images.
func convolutions() []Workload {
	const simple = "28x28 - 30 of 5x5, ReLU, max pool 2x2 - 100, ReLU - 10"
	const deep = "DeepConvNet: six convolutions 3x3 of 16 16, 32 32, 64 64, ReLU, a max pool 2x2 after two - 50, ReLU - 10"
	return []Workload{
		{"W3", "training step of " + simple + ", batch 100, Adam 0.001, on MNIST", "steps/s", convolutionFlops(simpleConvNet(), true, 100), false, rate(1), convolutionStep(simpleConvNet)},
		{"W7", "training step of " + deep + ", dropout 0.5, batch 100, Adam 0.001, on MNIST", "steps/s", convolutionFlops(deepConvNet(), true, 100), false, rate(1), convolutionStep(deepConvNet)},
		{"W7a", "prediction of W7's network for one image of MNIST", "µs", convolutionFlops(deepConvNet(), false, 1), false, duration(1e6), predictImages(1)},
		{"W7c", "prediction of W7's network for 100 images of MNIST", "samples/s", convolutionFlops(deepConvNet(), false, 100), false, rate(100), predictImages(100)},
	}
}

// simpleConvNet and deepConvNet are the networks of chapters 7 and 8 of the book.
func simpleConvNet() *nn.Sequential[float32] {
	return nn.NewSimpleConvNet[float32]([]int{1, 28, 28}, 10, train.Random(1, "weights"))
}

func deepConvNet() *nn.Sequential[float32] {
	return nn.NewDeepConvNet[float32]([]int{1, 28, 28}, 10, train.Random(1, "weights"))
}

// convolutionFlops counts the products of a network for images of MNIST: of the forward
// pass and, in training, of the gradients of the weights and of the inputs, except those of
// the first layer.
func convolutionFlops(net *nn.Sequential[float32], training bool, images int) (flops float64) {
	shape, times := []int{0, 1, 28, 28}, 1.0
	if training {
		times = 2
	}
	for _, l := range net.Layers() {
		shape, _ = nn.Check(l.Layer, shape...)
		if params := l.Layer.Params(); len(params) > 0 {
			places := 1 // where each weight is used
			for _, n := range shape[min(2, len(shape)):] {
				places *= n
			}
			flops += times * 2 * float64(images*places*len(params[0].Value.Data))
			if training {
				times = 3
			}
		}
	}
	return flops
}

// squares returns the images of MNIST with their axes.
func (in *inputs) squares() (set, error) {
	s, err := in.mnist()
	if err == nil {
		s.X = tensor.Of(s.X.Data, s.X.Shape[0], 1, 28, 28)
	}
	return s, err
}

func convolutionStep(network func() *nn.Sequential[float32]) func(*inputs, int) (operation, error) {
	return func(in *inputs, threads int) (operation, error) {
		set, err := in.squares()
		if err != nil {
			return nil, err
		}
		net := network()
		return step(net, optim.NewAdam(net.Params(), 0.001), batches(set, 100), threads), nil
	}
}

func predictImages(n int) func(*inputs, int) (operation, error) {
	return func(in *inputs, threads int) (operation, error) {
		set, err := in.squares()
		if err != nil {
			return nil, err
		}
		return prediction(deepConvNet(), batches(set.Rows(0, 10_000), n), threads), nil
	}
}
