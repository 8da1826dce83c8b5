package train

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Config says what to train, on what data, and for how long.
type Config[T tensor.Float] struct {
	Net       nn.Layer[T]
	Loss      nn.Loss[T]          // of the outputs of Net and the targets of the samples
	Optimizer *optim.Optimizer[T] // of the parameters of Net

	// Train is the training set. Validation is evaluated after each epoch, to find the best
	// network and for Patience. Test is evaluated after each epoch, and changes nothing.
	// Validation and Test may be nil.
	Train, Validation, Test data.Samples[T]

	// Batch is the number of samples in a step. Steps is the number of steps of the whole
	// training; an epoch has Train.Len()/Batch steps, rounded up.
	Batch, Steps int

	// Patience is the number of epochs without a lower validation loss after which the
	// training ends. Net then gets the parameters of the best epoch, as it does when the
	// training ends at Steps. 0 turns both off.
	Patience int

	// Seed decides the order of the samples.
	Seed uint64

	// Threads is the number of threads for steps, batches and evaluation; 0 is all of
	// GOMAXPROCS. It changes no bit of the result.
	Threads int

	// Observers are called between steps; each may be nil. An error from an observer ends
	// the run, which returns it. ErrStop ends the run as if this were the last step.
	//
	// OnStep is called after each step, counted from 1; OnEpoch after each epoch and after
	// the last step. Metrics measures Net for each Epoch.
	OnStep  func(step int, loss float64) error
	OnEpoch func(Epoch) error
	Metrics func(context.Context) (map[string]float64, error)

	// Dir is the folder in which the run is kept; nil keeps none. If Dir holds a checkpoint,
	// the run continues from there, and ends with the same bits as a run that was never
	// interrupted.
	Dir *Dir

	// Every is the number of steps between checkpoints; 0 is an epoch. A checkpoint waits
	// until the one before it is written.
	Every int

	// Keep is the number of checkpoints that stay, the newest ones; 0 is 3.
	Keep int

	// SaveModel writes Net, as it is after the epoch e, to a file: the best network, and the
	// network at the end. If it is nil, neither is written.
	SaveModel func(path string, e Epoch) error

	// Log receives messages about what was found in Dir. It may be nil.
	Log func(format string, args ...any)
}

// ErrStop is what an observer returns to end a run early.
var ErrStop = errors.New("train: stop")

// Run trains for cfg.Steps steps, or until cfg.Patience ends the training, and returns the
// Epoch of the network at the end.
//
// It stops early with ctx's error, with the error of an observer, with a *[nn.LabelError]
// or an *[InputError] that names a sample with a wrong label or number, or with a
// *[DivergedError] if a loss, a gradient or a parameter is not finite. The network is then
// as after the last complete step, and this state is saved to cfg.Dir. The Epoch has the
// number of that step, and NaN for everything that was not evaluated. If saving fails, the
// run ends too; files that were saved before remain.
//
// It is also an error if the optimizer has a parameter that is not in the network or a
// learning rate below 0, if the network ends in a Softmax and the loss contains one, or if
// the last batch of an epoch is a single sample and the network has a BatchNorm.
func Run[T tensor.Float](ctx context.Context, cfg Config[T]) (Epoch, error) {
	if err := cfg.check(); err != nil {
		return Epoch{}, err
	}
	t := newTrainer(cfg)
	if err := t.resume(); err != nil {
		return t.unmeasured(), err
	}
	e, err := t.run(ctx)
	return e, t.leave(err)
}

// check sets the default values of the configuration, or returns what is wrong with it.
func (cfg *Config[T]) check() error {
	switch {
	case cfg.Net == nil:
		return errors.New("train: want a network, got nil")
	case cfg.Loss == nil:
		return errors.New("train: want a loss, got nil")
	case cfg.Optimizer == nil:
		return errors.New("train: want an optimizer, got nil")
	case cfg.Threads < 0:
		return fmt.Errorf("train: want 0 or more threads, got %d", cfg.Threads)
	case cfg.Patience < 0 || cfg.Every < 0 || cfg.Keep < 0:
		return fmt.Errorf("train: Patience, Every and Keep are 0 or more, not %d, %d and %d", cfg.Patience, cfg.Every, cfg.Keep)
	case cfg.Patience > 0 && (cfg.Validation == nil || cfg.Validation.Len() == 0):
		return errors.New("train: Patience wants a validation set, by whose loss the best epoch is known")
	}
	none := data.Set[T]{}
	for _, set := range []*data.Samples[T]{&cfg.Train, &cfg.Validation, &cfg.Test} {
		if *set == nil {
			*set = none
		}
	}
	if cfg.Train.Len() == 0 || cfg.Batch < 1 || cfg.Steps < 1 {
		return fmt.Errorf("train: %d samples in batches of %d for %d steps: each must be 1 or more", cfg.Train.Len(), cfg.Batch, cfg.Steps)
	}
	if cfg.Threads == 0 {
		cfg.Threads = runtime.GOMAXPROCS(0)
	}
	if cfg.Keep == 0 {
		cfg.Keep = 3
	}
	if cfg.Log == nil {
		cfg.Log = func(string, ...any) {}
	}
	if _, err := fit(cfg.Net, cfg.Loss, cfg.Optimizer); err != nil {
		return err
	}
	return fitBatches(cfg.Net, cfg.Train, cfg.Batch)
}

// Random returns random numbers for one purpose of a run, such as "weights". All purposes
// use the same seed, but each has a stream of its own.
func Random(seed uint64, purpose string) *rand.Rand {
	stream := fnv.New64a()
	stream.Write([]byte(purpose))
	return rand.New(rand.NewPCG(seed, stream.Sum64()))
}

// The names of the sets in errors.
const (
	trainingSet   = "training set"
	validationSet = "validation set"
	testSet       = "test set"
)
