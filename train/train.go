package train

import (
	"context"
	"errors"
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
	Net       nn.Layer[T]
	Loss      nn.Loss[T]          // of the outputs of Net and the targets of the samples
	Optimizer *optim.Optimizer[T] // of the parameters of Net

	Train data.Samples[T]
	Test  data.Samples[T] // only evaluated; nil is none

	Batch   int    // samples a step
	Steps   int    // an epoch is Train.Len()/Batch of them, rounded up
	Seed    uint64 // of the order of the samples
	Threads int    // for everything: step, optimizer, batches and evaluation; 0: all of GOMAXPROCS. They change no bit.

	// Observers, called between steps; they may be nil.
	OnStep  func(step int, loss float64) // after each step, counted from 1
	OnEpoch func(Epoch)                  // after each epoch, and after the last step
}

// An Epoch is the state of a run after an epoch, or at its end.
type Epoch struct {
	Epoch         float64 // how often the training set was used; a fraction if the run ends within an epoch
	Step          int     // steps done
	Loss          float64 // mean over the batches since the last Epoch, each before its step
	TrainAccuracy float64 // over the whole training set; NaN if the targets are values
	TestAccuracy  float64 // over the whole test set; NaN also without one
}

// Random returns the random numbers for one purpose of a run, such as
// "weights". All purposes draw from one seed, each from a stream of its own.
func Random(seed uint64, purpose string) *rand.Rand {
	stream := fnv.New64a()
	stream.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, stream.Sum64()))
}

// Run trains for cfg.Steps steps and returns the last Epoch.
//
// It stops early with ctx's error, with a *[nn.LabelError] or an *[InputError] that names
// a sample of the training or test set whose label or numbers are wrong, or with a
// *[DivergedError] once the loss of a step or of an evaluation is not finite. The
// network then is as the last complete step left it; the Epoch has the number of that
// step, and NaN for what was not evaluated.
//
// It is an error, too, if the optimizer has a parameter that the network has not or a
// learning rate below 0, or if the network ends in a Softmax and the loss contains one.
func Run[T tensor.Float](ctx context.Context, cfg Config[T]) (Epoch, error) {
	switch {
	case cfg.Net == nil:
		return Epoch{}, errors.New("train: want a network, got nil")
	case cfg.Loss == nil:
		return Epoch{}, errors.New("train: want a loss, got nil")
	case cfg.Optimizer == nil:
		return Epoch{}, errors.New("train: want an optimizer, got nil")
	case cfg.Threads < 0:
		return Epoch{}, fmt.Errorf("train: want 0 or more threads, got %d", cfg.Threads)
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
	if _, err := fit(cfg.Net, cfg.Loss, cfg.Optimizer); err != nil {
		return Epoch{}, err
	}
	t := newTrainer(cfg)
	perEpoch := t.perEpoch()
	var sum float64
	since := 0 // steps in sum
	for step := 1; ; step++ {
		if ctx.Err() != nil {
			return t.stopped(step - 1), ctx.Err()
		}
		loss, err := t.next()
		if err != nil {
			return t.stopped(step - 1), err
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
		if loss, e.TrainAccuracy, err = t.eval.evaluate(ctx, trainingSet, cfg.Train); err == nil {
			_, e.TestAccuracy, err = t.eval.evaluate(ctx, testSet, cfg.Test)
		}
		if err != nil {
			return t.stopped(step), err
		}
		if !finite(loss) {
			if err := checkSet(trainingSet, cfg.Train); err != nil {
				return t.stopped(step), err
			}
			return t.stopped(step), &DivergedError{Step: step, Loss: loss}
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
	step    *Step[T]
	eval    *evaluator[T]
	batches *data.Batcher[T]
}

func newTrainer[T tensor.Float](cfg Config[T]) *trainer[T] {
	if cfg.Threads == 0 {
		cfg.Threads = runtime.GOMAXPROCS(0)
	}
	batches := data.NewBatcher(cfg.Train, cfg.Batch, cfg.Seed)
	batches.Threads = cfg.Threads
	step := NewStep(cfg.Net, cfg.Loss, cfg.Optimizer)
	step.Threads(cfg.Threads)
	return &trainer[T]{cfg, step, newEvaluator(cfg.Net, cfg.Loss, cfg.Threads), batches}
}

// perEpoch is the number of steps in an epoch.
func (t *trainer[T]) perEpoch() int { return t.batches.Batches() }

// stopped returns the Epoch after a number of steps, without an evaluation.
func (t *trainer[T]) stopped(step int) Epoch {
	nan := math.NaN()
	return Epoch{float64(step) / float64(t.perEpoch()), step, nan, nan, nan}
}

// next does a step on the next batch.
func (t *trainer[T]) next() (loss float64, err error) {
	x, targets, ok := t.batches.Next()
	if !ok { // an epoch has ended; the next one begins
		x, targets, _ = t.batches.Next()
	}
	defer wrongLabel(trainingSet, t.number, &err)
	loss, err = t.step.Do(x, targets)
	if e, ok := errors.AsType[*InputError](err); ok {
		err = &InputError{trainingSet, t.number(e.Sample), e.Target, e.Value}
	}
	return loss, err
}

// number is the sample of the training set in a row of the batch.
func (t *trainer[T]) number(row int) int { return t.batches.Samples()[row] }

// What errors call the two sets.
const (
	trainingSet = "training set"
	testSet     = "test set"
)
