package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// reproduceOptions are the flags of reproduce.
type reproduceOptions struct {
	data    folder
	threads count
}

func (a *app) reproduceCommand() *cobra.Command {
	o := &reproduceOptions{threads: count{0, 0, 1024}}
	cmd := &cobra.Command{
		Use:   "reproduce MODEL",
		Short: "Train a model again and say whether the bits are the same",
		Long: `Train the network of a model file again, from what the file says of its training,
and compare all bits of its parameters. The exit code is 0 if they are the same.

MODEL may be the folder of a run: the model at its end, or else the best one so far.

The file says with which flags and versions the model was trained, on which data
by their SHA-256, and after how many steps it was saved. Other data are refused.
The files that are read because the model file names them are printed.`,
		Args:              arguments(1, 1, "one model file"),
		ValidArgsFunction: completeModel,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.reproduce(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.Var(&o.data, "data", "where the data are now, if not where the training found them")
	f.Var(&o.threads, "threads", "threads that share the work, 0 for all; they change no bit")
	cmd.MarkFlagDirname("data")
	return cmd
}

// reproduction is the line of reproduce --json.
type reproduction struct {
	Event    string   `json:"event"` // "reproduced"
	Same     bool     `json:"same"`
	Steps    int      `json:"steps"`
	Elements int      `json:"elements"`
	Differ   int      `json:"differ"`
	Then     versions `json:"then"`
	Now      versions `json:"now"`
}

func (a *app) reproduce(ctx context.Context, path string, o *reproduceOptions) error {
	m, err := load(ctx, path)
	if err != nil {
		return err
	}
	r, err := readRecord(m.Training)
	if err != nil {
		return fmt.Errorf("the model %s cannot be trained again: %w", quoted(path), err)
	}
	cmd := &cobra.Command{Use: "train"}
	options := newTrainOptions(cmd)
	if o.data != "" {
		r.Flags["data"] = flagValue{text: string(o.data)}
	}
	if err := setFlags(cmd, r.Flags, "the training of "+quoted(path)); err != nil {
		return err
	}
	a.logPaths(&options.data, path)
	options.out, options.threads = "", o.threads
	if err := options.check(); err != nil {
		return err
	}
	t, err := a.prepare(ctx, cmd, options)
	if err != nil {
		return err
	}
	if t.recipe.Data != r.Data {
		return fmt.Errorf("the data are not those that %s was trained on: their SHA-256 is %s, and was %s", quoted(path), t.recipe.Data, r.Data)
	}
	if r.Step > t.config.Steps {
		return fmt.Errorf("the model %s cannot be trained again: it says that it was saved after %d steps, of a training of %d", quoted(path), r.Step, t.config.Steps)
	}
	if err := a.trainTo(ctx, t, r.Step); err != nil {
		return err
	}
	differ, first, err := compare(m.Net, t.net)
	if err != nil {
		return fmt.Errorf("the training of %s makes another network: %w", quoted(path), err)
	}
	e := reproduction{"reproduced", differ == 0, r.Step, numbersIn(t.net), differ, r.Versions, currentVersions()}
	if a.json {
		a.printJSON(e)
	} else if e.Same {
		fmt.Fprintf(a.stdout, "the same bits: %d numbers after %d steps\n", e.Elements, e.Steps)
	}
	if !e.Same {
		return fmt.Errorf("the bits differ: %d of %d numbers after %d steps, first %s; it was trained by %v, and this is %v",
			e.Differ, e.Elements, e.Steps, first, e.Then, e.Now)
	}
	return nil
}

// trainTo trains to a step, at which the network stays as it is.
func (a *app) trainTo(ctx context.Context, t *training, last int) error {
	bar := a.newProgress(last, "training", "steps")
	defer bar.end()
	reached := errors.New("reached")
	t.config.Patience = 0
	t.config.OnStep = func(step int, _ float64) error {
		bar.set(step)
		if step == last {
			return reached
		}
		return nil
	}
	_, err := train.Run(ctx, t.config)
	if errors.Is(err, reached) {
		return nil
	}
	return err
}

// compare counts the numbers of two networks whose bits differ, and describes the first.
func compare(a, b nn.Layer[float32]) (differ int, first string, err error) {
	then, now := arrays(a), arrays(b)
	if len(then) != len(now) {
		return 0, "", fmt.Errorf("one of %d arrays, and not %d", len(now), len(then))
	}
	for i, x := range then {
		y := now[i]
		if y.name != x.name || !slices.Equal(y.Shape, x.Shape) {
			return 0, "", fmt.Errorf("one with %s of shape %s, and not %s of %s", y.name, tensor.FormatShape(y.Shape), x.name, tensor.FormatShape(x.Shape))
		}
		for j, v := range x.Data {
			if w := y.Data[j]; math.Float32bits(v) != math.Float32bits(w) {
				if differ++; first == "" {
					first = fmt.Sprintf("number %d of %s, %v and now %v", j, x.name, v, w)
				}
			}
		}
	}
	return differ, first, nil
}

// array is a parameter or state of a layer, by its path.
type array struct {
	name string
	*tensor.Tensor[float32]
}

func arrays(net nn.Layer[float32]) (all []array) {
	for path, l := range nn.Walk(net) {
		nn.VisitFields(l, func(f nn.Field[float32]) error {
			switch v := f.Value.(type) {
			case **nn.Param[float32]:
				all = append(all, array{append(path, f.Name).String(), (*v).Value})
			case **tensor.Tensor[float32]:
				all = append(all, array{append(path, f.Name).String(), *v})
			}
			return nil
		})
	}
	return all
}

func numbersIn(net nn.Layer[float32]) (n int) {
	for _, x := range arrays(net) {
		n += len(x.Data)
	}
	return n
}
