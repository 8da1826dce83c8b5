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

	params []*nn.Param[T]  // that the optimizer has
	frozen []*nn.Param[T]  // that it does not have
	state  []layerState[T] // of all layers
	health *health[T]      // measured in the next step; or nil
}

// NewStep returns a Step on all threads of GOMAXPROCS. The optimizer may leave parameters
// of the network as they are; their Grad is zero after each step too. It panics if the
// optimizer has a parameter of another network or a learning rate below 0, or if the
// network ends in a Softmax and the loss contains one.
func NewStep[T tensor.Float](net nn.Layer[T], loss nn.Loss[T], optimizer *optim.Optimizer[T]) *Step[T] {
	frozen, err := fit(net, loss, optimizer)
	if err != nil {
		panic(err.Error())
	}
	return &Step[T]{net, loss, optimizer, &nn.Pass[T]{Train: true, Keep: true}, optimizer.Params(), frozen, layerStates(net), nil}
}

// Threads sets the number of threads of the pass and the optimizer; 0 is all of
// GOMAXPROCS. They change no bit.
func (s *Step[T]) Threads(n int) { s.Pass.Threads, s.Optimizer.Threads = n, n }

// Do is one step on a batch and its targets. It returns the loss before the step.
//
// If the loss or a gradient is not finite, it returns an *[InputError] if a sample of the
// batch is not finite, or else a *[DivergedError] that names the first number that is not.
// A label that is none of the classes panics with a *[nn.LabelError]. In all these cases the
// network, the optimizer and the pass are as before the step.
//
// If a parameter is not finite after the step, it returns a *[DivergedError] too, and the
// step has been done.
func (s *Step[T]) Do(x *tensor.Tensor[T], t nn.Targets[T]) (loss float64, err error) {
	s.Pass.Reset()
	for _, state := range s.state {
		copy(state.before, state.live.Data)
	}
	complete := false
	defer func(unfused bool, observe func(nn.Layer[T], bool, *tensor.Tensor[T])) {
		s.Pass.Unfused, s.Pass.Observe = unfused, observe
		if !complete {
			s.undo()
		}
	}(s.Pass.Unfused, s.Pass.Observe)
	if s.health != nil {
		s.Pass.Unfused, s.Pass.Observe = true, s.health.outputs // to the same bits
	}
	loss = nn.Backpropagate(s.Pass, s.Net, s.Loss, x, t)
	if !finite(loss) || !s.Optimizer.FiniteGrads() {
		return loss, s.diverged(x, t, loss)
	}
	complete = true
	if s.health != nil {
		s.health.gradients()
	}
	s.Optimizer.Step()
	for _, p := range s.frozen {
		clear(p.Grad.Data)
	}
	return loss, s.overflowed(loss)
}
