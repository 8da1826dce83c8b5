package train

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Config says what to train, on what, and how long.
type Config[T tensor.Float] struct {
	Net       nn.Layer[T]     // gives logits; the loss is softmax cross-entropy
	Optimizer optim.Optimizer // of the parameters of Net

	Train data.Samples[T]
	Test  data.Samples[T] // only evaluated; nil is none

	Batch   int    // samples a step
	Steps   int    // an epoch is Train.Len()/Batch of them, rounded up
	Seed    uint64 // of the order of the samples
	Threads int    // for the large products and for evaluation; 0: all of GOMAXPROCS. They change no bit.

	// Observers, called between steps; they may be nil.
	OnStep  func(step int, loss float64) // after each step, counted from 1
	OnEpoch func(Epoch)                  // after each epoch, and after the last step
}

// An Epoch is how training stands.
type Epoch struct {
	Epoch         float64 // how often the training set was seen; a fraction where a run ends within an epoch
	Step          int     // steps done
	Loss          float64 // mean over the batches since the last Epoch, each before its step
	TrainAccuracy float64 // over the whole training set
	TestAccuracy  float64 // NaN without a test set
}

// Random returns the random numbers for one purpose of a run, such as
// "weights". All purposes draw from one seed, each from a stream of its own.
func Random(seed uint64, purpose string) *rand.Rand {
	stream := fnv.New64a()
	stream.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, stream.Sum64()))
}

// A DivergedError ends a run whose loss is no number any more.
type DivergedError struct {
	Step int
	Loss float64
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("training diverged: the loss at step %d is %v; try a smaller learning rate or smaller initial weights", e.Step, e.Loss)
}

// Run trains for cfg.Steps steps and returns how training stands at the end.
//
// It stops early with ctx's error, or with a *[DivergedError] once the loss of a
// step or of an evaluation is no number. The network then is as the last whole
// step left it; the Epoch has its number, and NaN for what
// was not evaluated.
func Run[T tensor.Float](ctx context.Context, cfg Config[T]) (Epoch, error) {
	if cfg.Net == nil || cfg.Optimizer == nil || cfg.Threads < 0 {
		return Epoch{}, fmt.Errorf("train: a network, an optimizer and 0 or more threads are needed: %v, %v, %d", cfg.Net, cfg.Optimizer, cfg.Threads)
	}
	if cfg.Train == nil {
		cfg.Train = data.Set[T]{}
	}
	if cfg.Test == nil {
		cfg.Test = data.Set[T]{}
	}
	if cfg.Train.Len() == 0 || cfg.Batch < 1 || cfg.Steps < 1 {
		return Epoch{}, fmt.Errorf("train: %d samples in batches of %d for %d steps: each must be 1 or more", cfg.Train.Len(), cfg.Batch, cfg.Steps)
	}
	t := newTrainer(cfg)
	perEpoch := t.perEpoch()
	var sum float64
	since := 0 // steps in sum
	for step := 1; ; step++ {
		if ctx.Err() != nil {
			return t.stopped(step - 1), ctx.Err()
		}
		loss, ok := t.step()
		if !ok {
			return t.stopped(step - 1), &DivergedError{step, loss}
		}
		sum += loss
		since++
		if cfg.OnStep != nil {
			cfg.OnStep(step, loss)
		}
		if step%perEpoch != 0 && step != cfg.Steps {
			continue
		}
		e := t.stopped(step)
		e.Loss = sum / float64(since)
		sum, since = 0, 0
		var err error
		if loss, e.TrainAccuracy, err = t.eval.evaluate(ctx, cfg.Train); err == nil {
			_, e.TestAccuracy, err = t.eval.evaluate(ctx, cfg.Test)
		}
		if err != nil {
			return t.stopped(step), err
		}
		if !finite(loss) {
			return t.stopped(step), &DivergedError{step, loss}
		}
		if cfg.OnEpoch != nil {
			cfg.OnEpoch(e)
		}
		if step == cfg.Steps {
			return e, nil
		}
	}
}

// trainer is the state of a run.
type trainer[T tensor.Float] struct {
	Config[T]
	loss    *nn.SoftmaxWithLoss[T]
	pass    *nn.Pass[T] // of a step
	eval    *evaluator[T]
	batches *data.Batcher[T]
}

func newTrainer[T tensor.Float](cfg Config[T]) *trainer[T] {
	if cfg.Threads == 0 {
		cfg.Threads = runtime.GOMAXPROCS(0)
	}
	batches := data.NewBatcher(cfg.Train, cfg.Batch, cfg.Seed)
	batches.Threads = cfg.Threads
	return &trainer[T]{
		Config:  cfg,
		loss:    nn.NewSoftmaxWithLoss[T](),
		pass:    &nn.Pass[T]{Train: true, Keep: true, Threads: cfg.Threads, Rand: Random(cfg.Seed, "layers")},
		eval:    newEvaluator(cfg.Net, cfg.Threads),
		batches: batches,
	}
}

func finite(loss float64) bool { return !math.IsNaN(loss) && !math.IsInf(loss, 0) }

// perEpoch is the number of steps in an epoch.
func (t *trainer[T]) perEpoch() int { return t.batches.Batches() }

// stopped is the Epoch after so many steps, not evaluated.
func (t *trainer[T]) stopped(step int) Epoch {
	nan := math.NaN()
	return Epoch{float64(step) / float64(t.perEpoch()), step, nan, nan, nan}
}

// step is the whole of training: the chain rule, down to every Param, and a
// step down the gradient. It returns the loss before that, and false, leaving
// the network alone, if that is no number to go down from.
func (t *trainer[T]) step() (loss float64, ok bool) {
	x, labels, ok := t.batches.Next()
	if !ok { // an epoch has ended; the next one begins
		x, labels, _ = t.batches.Next()
	}
	t.pass.Reset()
	loss = t.loss.Forward(t.pass, t.Net.Forward(t.pass, x), labels)
	if !finite(loss) {
		return loss, false
	}
	dx := t.loss.Backward(t.pass)
	if net, ok := t.Net.(nn.ParamsBackward[T]); ok {
		net.BackwardParams(t.pass, dx)
	} else {
		t.Net.Backward(t.pass, dx)
	}
	t.Optimizer.Step()
	return loss, true
}
