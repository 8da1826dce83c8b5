package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// modelSource is the graph of a model's loss on one sample, in float64.
func (a *app) modelSource(ctx context.Context, path string, o *graphOptions, labelled bool) (source, error) {
	c, err := loadClassifier(ctx, path)
	if err != nil {
		return source{}, err
	}
	if c.values() {
		return source{}, fmt.Errorf("%s predicts numbers, and graph draws models of classes", quoted(path))
	}
	if err := c.checkDrawn(path); err != nil {
		return source{}, err
	}
	if labelled && int(o.label) >= c.classes {
		return source{}, usagef("--label is %d, and the classes of %s are 0 to %d", o.label, quoted(path), c.classes-1)
	}
	double, err := model.Convert[float64](c.Model)
	if err != nil {
		return source{}, fmt.Errorf("%s: %w", quoted(path), err)
	}
	net := withoutSoftmax(double.Net)
	sample, err := a.sample(ctx, c, path, o)
	if err != nil {
		return source{}, err
	}
	x := tensor.Of(sample.x, append([]int{1}, c.Input...)...)
	return untilDone(ctx, func() (source, error) { // many layers take long
		logits := net.Forward(nil, x)
		y, class := nn.NewSoftmax[float64]().Forward(nil, logits), nn.Classes(logits)[0]
		if y.Data[class] != y.Data[class] {
			a.logf("%s: the result is not a number: %s", quoted(path), c.notFinite())
		}
		label := class
		if labelled {
			label = int(o.label)
		} else if sample.label >= 0 {
			label = sample.label
		}
		g, err := trace.Network(nil, net, nn.NewSoftmaxWithLoss[float64](), x, nn.Labels[float64](label))
		if err != nil {
			return source{}, fmt.Errorf("%s: %w", quoted(path), err)
		}
		note := fmt.Sprintf("%s: class %d with probability %.4g; the loss is that of class %d", sample.name, class, y.Data[class], label)
		return source{graph: g.Graph, title: filepath.Base(path), note: note, folded: true}, nil
	})
}

// A sample is what a model is drawn on.
type sample struct {
	name  string
	x     []float64
	label int // -1 if it is not known
}

// sample returns --input, values or the first sample of a file, or an image of
// MNIST.
func (a *app) sample(ctx context.Context, c *classifier, path string, o *graphOptions) (s sample, err error) {
	var in samples
	if o.input == "" {
		name, err := c.trainedOn(path)
		if err != nil {
			return s, fmt.Errorf("%w; give a sample with --input", err)
		}
		from := a.mnist(string(o.data))
		from.Name = name
		_, test, err := from.Load(ctx)
		if err != nil {
			return s, err
		}
		i, labels := o.sample.value, test.Labels.Data
		in.pixels = test.Images.Data[i*mnistPixels:][:mnistPixels]
		s = sample{name: fmt.Sprintf("image %d of the test set of %s, class %s", i, name, c.className(int(labels[i]))), label: int(labels[i])}
	} else {
		s = sample{name: "--input", label: -1}
		if _, err := os.Stat(o.input); err != nil && o.input != standardInput {
			values, err := parseNumbers(o.input)
			if errors.Is(err, strconv.ErrRange) {
				return s, usagef("--input: %w", err)
			} else if err != nil {
				return s, fmt.Errorf("--input %s is no list of numbers, such as 1,-0.5,2e3, and there is no file of this name", quoted(o.input))
			}
			if c.Preparation != nil && c.Preparation.Image == nil {
				return s, usagef("--input: the samples of %s are prepared as in its training, and a list of numbers is not; name a file with the sample", quoted(path))
			}
			if len(values) != c.pixels {
				return s, usagef("--input has %d numbers, and a sample of %s has %d", len(values), quoted(path), c.pixels)
			}
			s.x = values
			return s, nil
		}
		s.name = fileName(o.input)
		file, err := c.open(ctx, o.input, false)
		if err != nil {
			return s, err
		}
		defer file.Close()
		in, err = untilDone(ctx, func() (samples, error) { // a pipe
			return file.next(c.pixels) // what follows is not looked at
		})
		if err != nil {
			return s, err
		}
	}
	s.x = make([]float64, c.pixels)
	copySamples(s.x, in)
	return s, nil
}
