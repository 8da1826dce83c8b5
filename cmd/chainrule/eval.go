package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/inputfile"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func (a *app) evalCommand() *cobra.Command {
	var source dataSource
	var detailed bool
	cmd := &cobra.Command{
		Use:   "eval MODEL",
		Short: "How well a model predicts MNIST's test set, or samples of your own",
		Long: `Evaluate a model on the test set of MNIST or Fashion-MNIST, or on the samples of a
file or folder of any kind that train reads. They are prepared as in the training:
the columns of a table are found by name, scaled and filled as then.

A model that does not say how its samples were prepared takes a text with one sample
a line: its numbers, taken as they are, and then the index of its class, with
commas, tabs or spaces between them. The file - is standard input. A first line
without numbers names the columns and is skipped.

Of classes, the accuracy is printed; of numbers, R², the share of their variance that
is predicted, and the mean absolute error in their own units.`,
		Example: `  chainrule eval model.safetensors
  chainrule eval iris.safetensors --data iris.csv`,
		Args: arguments(1, 1, "one model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eval(cmd.Context(), args[0], source, detailed)
		},
		ValidArgsFunction: completeModel,
	}
	testFlag(cmd, &source)
	cmd.Flags().BoolVar(&detailed, "report", false, "print the metrics of each class and the confusion matrix")
	return cmd
}

// testFlag adds --data to a command that evaluates a model.
func testFlag(cmd *cobra.Command, source *dataSource) {
	cmd.Flags().Var(source, "data", "samples: "+strings.Join(data.MNISTNames(), ", ")+", or a file or folder")
}

func (a *app) eval(ctx context.Context, path string, source dataSource, detailed bool) error {
	c, err := loadClassifier(ctx, path)
	if err != nil {
		return err
	}
	test, err := a.testSamples(ctx, c, path, source)
	if err != nil {
		return err
	}
	if detailed {
		return a.evalReport(ctx, c, test)
	}
	if c.values() {
		return a.evalValues(ctx, c, test)
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
	return c.finite(path, loss)
}

// evalValues prints how well a model predicts numbers.
func (a *app) evalValues(ctx context.Context, c *classifier, test data.Samples[float32]) error {
	e, err := c.report(ctx, test)
	if err != nil {
		return err
	}
	r2, mae, rmse := e.Values.Mean(e.Values.R2), e.Values.Mean(e.Values.MAE), e.Values.Mean(e.Values.RMSE)
	if a.json {
		a.printJSON(struct {
			R2      number `json:"r2"`
			MAE     number `json:"mae"`
			RMSE    number `json:"rmse"`
			Loss    number `json:"loss"`
			Samples int    `json:"samples"`
		}{number(r2), number(mae), number(rmse), number(e.Loss), e.Samples})
	} else {
		fmt.Fprintf(a.stdout, "R² %.4f, mean absolute error %.4g, root mean square error %.4g, loss %.4f on %d samples\n", r2, mae, rmse, e.Loss, e.Samples)
	}
	return c.finite("the model", e.Loss)
}

// finite returns an error if the loss is not a finite number.
func (c *classifier) finite(path string, loss float64) error {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("%s: the loss is %v: %s", quoted(path), loss, c.notFinite())
	}
	return nil
}

// testSamples are the samples of a source: of MNIST, its test set.
func (a *app) testSamples(ctx context.Context, c *classifier, path string, source dataSource) (test data.Samples[float32], err error) {
	name, dir, ok := source.mnist()
	if !ok {
		return labelledSamples[float32](ctx, c, string(source))
	}
	if err = c.fitsMNIST(path); err != nil {
		return test, fmt.Errorf("%w; give samples of your own with --data", err)
	}
	from := a.mnist(dir)
	if from.Name = name; source == "" && c.Preparation != nil && slices.Equal(c.Preparation.Classes, data.MNISTSource{Name: "fashion-mnist"}.Preparation().Classes) {
		from.Name = "fashion-mnist"
	}
	_, pixels, err := data.LoadMNISTPixels[float32](ctx, from)
	pixels.Shape = c.Input
	return pixels, err
}

// classifier is a model whose results are classes.
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
	if c.pixels != mnistPixels || c.classes < mnistClasses || c.values() || c.Preparation != nil && c.Preparation.Image == nil {
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
