package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/inputfile"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func (a *app) evalCommand() *cobra.Command {
	var dir folder
	var own string
	var detailed bool
	cmd := &cobra.Command{
		Use:   "eval MODEL",
		Short: "Accuracy and loss of a model on MNIST's test set, or on samples of your own",
		Long: `Evaluate a model on the test set of MNIST, or on the samples of a text file: one
sample a line, its numbers, taken as they are, and then the index of its class,
with commas, tabs or spaces between them. The file - is standard input. A first
line without numbers names the columns and is skipped.`,
		Example: `  chainrule eval model.safetensors
  chainrule eval iris.safetensors --samples iris.csv`,
		Args: arguments(1, 1, "one model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f := cmd.Flags()
			if f.Changed("samples") && own == "" {
				return usagef("--samples wants the name of a file")
			} else if own != "" && f.Changed("data") {
				return usagef("--samples and --data are two sets of samples; choose one")
			}
			return a.eval(cmd.Context(), args[0], string(dir), own, detailed)
		},
		ValidArgsFunction: completeModel,
	}
	dataFlag(cmd, &dir)
	cmd.Flags().StringVar(&own, "samples", "", "text file of samples and their classes, in place of MNIST")
	cmd.Flags().BoolVar(&detailed, "report", false, "print the metrics of each class and the confusion matrix")
	return cmd
}

func (a *app) eval(ctx context.Context, path, dir, own string, detailed bool) error {
	c, err := loadClassifier(ctx, path)
	if err != nil {
		return err
	}
	test, err := a.testSamples(ctx, c, path, dir, own)
	if err != nil {
		return err
	}
	if detailed {
		return a.evalReport(ctx, c, test)
	}
	loss, accuracy, err := c.evaluate(ctx, test)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(struct {
			Accuracy number `json:"accuracy"`
			Loss     number `json:"loss"`
			Samples  int    `json:"samples"`
		}{number(accuracy), number(loss), test.Len()})
	} else {
		fmt.Fprintf(a.stdout, "accuracy %.4f, loss %.4f on %d samples\n", accuracy, loss, test.Len())
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("%s: the loss is %v: %s", quoted(path), loss, c.notFinite())
	}
	return nil
}

// testSamples are those of the file own, or MNIST's test set.
func (a *app) testSamples(ctx context.Context, c *classifier, path, dir, own string) (test data.Set[float32], err error) {
	if own != "" {
		return labelledSamples[float32](ctx, c, own)
	}
	if err = c.fitsMNIST(path); err != nil {
		return test, fmt.Errorf("%w; give samples of your own with --samples", err)
	}
	if _, test, err = data.LoadMNIST[float32](ctx, a.mnist(dir)); err == nil {
		test.X.Shape = append([]int{test.Len()}, c.Input...)
	}
	return test, err
}

// classifier is a model whose results are classes.
type classifier struct {
	*model.Model[float32]
	logits          *nn.Sequential[float32] // without a Softmax at the end
	pixels, classes int
	cost
}

// notFinite says how the results of the model can be NaN or infinite. Where the file has
// a SHA-256, its weights are those that were saved.
func (c *classifier) notFinite() string {
	if c.Unverified {
		return "its training has diverged, or the file, which has no SHA-256, is damaged"
	}
	return "its training has diverged (the file is not damaged: its SHA-256 is right)"
}

// load loads a model. The bytes of its file are written to copies too.
func load(ctx context.Context, path string, copies ...io.Writer) (m *model.Model[float32], err error) {
	switch {
	case path == "":
		return nil, usagef("the model file has no name; is a variable of the shell empty?")
	case path == standardInput:
		return nil, usagef("a model is not read from standard input; name its file")
	}
	// To open a pipe may wait for ever.
	err = untilDone(ctx, func() error {
		f, err := inputfile.Open(ctx, path)
		if err != nil {
			return err
		}
		defer f.Close()
		m, err = model.Read[float32](io.TeeReader(f, io.MultiWriter(copies...)), path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s", quoted(path))
	}
	return m, err
}

// loadClassifier loads a model and checks that it is a classifier.
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
	if c.pixels != mnistPixels || c.classes < mnistClasses {
		return fmt.Errorf("%s takes samples of %s and tells %d classes apart; MNIST has %d pixels and %d classes",
			quoted(path), tensor.FormatShape(c.Input), c.classes, mnistPixels, mnistClasses)
	}
	return nil
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
