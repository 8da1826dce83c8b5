package main

import (
	"context"
	"fmt"
	"io"
	"strings"

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
	data               folder
	seed               seed
	model, certificate string
}

func (a *app) checkCommand() *cobra.Command {
	o := &checkOptions{seed: 1}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Prove every gradient by three references, and that they catch planted faults",
		Long: `Hold backpropagation, in float64, against three references: the chain rule through
a graph of elementary operations, the complex step through that graph, and
central differences (h = 1e-4) through the layers' own forward pass. Every
element of every gradient: of all 39760 parameters of the two-layer network, on
MNIST images as the book does and on dense inputs that wake every hidden unit,
and of every layer. Compare float32 with float64, layers of real size with their
adjoint, and all bits with recorded ones. Then plant faults and see that each is
caught. The result is a certificate, in Markdown.

With --model it is your network that is proved, with its own weights, on images
of MNIST, and on dense inputs.

The relative error of a gradient a against its reference n is
|a-n| / max(|a|, |n|, s/100), s being the largest of the array. 1e-12 is allowed,
1e-6 for central differences. A gradient of 0 that agrees with 0 proves nothing:
the nonzero share is that of the gradients that are not.`,
		Args: arguments(0, 0, "no arguments but flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{"model", "certificate"} {
				if f := cmd.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
					return usagef("--%s wants the name of a file", name)
				}
			}
			return a.check(cmd.Context(), o)
		},
	}
	dataFlag(cmd, &o.data)
	f := cmd.Flags()
	f.Var(&o.seed, "seed", "seed of the weights and the dense inputs")
	f.StringVar(&o.model, "model", "", "prove the network in this file")
	f.StringVar(&o.certificate, "certificate", "", "write the certificate to this file too, without times")
	return cmd
}

// A subject is a network to be proved, in both precisions, on images and on dense
// inputs.
type subject struct {
	net, denseNet       *nn.Sequential[float64]
	images, dense       *tensor.Tensor[float64]
	labels, denseLabels []int
	choice              string // how the images were chosen
}

func (a *app) check(ctx context.Context, o *checkOptions) error {
	// Better now than after all the work.
	if o.certificate != "" {
		if err := atomicfile.Writable(o.certificate); err != nil {
			return err
		}
	}
	var own *classifier
	if o.model != "" {
		var err error
		if own, err = loadClassifier(ctx, o.model); err == nil {
			err = own.fitsMNIST(o.model)
		}
		if err != nil {
			return err
		}
	}
	images, labels, err := a.mnistImages(ctx, string(o.data))
	if err != nil {
		return err
	}
	var s *subject
	if own == nil {
		s = theBook(uint64(o.seed), images, labels)
	} else if s, err = own.subject(uint64(o.seed), images, labels); err != nil {
		return fmt.Errorf("%s: %w", o.model, err)
	}
	var text strings.Builder
	c := &checker{app: a, ctx: ctx, certificate: &certificate{w: io.MultiWriter(&text, a.stdout)}}
	if a.json {
		c.certificate.w = &text
	}
	if err := untilDone(ctx, func() error { return c.run(s, o.model == "") }); err != nil {
		return err
	}
	c.progress.end()
	c.finish()
	if o.certificate != "" {
		err := atomicfile.Write(o.certificate, func(w io.Writer) error {
			_, err := io.WriteString(w, text.String())
			return err
		})
		c.failed.add(err)
	}
	return c.failed.err()
}

// theBook is the untrained network of chapter 5. On the images it is as the book
// has it; dense inputs come with biases that wake every unit.
func theBook(seed uint64, images *tensor.Tensor[float64], labels []int) *subject {
	network := func() *nn.TwoLayerNet[float64] {
		return nn.NewTwoLayerNet[float64](mnistPixels, 50, mnistClasses, 0.01, train.Random(seed, "weights"))
	}
	s := &subject{net: network().Sequential, images: images.Rows(0, checkSamples), labels: labels[:checkSamples],
		choice: "the first three of the training set"}
	awake := network()
	s.dense, s.denseLabels = gradcheck.Wake(awake, checkSamples, train.Random(seed, "dense inputs"))
	s.denseNet = awake.Sequential
	return s
}

// subject is the model with its weights as they are.
func (c *classifier) subject(seed uint64, images *tensor.Tensor[float64], labels []int) (*subject, error) {
	double, err := model.Convert[float64](c.Model)
	if err != nil {
		return nil, err
	}
	s := &subject{net: withoutSoftmax(double.Net), choice: "those it is least sure of, among the first thousand of the training set"}
	s.denseNet = s.net
	images.Shape = append([]int{len(labels)}, c.Input...)
	if s.images, s.labels, err = leastSure(s.net, images, labels); err != nil {
		return nil, err
	}
	rng := train.Random(seed, "dense inputs")
	s.dense = tensor.New[float64](s.images.Shape...)
	for i := range s.dense.Data {
		s.dense.Data[i] = rng.Float64()
	}
	for range checkSamples {
		s.denseLabels = append(s.denseLabels, rng.IntN(c.classes))
	}
	return s, nil
}

// checkSamples is how many samples a network is proved on.
const checkSamples = 3

// leastSure returns the samples with the largest loss. Where a network is sure,
// and right, its gradients are too small to be compared: all rounding.
func leastSure(net *nn.Sequential[float64], x *tensor.Tensor[float64], labels []int) (*tensor.Tensor[float64], []int, error) {
	type sample struct {
		row  int
		loss float64
	}
	var worst []sample // the largest loss first
	last := nn.NewSoftmaxWithLoss[float64]()
	for i, t := range labels {
		loss := last.Forward(nil, net.Forward(nil, x.Rows(i, i+1)), nn.Labels[float64](t))
		if !(loss < 1e300) {
			return nil, nil, fmt.Errorf("its loss is %v; its training has diverged, and it has no gradients to prove", loss)
		}
		at := len(worst)
		for at > 0 && worst[at-1].loss < loss {
			at--
		}
		worst = append(worst[:at:at], append([]sample{{i, loss}}, worst[at:]...)...)
		worst = worst[:min(len(worst), checkSamples)]
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
