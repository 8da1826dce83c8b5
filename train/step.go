package train

import (
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Step runs the steps of a training, each of which is forward, loss, the chain rule
// down to every parameter, and a step of the optimizer. It allocates nothing once
// warm.
//
//	step := train.NewStep(net, nn.NewSoftmaxWithLoss[float32](), optim.NewSGD(net.Params(), 0.1))
//	for x, t := range samples.Batches(100, rng) {
//		loss, err := step.Do(x, t)
//		...
//	}
type Step[T tensor.Float] struct {
	Net       nn.Layer[T]
	Loss      nn.Loss[T]
	Optimizer *optim.Optimizer[T]
	Pass      *nn.Pass[T] // of the steps; its Step is their number
}

// NewStep returns a Step on all threads of GOMAXPROCS.
func NewStep[T tensor.Float](net nn.Layer[T], loss nn.Loss[T], optimizer *optim.Optimizer[T]) *Step[T] {
	return &Step[T]{net, loss, optimizer, &nn.Pass[T]{Train: true, Keep: true}}
}

// Threads sets the number of threads of the pass and the optimizer; 0 is all of
// GOMAXPROCS. They change no bit.
func (s *Step[T]) Threads(n int) { s.Pass.Threads, s.Optimizer.Threads = n, n }

// Do is one step on a batch and its targets. It returns the loss before the step, or a
// *[DivergedError] if that is not finite; then no parameter has changed.
func (s *Step[T]) Do(x *tensor.Tensor[T], t nn.Targets[T]) (loss float64, err error) {
	s.Pass.Reset()
	loss = nn.Backpropagate(s.Pass, s.Net, s.Loss, x, t)
	if !finite(loss) {
		return loss, &DivergedError{int(s.Pass.Step), loss}
	}
	s.Optimizer.Step()
	return loss, nil
}
