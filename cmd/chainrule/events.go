package main

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensorboard"
	"github.com/chainrule-go/chainrule/train"
)

// runEvents tells TensorBoard of a run: the numbers of each epoch, and how the weights are
// distributed in some hundred of them.
type runEvents struct {
	dir   string
	net   nn.Layer[float32]
	every int                 // steps from one distribution of the weights to the next
	last  int                 // step, after which there is one too
	w     *tensorboard.Writer // from the first epoch on
}

// observe makes a run that is kept in a folder write event files.
func (t *training) observe(dir *train.Dir) *runEvents {
	perEpoch := t.perEpoch()
	events, next := &runEvents{dir: dir.Path(), net: t.net, every: perEpoch * max(1, t.config.Steps/perEpoch/100), last: t.config.Steps}, t.config.OnEpoch
	t.config.OnEpoch = func(e train.Epoch) error {
		if err := next(e); err != nil {
			return err
		}
		return events.epoch(e)
	}
	return events
}

// epoch writes the events of an epoch.
func (r *runEvents) epoch(e train.Epoch) (err error) {
	if r.w == nil {
		if r.w, err = tensorboard.Create(r.dir, e.Step); err != nil {
			return err
		}
	}
	var values []tensorboard.Value
	scalar := func(name string, v float64) {
		if !math.IsNaN(v) {
			values = append(values, tensorboard.Scalar(name, v))
		}
	}
	scalar("loss/training", e.Loss)
	scalar("loss/validation", e.ValidationLoss)
	scalar("accuracy/training", e.TrainAccuracy)
	scalar("accuracy/validation", e.ValidationAccuracy)
	scalar("accuracy/test", e.TestAccuracy)
	scalar("learning rate", e.LearningRate)
	for _, name := range slices.Sorted(maps.Keys(e.Metrics)) {
		scalar("metrics/"+strings.ReplaceAll(name, "_", " "), e.Metrics[name])
	}
	for _, l := range e.Layers {
		scalar("gradient norm/"+l.Name, l.GradientNorm)
		scalar("dead/"+l.Name, l.Dead)
	}
	if e.Step%r.every == 0 || e.Step == r.last {
		names := nn.ParamNames(r.net)
		for i, p := range r.net.Params() {
			values = append(values, tensorboard.Histogram("weights/"+names[i], p.Value.Data))
		}
	}
	return r.w.Write(e.Step, values...)
}

func (r *runEvents) close() error {
	if r.w == nil {
		return nil
	}
	return r.w.Close()
}
