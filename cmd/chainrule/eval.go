package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
)

func (a *app) evalCommand() *cobra.Command {
	o := &testData{}
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

MODEL may be the folder of a run: the model at its end, or else the best one so far.

Of classes, the accuracy is printed; of numbers, R², the share of their variance that
is predicted, and the mean absolute error in their own units.`,
		Example: `  chainrule eval model.safetensors
  chainrule eval iris.safetensors --data iris.csv`,
		Args: arguments(1, 1, "one model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eval(cmd.Context(), args[0], o, detailed)
		},
		ValidArgsFunction: completeModel,
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&detailed, "report", false, "print the metrics of each class and the confusion matrix")
	return cmd
}

// testData are the samples that a model is evaluated on.
type testData struct {
	source dataSource
	labels string // the file of the labels of an IDX or npy file; "" to find it
}

func (o *testData) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.labels, "labels", "", "IDX, npy: the file with the labels (default found by its name)")
	cmd.Flags().Var(&o.source, "data", "samples: "+strings.Join(data.MNISTNames(), ", ")+", or a file or folder")
}

func (a *app) eval(ctx context.Context, path string, o *testData, detailed bool) error {
	c, err := loadClassifier(ctx, path)
	if err != nil {
		return err
	}
	test, err := a.testSamples(ctx, c, path, o)
	if err != nil {
		return err
	}
	if detailed {
		return a.evalReport(ctx, c, test)
	}
	if c.values() {
		return a.evalValues(ctx, c, test)
	}
	s, err := c.evaluate(ctx, test)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(struct {
			Accuracy number `json:"accuracy"`
			Loss     number `json:"loss"`
			Samples  int    `json:"samples"`
		}{number(s.Accuracy()), number(s.Loss()), test.Len()})
	} else {
		fmt.Fprintf(a.stdout, "accuracy %.4f, loss %.4f on %d samples\n", s.Accuracy(), s.Loss(), test.Len())
	}
	return c.finite(path, s.Loss())
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

// testSamples reads the samples: of MNIST, its test set.
func (a *app) testSamples(ctx context.Context, c *classifier, path string, o *testData) (test data.Samples[float32], err error) {
	name, dir, ok := o.source.mnist()
	if !ok {
		return labelledSamples[float32](ctx, c, string(o.source), o.labels)
	}
	if o.labels != "" {
		return test, usagef("--labels is for an IDX or npy file; name it with --data")
	}
	if o.source == "" {
		name, err = c.trainedOn(path)
	} else {
		err = c.fitsMNIST(path)
	}
	if err != nil {
		return test, fmt.Errorf("%w; give samples of your own with --data", err)
	}
	from := a.mnist(dir)
	from.Name = name
	_, pixels, err := data.LoadMNISTPixels[float32](ctx, from)
	pixels.Shape = c.Input
	return pixels, err
}
