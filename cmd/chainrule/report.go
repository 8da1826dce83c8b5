package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/report"
)

// reportOptions are the flags of report.
type reportOptions struct {
	testData

	out     string
	figures folder
}

func (a *app) reportCommand() *cobra.Command {
	o := &reportOptions{}
	cmd := &cobra.Command{
		Use:   "report RUN|MODEL",
		Short: "A page with the curves, metrics and worst mistakes of a run or a model",
		Long: `Write a report of a run, which is the folder of train --run, or of a model file: one
page of HTML, which loads nothing. It has the curves of the training, how well the
test set is predicted with the worst mistakes as pictures, the network, and the
configuration.

The samples are those of --data as for eval, or the test and validation sets of the
training, of which the file says where they are, or MNIST's test set. The files that
are read because a model file names them are printed. Where no samples can be had,
the report does without metrics. Of a run, the model at the end is taken, or else
the best one so far.`,
		Example: `  chainrule report runs/1
  chainrule report model.safetensors --out model.html`,
		Args: arguments(1, 1, "one folder of a run, or one model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f := cmd.Flags()
			if f.Changed("out") && o.out == "" {
				return usagef("--out wants the name of a file")
			}
			return a.report(cmd.Context(), o, args[0])
		},
		ValidArgsFunction: completeModel,
	}
	o.testData.flags(cmd)
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "file to write (default report.html, in the folder of the run)")
	cmd.MarkFlagFilename("out", "html")
	cmd.Flags().Var(&o.figures, "figures", "folder to write each figure to as well, as SVG and PNG")
	cmd.MarkFlagDirname("figures")
	return cmd
}

// reportEvent is the line of report --json.
type reportEvent struct {
	Out         string               `json:"out"`
	Evaluations []*report.Evaluation `json:"evaluations"`
}

func (a *app) report(ctx context.Context, o *reportOptions, name string) error {
	page := &report.Page{Title: "Report of " + quoted(filepath.Base(name))}
	path, out := name, "report.html"
	if isFolder(name) {
		run, err := report.ReadRun(name)
		if err != nil {
			return err
		}
		page.Log, page.Config = run.Log, run.Config
		path, out = run.Model(), filepath.Join(name, out)
	}
	if o.out == "" {
		o.out = out
	}
	if err := notInput("--out", o.out, name, string(o.source)); err != nil {
		return err
	}
	if path != "" {
		if err := a.reportModel(ctx, o, path, page); err != nil {
			return err
		}
	}
	page.Summarize()
	if err := writeFile(ctx, o.out, page.Write); err != nil {
		return err
	}
	if o.figures != "" {
		if err := page.WriteFigures(string(o.figures)); err != nil {
			return err
		}
	}
	if a.json {
		a.printJSON(reportEvent{o.out, page.Evaluations})
	} else {
		fmt.Fprintf(a.stdout, "the report is in %s\n", quoted(o.out))
	}
	return nil
}

// reportModel adds what a model file tells to a page.
func (a *app) reportModel(ctx context.Context, o *reportOptions, path string, page *report.Page) error {
	c, err := loadClassifier(ctx, path)
	if err != nil {
		return err
	}
	if err := c.notTrainedOn("--out", o.out); err != nil {
		return err
	}
	summary, err := c.Net.Summary(c.Input...)
	if err != nil {
		return fmt.Errorf("%s: %w", quoted(path), err)
	}
	page.Network = &summary
	if len(page.Config) == 0 && c.Training != nil {
		if page.Config, err = report.Settings(c.Training); err != nil {
			return fmt.Errorf("%s: what it records of its training: %w", quoted(path), err)
		}
	}
	sets, err := a.reportedSets(ctx, o, path, c)
	if err != nil {
		return err
	}
	for _, set := range sets {
		if set.samples == nil || set.samples.Len() == 0 {
			continue
		}
		e, err := c.report(ctx, set.samples)
		if err != nil {
			return err
		}
		e.Of = set.name
		page.Evaluations = append(page.Evaluations, e)
	}
	return nil
}

// A reportedSet is samples that a report evaluates.
type reportedSet struct {
	name    string
	samples data.Samples[float32]
}

// reportedSets are the samples of --data, or those of the training that the model file
// records, or MNIST's test set. If none can be had, it says so, and there are none.
func (a *app) reportedSets(ctx context.Context, o *reportOptions, path string, c *classifier) ([]reportedSet, error) {
	if o.testData == (testData{}) && c.Training != nil {
		set, err := a.recordedData(ctx, path, c)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		} else if err != nil {
			a.logf("the report has no metrics: %v; give samples with --data", err)
			return nil, nil
		}
		return []reportedSet{{"Test set", set.test}, {"Validation set", set.validation}}, nil
	}
	if o.testData == (testData{}) {
		if _, err := c.trainedOn(path); err != nil {
			a.logf("the report has no metrics: %v; give samples of your own with --data", err)
			return nil, nil
		}
	}
	test, err := a.testSamples(ctx, c, path, &o.testData)
	name := "Test set"
	if _, _, mnist := o.source.mnist(); !mnist {
		name = "Samples of " + fileName(string(o.source))
	}
	return []reportedSet{{name, test}}, err
}

// recordedData reads the data that a model was trained on.
func (a *app) recordedData(ctx context.Context, path string, c *classifier) (*dataset, error) {
	r, err := readRecord(c.Training)
	if err != nil {
		return nil, err
	}
	cmd := &cobra.Command{Use: "train"}
	o := newTrainOptions(cmd)
	if err := setFlags(cmd, r.Flags, "the training of "+quoted(path)); err != nil {
		return nil, err
	}
	a.logPaths(&o.data, path)
	set, err := o.data.load(ctx, a)
	if err != nil {
		return nil, err
	}
	set.reshape(c.Input)
	if set.sha256 == "" {
		set.sha256 = fingerprint(set.train, set.validation, set.test)
	}
	if set.sha256 != r.Data {
		return nil, fmt.Errorf("the data are not those that %s was trained on: their SHA-256 is %s, and was %s", quoted(path), set.sha256, r.Data)
	}
	return set, nil
}

// notTrainedOn refuses an output file, which flag names, that would replace the data that
// the model was trained on, if it says which.
func (c *classifier) notTrainedOn(flag, out string) error {
	r, err := readRecord(c.Training)
	if err != nil {
		return nil
	}
	cmd := &cobra.Command{Use: "train"}
	o := newTrainOptions(cmd)
	if setFlags(cmd, r.Flags, "the training") != nil {
		return nil
	}
	return o.data.notOverwritten(flag, out)
}

// mostReported are the classes of a report, whose confusion matrix has the square of them.
const mostReported = 1000

// report is what the model makes of samples, in bounded memory.
func (c *classifier) report(ctx context.Context, samples data.Samples[float32]) (*report.Evaluation, error) {
	if c.classes > mostReported {
		return nil, fmt.Errorf("the model tells %d classes apart, and a report is of at most %d; eval has its accuracy and loss", c.classes, mostReported)
	}
	batch, threads := c.together()
	return untilDone(ctx, func() (*report.Evaluation, error) {
		return report.Evaluate(ctx, c.logits, c.loss(), samples, c.Preparation, batch, threads)
	})
}

// evalReport is eval --report.
func (a *app) evalReport(ctx context.Context, c *classifier, samples data.Samples[float32]) error {
	e, err := c.report(ctx, samples)
	if err != nil {
		return err
	}
	if a.json {
		a.printJSON(e)
		return nil
	}
	return e.Text(a.stdout, shortened)
}
