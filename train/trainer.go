package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A trainer is a run under way.
type trainer[T tensor.Float] struct {
	Config[T]
	step    *Step[T]
	eval    *evaluator[T]
	batches *data.Batcher[T]
	health  *health[T]

	at      progress
	state   State[T] // all of the above that changes
	begun   time.Time
	before  float64 // seconds of the run until then
	stopped bool    // an observer wants no more steps
	saved   progressPoint
	saver   *saver[T] // nil without a Dir
}

// progress is how far a run has come, as a checkpoint has it.
type progress struct {
	progressPoint
	LossSum   float64       `json:"loss_sum"` // of the steps since the last evaluation
	LossSteps int           `json:"loss_steps"`
	Rate      float64       `json:"rate"`             // the learning rate of the last step
	Layers    []LayerHealth `json:"layers,omitempty"` // in the last step of the epoch
	Seconds   float64       `json:"seconds"`
	Last      *Epoch        `json:"last,omitempty"`
	Best      *Epoch        `json:"best,omitempty"`
	Worse     int           `json:"worse,omitempty"` // epochs since the best one
}

// A progressPoint is where a run is.
type progressPoint struct {
	Step      int `json:"step"`      // steps done
	Evaluated int `json:"evaluated"` // the step after which the last evaluation was
}

// best is a copy of the network after the epoch with the lowest validation loss.
type best[T tensor.Float] struct{ tensors []*tensor.Tensor[T] }

func newBest[T tensor.Float](net nn.Layer[T]) *best[T] {
	b := &best[T]{}
	for _, t := range netTensors(net) {
		b.tensors = append(b.tensors, tensor.New[T](t.Shape...))
	}
	return b
}

// take copies the network.
func (b *best[T]) take(net nn.Layer[T]) {
	for i, t := range netTensors(net) {
		copy(b.tensors[i].Data, t.Data)
	}
}

// give makes the network what was taken.
func (b *best[T]) give(net nn.Layer[T]) {
	for i, t := range netTensors(net) {
		copy(t.Data, b.tensors[i].Data)
	}
}

func newTrainer[T tensor.Float](cfg Config[T]) *trainer[T] {
	t := &trainer[T]{Config: cfg, begun: time.Now()}
	t.batches = data.NewBatcher(cfg.Train, cfg.Batch, cfg.Seed)
	t.batches.Threads = cfg.Threads
	t.step = NewStep(cfg.Net, cfg.Loss, cfg.Optimizer)
	t.step.Threads(cfg.Threads)
	t.eval = newEvaluator(cfg.Net, cfg.Loss, cfg.Threads)
	t.health = newHealth(cfg.Net)
	t.state = State[T]{Net: cfg.Net, Optimizer: cfg.Optimizer, Pass: t.step.Pass, Batches: t.batches, More: &t.at}
	if cfg.Validation.Len() > 0 {
		t.state.best = newBest(cfg.Net)
	}
	return t
}

// resume goes on from the last checkpoint in Dir, if there is one.
func (t *trainer[T]) resume() error {
	if t.Dir == nil {
		return nil
	}
	t.state.run = t.Dir.id
	from, err := load(t.Dir, &t.state, t.Log)
	if err != nil {
		return err
	}
	if from.path != "" {
		t.Log("going on after step %d, from %s", t.at.Step, from.path)
	} else if info, err := os.Stat(t.Dir.File(LogFile)); err == nil && info.Size() > 0 {
		t.Log("the run in %s has no checkpoint that is whole: it begins again at step 0, and its log too", t.Dir.path)
	}
	t.before, t.saved = t.at.Seconds, t.at.progressPoint
	log, err := t.Dir.openLog(t.at.Evaluated)
	if err != nil {
		return err
	}
	t.saver = &saver[T]{dir: t.Dir, keep: t.Keep, log: log, warn: t.Log}
	if t.at.Best == nil {
		return nil
	}
	err = t.asBest(func() error { return t.saveModel(BestFile, *t.at.Best) }) // a crash may have come between
	if err != nil {
		log.close()
	}
	return err
}

// run does the steps that are left.
func (t *trainer[T]) run(ctx context.Context) (Epoch, error) {
	perEpoch := t.batches.Batches()
	for {
		ends := t.stopped || t.at.Step >= t.Steps
		if t.at.Evaluated < t.at.Step && (ends || t.at.Step%perEpoch == 0) {
			if err := t.evaluate(ctx); err != nil {
				return t.unmeasured(), err
			}
		}
		if ends || t.stopped || t.Patience > 0 && t.at.Worse >= t.Patience {
			return t.finish()
		}
		if err := t.checkpoint(perEpoch); err != nil {
			return t.unmeasured(), err
		}
		if ctx.Err() != nil {
			return t.unmeasured(), ctx.Err()
		}
		next := t.at.Step + 1
		if t.step.health = nil; next%perEpoch == 0 || next == t.Steps {
			t.step.health = t.health
		}
		rate := t.Optimizer.Rate()
		loss, err := t.next()
		if err != nil {
			return t.unmeasured(), err
		}
		t.at.Step, t.at.Rate = next, rate
		t.at.LossSum += loss
		t.at.LossSteps++
		t.at.Layers = nil
		if t.step.health != nil {
			t.at.Layers = t.health.layers
		}
		if t.OnStep != nil {
			if err := t.observed(t.OnStep(next, loss)); err != nil {
				return t.unmeasured(), err
			}
		}
	}
}

// observed returns the error of an observer, but for ErrStop.
func (t *trainer[T]) observed(err error) error {
	if errors.Is(err, ErrStop) {
		t.stopped = true
		return nil
	}
	return err
}

