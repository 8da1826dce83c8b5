package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/report"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// epochEvent is a line of train --json.
type epochEvent struct {
	Event         string `json:"event"`
	Epoch         number `json:"epoch"`
	Step          int    `json:"step"`
	Loss          number `json:"loss"`
	TrainAccuracy number `json:"train_accuracy"`
	TestAccuracy  number `json:"test_accuracy"`

	ValidationLoss     *number `json:"validation_loss,omitempty"`
	ValidationAccuracy *number `json:"validation_accuracy,omitempty"`
}

// mostEpochs is the number of epochs up to which each is printed; with more, some are left out.
const mostEpochs = 100

// epochs prints each epoch of a training. Of very many short ones, it leaves out those
// that come within a second of the one before, but for the first, some twenty between, and
// the last.
func (a *app) epochs(t *training) func(train.Epoch) error {
	perEpoch := t.perEpoch()
	total, every := t.config.Steps/perEpoch, 1
	if total > mostEpochs {
		every = total / 20
	}
	var printed time.Time
	return func(e train.Epoch) error {
		number := e.Step / perEpoch
		if a.json || number%every == 0 || e.Step == t.config.Steps || time.Since(printed) > time.Second {
			printed = time.Now()
			a.printEpoch(e)
		}
		return nil
	}
}

// perEpoch is the number of steps of an epoch.
func (t *training) perEpoch() int {
	return (t.config.Train.Len() + t.config.Batch - 1) / t.config.Batch
}

func (a *app) printEpoch(e train.Epoch) {
	validated := !math.IsNaN(e.ValidationLoss)
	if a.json {
		event := epochEvent{
			Event: "epoch", Epoch: number(e.Epoch), Step: e.Step, Loss: number(e.Loss),
			TrainAccuracy: number(e.TrainAccuracy), TestAccuracy: number(e.TestAccuracy),
		}
		if validated {
			loss, accuracy := number(e.ValidationLoss), number(e.ValidationAccuracy)
			event.ValidationLoss, event.ValidationAccuracy = &loss, &accuracy
		}
		a.printJSON(event)
		return
	}
	validation := ""
	if validated {
		validation = fmt.Sprintf("  validation loss %.4f", e.ValidationLoss)
	}
	if !math.IsNaN(e.TrainAccuracy) {
		validation += fmt.Sprintf("  train accuracy %.4f", e.TrainAccuracy)
	}
	epoch := strconv.FormatFloat(math.Round(100*e.Epoch)/100, 'f', -1, 64)
	fmt.Fprintf(a.stdout, "epoch %5s  step %6d  loss %.4f%s%s\n", epoch, e.Step, e.Loss, validation, tested("  ", e))
}

// tested says how well the test set is predicted, behind a separator; "" if there is none.
func tested(separator string, e train.Epoch) string {
	if r2, ok := e.Metrics["test_r2"]; ok {
		return fmt.Sprintf("%stest R² %.4f%stest mean absolute error %.4g", separator, r2, separator, e.Metrics["test_mae"])
	}
	if math.IsNaN(e.TestAccuracy) {
		return ""
	}
	text := fmt.Sprintf("%stest accuracy %.4f", separator, e.TestAccuracy)
	if recall, ok := e.Metrics["test_recall"]; ok {
		text += fmt.Sprintf("%smean test recall %.4f", separator, recall)
	}
	return text
}

// warn says so if a model tells no more than the name of one class.
func (t *training) warn(a *app, last train.Epoch) {
	what, score, guess := "test accuracy", last.TestAccuracy, t.set.guess
	if recall, ok := last.Metrics["test_recall"]; ok {
		what, score, guess = "mean recall of the test set", recall, 1/float64(t.set.outputs)
	}
	if t.set.values() || !(score <= guess) {
		return
	}
	if guess == 1 {
		a.logf("the test set has one class alone, so that its accuracy tells nothing of the model; name other samples with --test")
		return
	}
	remedy := "another --lr or --init, or train longer"
	if !t.weighted() && guess > 0.5 && skewed(t.set.counts) {
		remedy = "--class-weights balanced, for its classes are skewed"
	}
	a.logf("the model is of no use: its %s is %.1f %%, and naming the same class each time gives %.1f %%; try %s", what, 100*score, 100*guess, remedy)
}

// measure returns what package metrics measures in each epoch beside loss and accuracy: of
// the test set where the accuracy is not what counts, and of the validation set for the log
// of a run.
func (t *training) measure(ctx context.Context) (map[string]float64, error) {
	all := map[string]float64{}
	for _, set := range []struct {
		name    string
		samples data.Samples[float32]
		wanted  bool
	}{
		{"test", t.config.Test, t.set.values() || t.weighted()},
		{"validation", t.config.Validation, t.config.Dir != nil},
	} {
		if !set.wanted || set.samples == nil || set.samples.Len() == 0 || !t.set.values() && t.set.outputs > mostReported {
			continue
		}
		e, err := report.Evaluate(ctx, t.net, t.config.Loss, set.samples, t.set.preparation, 0, t.config.Threads)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, e.Logged(set.name))
	}
	return all, nil
}

// weighted reports whether the classes have weights.
func (t *training) weighted() bool {
	loss, ok := t.config.Loss.(*nn.SoftmaxWithLoss[float32])
	return ok && loss.ClassWeights != nil
}
