package experiment

import (
	"context"
	"fmt"

	"github.com/chainrule-go/chainrule/internal/plot"
)

// overfitting trains a network of six hidden layers on so few samples that it learns
// them by heart, with and without something against that.
type overfitting struct {
	with, without   string
	decay           float64  // with
	after           []string // with: the layers after each hidden Affine
	samples, epochs int
}

func bookDecay() overfitting {
	return overfitting{"weight decay 0.1", "no weight decay", 0.1, []string{"relu"}, 300, 201}
}

func bookDropout() overfitting {
	return overfitting{"dropout 0.2", "no dropout", 0, []string{"relu", "dropout 0.2"}, 300, 301}
}

func (e overfitting) Run(ctx context.Context, s *Setup) (*Result, error) {
	set, test, err := s.MNIST(ctx)
	if err != nil {
		return nil, err
	}
	t := training{layers: hidden(6, "he", "relu"), rule: "sgd", rate: 0.01, batch: 100, epochs: e.epochs, evaluate: true, set: set.Rows(0, e.samples), test: test, seed: s.Seed}
	with := t
	with.layers, with.decay = hidden(6, "he", e.after...), e.decay
	courses, err := s.all(ctx, []string{e.without, e.with}, []training{t, with})
	if err != nil {
		return nil, err
	}
	figure := plot.Grid{Title: fmt.Sprintf("Accuracy of a network of 7 layers trained on %d samples of MNIST", e.samples)}
	result := &Result{Numbers: courses}
	for _, c := range courses {
		epochs := counted(len(c.TrainAccuracy))
		figure.Figures = append(figure.Figures, plot.Lines{Title: c.Name, X: plot.Axis{Label: "epoch"}, Y: plot.Axis{Label: "accuracy", Min: 0, Max: 1},
			Series: []plot.Series{{Name: "training set", X: epochs, Y: c.TrainAccuracy}, {Name: "test set", X: epochs, Y: c.TestAccuracy}}})
		on, off := last(c.TrainAccuracy), last(c.TestAccuracy)
		result.Lines = append(result.Lines, fmt.Sprintf("%-16s training set %.4f, test set %.4f, between them %.4f", c.Name, on, off, on-off))
	}
	result.Figure = figure
	return result, nil
}
