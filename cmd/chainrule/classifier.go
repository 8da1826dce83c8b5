package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/inputfile"
	"github.com/chainrule-go/chainrule/internal/report"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// classifier is a model that gives a row of results for each sample: logits of classes, or
// predicted numbers (see values).
type classifier struct {
	*model.Model[float32]
	logits          *nn.Sequential[float32] // without a Softmax at the end
	pixels, classes int
	cost
}

// values reports whether the model predicts numbers, not classes.
func (c *classifier) values() bool { return c.Preparation != nil && len(c.Preparation.Targets) > 0 }

// loss returns the loss for what the model predicts.
func (c *classifier) loss() nn.Loss[float32] {
	if c.values() {
		return nn.NewMeanSquaredError[float32]()
	}
	return nn.NewSoftmaxWithLoss[float32]()
}

// className is what a class is called.
func (c *classifier) className(class int) string {
	if c.Preparation != nil && class < len(c.Preparation.Classes) {
		return c.Preparation.Classes[class]
	}
	return strconv.Itoa(class)
}

// notFinite says how the results of the model can be NaN or infinite. Where the file has
// a SHA-256, its weights are those that were saved.
func (c *classifier) notFinite() string {
	if c.Unverified {
		return "its training has diverged, or the file, which has no SHA-256, is damaged"
	}
	return "its training has diverged (the file is not damaged: its SHA-256 is right)"
}

// modelIn returns the file of a model: path, or if that is the folder of a run, the model
// at its end, or else the best one so far.
func modelIn(path string) (string, error) {
	if !isFolder(path) {
		return path, nil
	}
	run := &report.Run{Dir: path}
	if file := run.Model(); file != "" {
		return file, nil
	}
	if _, err := report.ReadRun(path); err != nil {
		return "", err
	}
	return "", fmt.Errorf("the run in %s has no model yet: it gets one at its end, and with --validation at each best epoch; go on with chainrule train --resume %s", quoted(path), quoted(path))
}

// load loads a model, or that of a run. The bytes of its file are written to copies too.
func load(ctx context.Context, path string, copies ...io.Writer) (*model.Model[float32], error) {
	switch {
	case path == "":
		return nil, usagef("the model file has no name; is a variable of the shell empty?")
	case path == standardInput:
		return nil, usagef("a model is not read from standard input; name its file")
	}
	path, err := modelIn(path)
	if err != nil {
		return nil, err
	}
	// To open a pipe may wait for ever.
	m, err := untilDone(ctx, func() (*model.Model[float32], error) {
		f, err := inputfile.Open(ctx, path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return model.Read[float32](io.TeeReader(f, io.MultiWriter(copies...)), path)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s", quoted(path))
	}
	return m, err
}

// loadClassifier loads a model and checks that it gives a row of results for each sample.
func loadClassifier(ctx context.Context, path string, copies ...io.Writer) (*classifier, error) {
	m, err := load(ctx, path, copies...)
	if err != nil {
		return nil, err
	}
	out, err := nn.Check(m.Net, append([]int{0}, m.Input...)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quoted(path), err)
	}
	if len(out) != 2 || out[1] == 0 {
		return nil, fmt.Errorf("%s: its result for one sample is %s, not a row of classes", quoted(path), tensor.FormatShape(out[1:]))
	}
	pixels, _ := tensor.Size(m.Input...)
	cost, err := costOf(m.Net, m.Input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quoted(path), err)
	}
	c := &classifier{m, withoutSoftmax(m.Net), pixels, out[1], cost}
	if err := c.checkNumbers(path, mostComputed); err != nil {
		return nil, err
	}
	return c, nil
}

// fitsMNIST reports why the model cannot classify the images of MNIST.
func (c *classifier) fitsMNIST(path string) error {
	if c.pixels != mnistPixels || c.classes < mnistClasses || c.values() || c.Preparation != nil && c.Preparation.Image == nil {
		return fmt.Errorf("%s takes samples of %s and tells %d classes apart; MNIST has %d pixels and %d classes",
			quoted(path), tensor.FormatShape(c.Input), c.classes, mnistPixels, mnistClasses)
	}
	return nil
}

// trainedOn returns which collection of MNIST's form a model was trained on: MNIST, if it
// takes such images and does not say how its samples were prepared.
func (c *classifier) trainedOn(path string) (string, error) {
	if err := c.fitsMNIST(path); err != nil || c.Preparation == nil {
		return data.MNISTNames()[0], err
	}
	for _, name := range data.MNISTNames() {
		if slices.Equal(c.Preparation.Classes, data.MNISTSource{Name: name}.Preparation().Classes) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s was not trained on MNIST: its classes are others", quoted(path))
}

// withoutSoftmax returns net without the Softmax it may end in, at any depth.
func withoutSoftmax[T tensor.Float](net *nn.Sequential[T]) *nn.Sequential[T] {
	layers := net.Layers()
	for n := len(layers) - 1; n >= 0; n-- {
		switch last := layers[n].Layer.(type) {
		case *nn.Softmax[T]:
			return nn.NewNamed(layers[:n]...)
		case *nn.Sequential[T]:
			if len(last.Layers()) == 0 {
				continue // does nothing; what is in front of it is the end
			}
			inner := nn.Named[T]{Name: layers[n].Name, Layer: withoutSoftmax(last)}
			return nn.NewNamed(append(slices.Clone(layers[:n]), inner)...)
		}
		return net
	}
	return net
}
