package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

func (a *app) checkCommand() *cobra.Command {
	var dir folder
	s := seed(1)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Prove every gradient: backpropagation against central differences",
		Long: `Compare the gradients of backpropagation with central differences (h = 1e-4, in
float64): of all 39760 parameters of the two-layer network, on MNIST images as
the book does and on dense inputs that wake every hidden unit, and of every
layer. Then plant faults into the layers and see that each is caught.

The relative error of a gradient a against its witness n is
|a-n| / max(|a|, |n|, s/100), s being the largest of the array; 1e-6 is allowed.
A gradient of 0 that agrees with 0 proves nothing: coverage is the share of the
gradients that are not.`,
		Args: arguments(0, 0, "no arguments but flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			x, labels, err := a.mnistImages(cmd.Context(), string(dir), 3)
			if err != nil {
				return err
			}
			return untilDone(cmd.Context(), func() error { return a.check(uint64(s), x, labels) })
		},
	}
	dataFlag(cmd, &dir)
	cmd.Flags().Var(&s, "seed", "seed of the weights and the dense inputs")
	return cmd
}

// arrayEvent and checkEvent are the lines of check --json.
type arrayEvent struct {
	Event    string `json:"event"` // "array"
	Check    string `json:"check"`
	Name     string `json:"name"`
	Elements int    `json:"elements"`
	MaxError number `json:"max_relative_error"`
	Worst    []int  `json:"worst_index"`
	Got      number `json:"backpropagation"`
	Want     number `json:"central_difference"`
	Kinks    int    `json:"kinks"`
	Coverage number `json:"coverage"`
}

type checkEvent struct {
	Event         string `json:"event"` // "done"
	OK            bool   `json:"ok"`
	Parameters    int    `json:"parameters"`
	MaxError      number `json:"max_relative_error"`
	Kinks         int    `json:"kinks"`
	Coverage      number `json:"coverage"`
	MNISTCoverage number `json:"mnist_coverage"`
	FaultsTried   int    `json:"faults_tried"`
	FaultsCaught  int    `json:"faults_caught"`
	Speedup       number `json:"speedup"`
}

// check checks the network on the images x of MNIST and on inputs of its own.
func (a *app) check(seed uint64, x *tensor.Tensor[float64], labels []int) error {
	net := nn.NewTwoLayerNet[float64](mnistPixels, 50, mnistClasses, 0.01, train.Random(seed, "weights"))
	done := checkEvent{Event: "done", Coverage: 1}
	for _, p := range net.Params() {
		done.Parameters += len(p.Value.Data)
	}
	if !a.json {
		fmt.Fprintf(a.stdout, checkHeader, "check", "gradient of", "elements", "max error", "at", "kinks", "coverage")
	}
	var failed failures
	report := func(r gradcheck.Report) {
		for _, array := range r.Arrays {
			a.printArray(r.Name, array)
		}
		done.MaxError = max(done.MaxError, number(r.MaxError()))
		done.Kinks += r.Kinks()
		failed.add(r.Err())
	}

	mnist := gradcheck.Network("network, MNIST", net, x, labels)
	report(mnist.Report)
	done.MNISTCoverage = number(mnist.NonZero())

	x, labels = gradcheck.Wake(net, 3, train.Random(seed, "dense inputs"))
	dense := gradcheck.Network("network, dense", net, x, labels)
	report(dense.Report)
	done.Coverage = min(done.Coverage, number(dense.Coverage()))
	done.Speedup = number(dense.Speedup())

	for _, c := range gradcheck.Layers() {
		r := gradcheck.Layer(c)
		report(r)
		done.Coverage = min(done.Coverage, number(r.Coverage()))
	}
	for _, c := range gradcheck.Layers() {
		for _, f := range gradcheck.Faults() {
			planted, ok := gradcheck.Plant(f, c)
			if !ok {
				continue
			}
			done.FaultsTried++
			if gradcheck.Layer(planted).Err() != nil {
				done.FaultsCaught++
			} else {
				failed.add(fmt.Errorf("a planted fault was not caught: %s", planted.Name))
			}
		}
	}
	done.OK = failed.err() == nil
	if a.json {
		a.printJSON(done)
	} else {
		fmt.Fprintf(a.stdout, "\n%d of %d planted faults caught\n", done.FaultsCaught, done.FaultsTried)
		fmt.Fprintf(a.stdout, "%d gradients: %.1f s by central differences, %.2g s by backpropagation, %.0f times faster\n",
			done.Parameters, dense.Numerical.Seconds(), dense.Backprop.Seconds(), dense.Speedup())
		if done.OK {
			fmt.Fprintf(a.stdout, "all gradients right: largest relative error %.1e, allowed %.0e\n", done.MaxError, gradcheck.Bound)
		}
	}
	return failed.err()
}

// The columns of the table, as wide as the names in it.
const (
	checkHeader = "%-29s  %-11s  %8s  %9s  %-9s  %5s  %8s\n"
	checkRow    = "%-29s  %-11s  %8d  %9.1e  %-9s  %5d  %7.1f%%\n"
)

func (a *app) printArray(check string, g gradcheck.Array) {
	if a.json {
		a.printJSON(arrayEvent{"array", check, g.Name, g.Elements, number(g.MaxError), g.Worst.Index,
			number(g.Worst.Got), number(g.Worst.Want), g.Kinks, number(g.Coverage())})
		return
	}
	fmt.Fprintf(a.stdout, checkRow, check, g.Name, g.Elements, g.MaxError, fmt.Sprint(g.Worst.Index), g.Kinks, 100*g.Coverage())
}

// mnistImages returns the first n training images of MNIST in float64.
func (a *app) mnistImages(ctx context.Context, dir string, n int) (*tensor.Tensor[float64], []int, error) {
	split, _, err := a.mnist(dir).Load(ctx)
	if err != nil {
		return nil, nil, err
	}
	x := tensor.New[float64](n, mnistPixels)
	for i := range x.Data {
		x.Data[i] = float64(split.Images.Data[i]) / 255
	}
	var labels []int
	for _, t := range split.Labels.Data[:n] {
		labels = append(labels, int(t))
	}
	return x, labels, nil
}
