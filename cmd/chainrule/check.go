package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// checkOptions are the flags of check.
type checkOptions struct {
	data                        folder
	seed                        seed
	model, samples, certificate string
}

func (a *app) checkCommand() *cobra.Command {
	o := &checkOptions{seed: 1}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Verify every gradient against three references, and that planted faults are caught",
		Long: `Verify that backpropagation computes the right gradients. Each gradient, in
float64, is compared with three references, which compute it in other ways:

- the graph: the chain rule through elementary operations, such as + and exp
- the complex step: the graph over complex numbers, with one number moved by i·h
- the central difference: the loss with one number moved by 1e-4 up and down

Without --model, the network of the book is checked, with all its 39760
parameters, on images of MNIST and on dense inputs, which have no zeros and
activate every hidden unit; then every layer and loss of this library. Faults
are planted, and the check must catch each of them. The result is a certificate
in Markdown, which begins with the verdict and explains its terms.

With --model, the network of a file is checked, with its own weights: on images
of MNIST if it takes such, or on --samples, and on random numbers. A sample is
a line of a text file: its numbers and then the index of its class, with commas,
tabs or spaces between them. The file - is standard input.

With --json, each line is an object, and "event" says of what: "array" of the
gradients of an input or a parameter, "erratum" of one against the loss of the
book, "bits" of a checksum, "fault" of a planted fault, and at the end "done".
"references" holds the largest relative error against each reference;
"nonzero_share" is the share of gradients that are not 0, for 0 that agrees with
0 shows little; "caught_by" counts the faults that each reference caught, and
"caught_by_contract" those caught by other rules for a layer.

The exit code is 0 if all is verified, and 1 if not.`,
		Example: `  chainrule check
  chainrule check --model model.safetensors --certificate model.md
  chainrule check --model iris.safetensors --samples iris.csv`,
		Args: arguments(0, 0, "no arguments but flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := cmd.Flags()
			for _, name := range []string{"model", "samples", "certificate"} {
				if flag := f.Lookup(name); flag.Changed && flag.Value.String() == "" {
					return usagef("--%s wants the name of a file", name)
				}
			}
			switch {
			case o.samples != "" && o.model == "":
				return usagef("--samples is for a model; name it with --model")
			case o.samples != "" && f.Changed("data"):
				return usagef("--samples and --data are two sets of samples; choose one")
			}
			return a.check(cmd.Context(), o)
		},
	}
	dataFlag(cmd, &o.data)
	f := cmd.Flags()
	f.Var(&o.seed, "seed", "seed of all random numbers: weights and inputs")
	f.StringVar(&o.model, "model", "", "check the network in this model file")
	f.StringVar(&o.samples, "samples", "", "text file of samples and their classes, in place of MNIST")
	f.StringVar(&o.certificate, "certificate", "", "write the certificate to this file too")
	return cmd
}

// A subject is a network to be checked, and how.
type subject struct {
	net    *nn.Sequential[float64]
	origin string // its file
	trials []trial
}

// A trial is a check of a network on samples. The dense one is the last.
type trial struct {
	name   string
	net    *nn.Sequential[float64]
	x      *tensor.Tensor[float64]
	labels []int
	choice string // how the samples were chosen
	mnist  bool
}

func (a *app) check(ctx context.Context, o *checkOptions) error {
	// Better now than after all the work.
	if o.certificate != "" {
		if err := notInput("--certificate", o.certificate, o.model, o.samples); err != nil {
			return err
		}
		if err := atomicfile.Writable(o.certificate); err != nil {
			return err
		}
	}
	s, err := a.subject(ctx, o)
	if err != nil {
		return err
	}
	c, err := untilDone(ctx, func() (*checker, error) {
		c := &checker{app: a, ctx: ctx, seed: uint64(o.seed)}
		return c, c.run(s, o.model == "")
	})
	if err != nil {
		return err
	}
	text := c.finish(s)
	if o.certificate != "" {
		c.failed.add(writeFile(ctx, o.certificate, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}))
	}
	return c.failed.err()
}

// subject is the network of the book or of a file.
func (a *app) subject(ctx context.Context, o *checkOptions) (*subject, error) {
	if o.model == "" {
		x, labels, err := a.mnistImages(ctx, string(o.data))
		if err != nil {
			return nil, err
		}
		return theBook(uint64(o.seed), x, labels), nil
	}
	hash := sha256.New()
	c, err := loadClassifier(ctx, o.model, hash)
	if err != nil {
		return nil, err
	}
	if err := c.notTrainedOn("--certificate", o.certificate); err != nil {
		return nil, err
	}
	if err := checkable(c.Net); err != nil {
		return nil, fmt.Errorf("%s: %w", quoted(o.model), err)
	}
	double, err := model.Convert[float64](c.Model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", quoted(o.model), err)
	}
	if c.values() {
		return nil, fmt.Errorf("%s predicts numbers, and check verifies models of classes", quoted(o.model))
	}
	s := &subject{net: withoutSoftmax(double.Net), origin: fmt.Sprintf("%s, SHA-256 %x", fileName(o.model), hash.Sum(nil))}

	var own trial
	switch {
	case o.samples != "":
		set, err := labelledSamples[float64](ctx, c, o.samples, "")
		if err != nil {
			return nil, err
		}
		own = trial{name: "own samples", x: set.X, labels: set.T, choice: fmt.Sprintf("of the %d in %s", set.Len(), fileName(o.samples))}
	case c.fitsMNIST(o.model) == nil:
		own = trial{name: "MNIST images", mnist: true, choice: "of the first thousand of the training set"}
		if own.x, own.labels, err = a.mnistImages(ctx, string(o.data)); err != nil {
			return nil, err
		}
		own.x.Shape = append([]int{len(own.labels)}, c.Input...)
	}
	random := randomSamples[float64](c, 1000, uint64(o.seed))
	for _, t := range []trial{own, {name: "random samples", x: random.X, labels: random.T, choice: "of a thousand of uniform numbers from 0 to 1"}} {
		if t.x == nil {
			continue
		}
		t.net = s.net
		if t.x, t.labels, err = leastSure(ctx, s.net, t.x, t.labels); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", quoted(o.model), t.name, err)
		}
		t.choice = fmt.Sprintf("the %d with the largest loss, %s", len(t.labels), t.choice)
		s.trials = append(s.trials, t)
	}
	return s, nil
}

