package experiment

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// activations sends normal numbers through layers and looks at what each computes.
type activations struct {
	layers, units, samples int
	cases                  []activationCase
}

type activationCase struct{ Activation, Init string }

// Xavier's √(1/100) of the book is ours of layers with as many inputs as outputs.
func bookActivations() activations {
	return activations{5, 100, 1000, []activationCase{
		{"sigmoid", "1"}, {"sigmoid", "0.01"}, {"sigmoid", "xavier"},
		{"relu", "0.01"}, {"relu", "xavier"}, {"relu", "he"},
	}}
}

// A histogram is what one layer computed.
type histogram struct {
	Activation string    `json:"activation"`
	Init       string    `json:"init"`
	Layer      int       `json:"layer"`
	Mean       float64   `json:"mean"`
	Std        float64   `json:"std"`
	Counts     []float64 `json:"counts"` // of 30 intervals from 0 to 1; what is beyond 1 counts in the last
}

func (e activations) Run(ctx context.Context, s *Setup) (*Result, error) {
	rng := train.Random(s.Seed, "inputs")
	input := tensor.New[float64](e.samples, e.units)
	for i := range input.Data {
		input.Data[i] = rng.NormFloat64() // which rounds in another way on some processors; nothing is trained with it
	}
	var all []histogram
	figure := plot.Grid{Title: "Outputs of five layers, by the first weights", Columns: e.layers}
	result := &Result{}
	for _, c := range e.cases {
		line := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("affine %d init=%s, %s, ", e.units, c.Init, c.Activation), e.layers), ", ")
		net, err := nn.Parse[float64](line, []int{e.units}, train.Random(s.Seed, "weights"))
		if err != nil {
			return nil, err
		}
		x := input
		var spread []string
		for i, l := range net.Layers() {
			x = l.Layer.Forward(nil, x)
			if i%2 == 0 {
				continue
			}
			h := histogram{c.Activation, c.Init, i/2 + 1, 0, 0, make([]float64, 30)}
			for _, v := range x.Data {
				h.Mean += v / float64(len(x.Data))
				h.Counts[min(int(v*30), 29)]++
			}
			variance := 0.0
			for _, v := range x.Data {
				variance += (v - h.Mean) * (v - h.Mean) / float64(len(x.Data))
			}
			h.Std = math.Sqrt(variance)
			all = append(all, h)
			spread = append(spread, fmt.Sprintf("%.3f", h.Std))
			figure.Figures = append(figure.Figures, plot.Histogram{
				Title: fmt.Sprintf("%s, %s, layer %d", c.Activation, c.Init, h.Layer), X: plot.Axis{Label: "y", Min: 0, Max: 1}, Values: x.Data, Bins: 30,
			})
		}
		result.Lines = append(result.Lines, fmt.Sprintf("%-7s %-6s standard deviations %s", c.Activation, c.Init, strings.Join(spread, " ")))
	}
	result.Figure, result.Numbers = figure, all
	return result, ctx.Err()
}

// weights trains the same network from weights drawn in several ways.
type weights struct {
	inits        []string
	steps, batch int
}

func bookWeights() weights { return weights{[]string{"0.01", "xavier", "he"}, 2000, 128} }

func (e weights) Run(ctx context.Context, s *Setup) (*Result, error) {
	set, _, err := s.MNIST(ctx)
	if err != nil {
		return nil, err
	}
	var trainings []training
	for _, init := range e.inits {
		trainings = append(trainings, training{layers: hidden(4, init, "relu"), rule: "sgd", rate: 0.01, batch: e.batch, steps: e.steps, set: set, seed: s.Seed})
	}
	courses, err := s.all(ctx, e.inits, trainings)
	if err != nil {
		return nil, err
	}
	return losses("Training loss on MNIST: four hidden layers of 100 units, ReLU, SGD 0.01", courses), nil
}

// batchNorm trains a network of five hidden layers with and without batch normalization,
// from weights of several standard deviations.
type batchNorm struct {
	scales          []float64
	samples, epochs int
}

func bookBatchNorm() batchNorm {
	e := batchNorm{samples: 1000, epochs: 20}
	for i := range 16 {
		e.scales = append(e.scales, math.Round(1e6*math.Pow(10, -4*float64(i)/15))/1e6)
	}
	return e
}

func (e batchNorm) Run(ctx context.Context, s *Setup) (*Result, error) {
	set, test, err := s.MNIST(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	var trainings []training
	for _, scale := range e.scales {
		for _, with := range []bool{true, false} {
			name, after := fmt.Sprintf("without, weights %v", scale), []string{"relu"}
			if with {
				name, after = fmt.Sprintf("with, weights %v", scale), []string{"batchnorm", "relu"}
			}
			names = append(names, name)
			trainings = append(trainings, training{layers: hidden(5, fmt.Sprint(scale), after...), rule: "sgd", rate: 0.01, batch: 100, epochs: e.epochs, evaluate: true,
				set: set.Rows(0, e.samples), test: test.Rows(0, min(e.samples, test.Len())), seed: s.Seed})
		}
	}
	courses, err := s.all(ctx, names, trainings)
	if err != nil {
		return nil, err
	}
	figure := plot.Grid{Title: "Training accuracy with and without batch normalization", Columns: 4}
	better := 0
	for i, scale := range e.scales {
		with, without := courses[2*i], courses[2*i+1]
		if last(with.TrainAccuracy) > last(without.TrainAccuracy) || without.Diverged {
			better++
		}
		figure.Figures = append(figure.Figures, plot.Lines{Title: fmt.Sprint("std of weights ", scale), X: plot.Axis{Label: "epoch"}, Y: plot.Axis{Label: "accuracy", Min: 0, Max: 1}, Series: []plot.Series{
			{Name: "with", X: counted(len(with.TrainAccuracy)), Y: with.TrainAccuracy},
			{Name: map[bool]string{false: "without", true: "without: diverged"}[without.Diverged], X: counted(len(without.TrainAccuracy)), Y: without.TrainAccuracy},
		}})
	}
	return &Result{figure, courses, []string{fmt.Sprintf("with batch normalization the accuracy is higher after %d epochs for %d of %d scales", e.epochs, better, len(e.scales))}}, nil
}