// unmeasured returns the Epoch of now, without an evaluation.
func (t *trainer[T]) unmeasured() Epoch { return unmeasured(t.at.Step, t.batches.Batches()) }

// seconds is how long the run has taken, without pauses.
func (t *trainer[T]) seconds() float64 { return t.before + time.Since(t.begun).Seconds() }

// next does a step on the next batch. After an error it comes again.
func (t *trainer[T]) next() (loss float64, err error) {
	epoch, batch := t.batches.Position()
	defer func() {
		if err != nil {
			t.batches.Seek(epoch, batch) // where it has been, which exists
		}
	}()
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

// evaluate makes the Epoch after a step, and tells it to the log and the observer.
func (t *trainer[T]) evaluate(ctx context.Context) error {
	e := t.unmeasured()
	e.Loss = t.at.LossSum / float64(t.at.LossSteps)
	e.LearningRate, e.Layers = t.at.Rate, append([]LayerHealth(nil), t.at.Layers...)
	for _, set := range []struct {
		name           string
		samples        data.Samples[T]
		loss, accuracy *float64
	}{
		{trainingSet, t.Train, new(float64), &e.TrainAccuracy},
		{validationSet, t.Validation, &e.ValidationLoss, &e.ValidationAccuracy},
		{testSet, t.Test, new(float64), &e.TestAccuracy},
	} {
		var err error
		if *set.loss, *set.accuracy, err = t.eval.evaluate(ctx, set.name, set.samples); err != nil {
			return err
		}
		if set.samples.Len() > 0 && !finite(*set.loss) {
			if err := checkSet(set.name, set.samples); err != nil {
				return err
			}
			return &DivergedError{Step: e.Step, Loss: *set.loss}
		}
	}
	if t.Metrics != nil {
		var err error
		if e.Metrics, err = t.Metrics(ctx); err != nil {
			return err
		}
	}
	t.at.Worse++
	if t.state.best != nil && (t.at.Best == nil || e.ValidationLoss < t.at.Best.ValidationLoss) {
		e.Best, t.at.Best, t.at.Worse = true, &e, 0
		t.state.best.take(t.Net)
	}
	e.Seconds = t.seconds()
	t.at.Last, t.at.Evaluated, t.at.LossSum, t.at.LossSteps = &e, e.Step, 0, 0
	if t.saver != nil {
		if err := t.saver.log.add(e); err != nil {
			return &savingError{err}
		}
		if e.Best {
			if err := t.saveModel(BestFile, e); err != nil {
				return err
			}
		}
	}
	if t.OnEpoch != nil {
		return t.observed(t.OnEpoch(e))
	}
	return nil
}

// A savingError is one of writing to Dir. After it, nothing more is written there.
type savingError struct{ error }

func (e *savingError) Unwrap() error { return e.error }

// checkpoint begins to save a checkpoint if one is due and none is being written.
func (t *trainer[T]) checkpoint(perEpoch int) error {
	if t.saver == nil {
		return nil
	}
	every := t.Every
	if every == 0 {
		every = perEpoch
	}
	due := t.at.Step/every > t.saved.Step/every
	busy, err := t.saver.busy()
	if err != nil {
		return &savingError{err}
	}
	if !due || busy {
		return nil
	}
	return t.save()
}

// save begins to save a checkpoint.
func (t *trainer[T]) save() error {
	t.at.Seconds = t.seconds()
	if err := t.saver.begin(&t.state, t.at.Step); err != nil {
		return &savingError{err}
	}
	t.saved = t.at.progressPoint
	return nil
}

// finish ends a run whose steps are done.
func (t *trainer[T]) finish() (Epoch, error) {
	e := *t.at.Last
	if err := t.saveNow(); err != nil {
		return e, err
	}
	if t.Patience > 0 {
		t.state.best.give(t.Net)
		e = *t.at.Best
	}
	if t.saver == nil {
		return e, nil
	}
	return e, t.saveModel(ModelFile, e)
}

// saveNow saves a checkpoint of now, unless that is done.
func (t *trainer[T]) saveNow() error {
	if t.saver == nil {
		return nil
	}
	if err := t.saver.wait(); err != nil {
		return &savingError{err}
	}
	if t.saved == t.at.progressPoint {
		return nil
	}
	if err := t.save(); err != nil {
		return err
	}
	if err := t.saver.wait(); err != nil {
		return &savingError{err}
	}
	return nil
}

// leave ends a run with an error, or nil. What was done is saved before.
func (t *trainer[T]) leave(err error) error {
	if t.saver == nil {
		return err
	}
	defer t.saver.log.close()
	_, saving := errors.AsType[*savingError](err)
	diverged, _ := errors.AsType[*DivergedError](err)
	if err == nil || saving || diverged != nil && badParam(t.Net) != "" {
		t.saver.wait()
		return err
	}
	if failed := t.saveNow(); failed != nil {
		return fmt.Errorf("%v; and saving the run failed: %w", err, failed)
	}
	return err
}

// saveModel writes the network, which is as after an epoch, to a file of Dir.
func (t *trainer[T]) saveModel(name string, e Epoch) error {
	if t.SaveModel == nil {
		return nil
	}
	if err := t.SaveModel(t.Dir.File(name), e); err != nil {
		return &savingError{err}
	}
	return nil
}

// asBest does f while the network is as in the best epoch.
func (t *trainer[T]) asBest(f func() error) error {
	now := newBest(t.Net)
	now.take(t.Net)
	t.state.best.give(t.Net)
	defer now.give(t.Net)
	return f()
}