// theBook is the untrained network of chapter 5. On the images it is as the book
// has it; dense inputs come with biases that activate every unit.
func theBook(seed uint64, images *tensor.Tensor[float64], labels []int) *subject {
	network := func() *nn.TwoLayerNet[float64] {
		return nn.NewTwoLayerNet[float64](mnistPixels, 50, mnistClasses, 0.01, train.Random(seed, "weights"))
	}
	net, awake := network(), network()
	dense, denseLabels := gradcheck.Wake(awake, checkSamples, train.Random(seed, "dense inputs"))
	return &subject{net: net.Sequential, trials: []trial{
		{name: "MNIST images", net: net.Sequential, x: images.Rows(0, checkSamples), labels: labels[:checkSamples],
			choice: fmt.Sprintf("the first %d of the training set", checkSamples), mnist: true},
		{name: "dense samples", net: awake.Sequential, x: dense, labels: denseLabels,
			choice: fmt.Sprintf("%d of random numbers, with biases that activate every hidden unit on some of them", checkSamples)},
	}}
}

// checkSamples is how many samples a network is checked on.
const checkSamples = 3

const (
	// largestWeight is a bound at which the step of central differences, 1e-4, is
	// still exact to a millionth, as much as they allow.
	largestWeight = 1e5
	// largestLoss is a bound at which the rounding of the loss, 1e-13, makes an error
	// of 1e-9 in its central differences: of gradients below 1/N, no more is allowed.
	largestLoss = 1e3
)

// checkable reports why a network cannot be checked: it has no weights, or one
// whose gradient central differences cannot find.
func checkable(net *nn.Sequential[float32]) error {
	if len(net.Params()) == 0 {
		return fmt.Errorf("the network has no parameters, and so no gradients to verify")
	}
	names := nn.ParamNames(net)
	for i, p := range net.Params() {
		for j, v := range p.Value.Data {
			if math.Abs(float64(v)) <= largestWeight { // false for NaN
				continue
			}
			at := fmt.Sprintf("%s%v is %v", quoted(names[i]), p.Value.Index(j), v)
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("%s, so there are no gradients: the training has diverged, or the file is damaged", at)
			}
			return fmt.Errorf("%s, and weights can be verified up to %v: beside a larger one the step of central differences, 1e-4, is lost to rounding; "+
				"either the training has diverged, or the file is damaged", at, largestWeight)
		}
	}
	return nil
}

// leastSure returns the samples with the largest loss. Where a network is sure,
// and right, its gradients are too small to be compared: all rounding. Losses
// above largestLoss are left out.
func leastSure(ctx context.Context, net *nn.Sequential[float64], x *tensor.Tensor[float64], labels []int) (*tensor.Tensor[float64], []int, error) {
	type sample struct {
		row  int
		loss float64
	}
	var worst []sample // the largest loss first
	least := math.Inf(1)
	last := nn.NewSoftmaxWithLoss[float64]()
	for i, t := range labels {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		loss := last.Forward(nil, net.Forward(nil, x.Rows(i, i+1)), nn.Labels[float64](t))
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return nil, nil, fmt.Errorf("the loss of sample %d is %v, so there are no gradients: the training has diverged, or the file is damaged", i, loss)
		}
		least = min(least, loss)
		if loss > largestLoss {
			continue
		}
		at := len(worst)
		for at > 0 && worst[at-1].loss < loss {
			at--
		}
		worst = append(worst[:at:at], append([]sample{{i, loss}}, worst[at:]...)...)
		worst = worst[:min(len(worst), checkSamples)]
	}
	if len(worst) == 0 {
		return nil, nil, fmt.Errorf("every loss is %.3g or more, and gradients can be verified up to a loss of %v: "+
			"the differences of a larger one are lost to rounding; are the samples scaled as in training?", least, largestLoss)
	}
	chosen := tensor.New[float64](append([]int{len(worst)}, x.Shape[1:]...)...)
	var t []int
	for i, s := range worst {
		copy(chosen.Rows(i, i+1).Data, x.Rows(s.row, s.row+1).Data)
		t = append(t, labels[s.row])
	}
	return chosen, t, nil
}

// mnistImages returns the first thousand training images of MNIST in float64.
func (a *app) mnistImages(ctx context.Context, dir string) (*tensor.Tensor[float64], []int, error) {
	split, _, err := a.mnist(dir).Load(ctx)
	if err != nil {
		return nil, nil, err
	}
	x := tensor.New[float64](1000, mnistPixels)
	data.Brightness(x.Data, split.Images.Data[:len(x.Data)])
	labels := make([]int, x.Shape[0])
	for i := range labels {
		labels[i] = int(split.Labels.Data[i])
	}
	return x, labels, nil
}
