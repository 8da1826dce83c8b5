package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// networkOptions are the flags that describe a network: one of --net, --layers and
// --layers-file, and what multilayer is made of.
type networkOptions struct {
	net          network
	hidden       sizes
	activation   activation
	init         initial
	batchNorm    bool
	dropout      share
	layers, file string

	set  *pflag.FlagSet
	from string // the file that layers was read from, or ""
}

// multilayer is the network that the other flags describe.
const multilayer = "multilayer"

var (
	lineFlags       = []string{"net", "layers", "layers-file"}
	multilayerFlags = []string{"hidden", "activation", "init", "batchnorm", "dropout"}
)

// flags adds the flags to cmd. Their defaults are the book's.
func (o *networkOptions) flags(cmd *cobra.Command) {
	*o = networkOptions{net: multilayer, hidden: sizes{50}, activation: "relu", init: "auto"}
	f := cmd.Flags()
	o.set = f
	f.Var(&o.net, "net", "network: "+strings.Join(nn.NetworkNames(), ", "))
	f.StringVar(&o.layers, "layers", "", `layers of the network, such as "conv 30x5x5, relu, maxpool 2, flatten, affine 10"`)
	f.StringVar(&o.file, "layers-file", "", "text file with the layers of the network, - for standard input")
	f.Var(&o.hidden, "hidden", "multilayer: units of the hidden layers, such as 50 or 128,64")
	f.Var(&o.activation, "activation", "multilayer: layer after each hidden one: "+strings.Join(activations(), ", "))
	f.Var(&o.init, "init", "multilayer: initial weights: he, xavier, a standard deviation such as 0.01, or auto (as suits the activation)")
	f.BoolVar(&o.batchNorm, "batchnorm", false, "multilayer: batch norm before each activation")
	f.Var(&o.dropout, "dropout", "multilayer: share of the outputs of each hidden layer that is dropped in training")
	var described []string
	for _, name := range nn.NetworkNames() {
		described = append(described, name+"\t"+nn.NetworkAbout(name))
	}
	completeFlag(cmd, "net", described...)
	completeFlag(cmd, "activation", activations()...)
	completeFlag(cmd, "init", "auto", "he", "xavier")
	cmd.MarkFlagFilename("layers-file")
}

// changed reports whether a flag was given.
func (o *networkOptions) changed(flag string) bool { return o.set.Changed(flag) }

// read makes of --layers-file its text in --layers, so that a training depends on no file
// that may change. It refuses flags that contradict each other.
func (o *networkOptions) read(ctx context.Context) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if !o.changed("layers-file") {
		return nil
	}
	if o.layers, err = readLayers(ctx, o.file); err != nil {
		return err
	}
	o.file, o.from = "", fileName(o.file)
	o.set.Lookup("layers-file").Changed, o.set.Lookup("layers").Changed = false, true
	return nil
}

// check refuses flags that contradict each other.
func (o *networkOptions) check() error {
	var given []string
	for _, name := range lineFlags {
		if o.changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return usagef("give one of %s", strings.Join(given, " and "))
	}
	for _, name := range multilayerFlags {
		if o.changed(name) && (len(given) > 0 && given[0] != "--net" || o.net != multilayer) {
			return usagef("--%s is for --net %s; leave it out, or write the layers in --layers", name, multilayer)
		}
	}
	return nil
}

// line returns the line of layers that the flags describe, for the given number of outputs, and
// where the line comes from.
func (o *networkOptions) line(outputs int) (line, source string, err error) {
	switch {
	case o.from != "":
		return o.layers, o.from, nil
	case o.changed("layers"):
		return o.layers, "--layers", nil
	case o.net != multilayer:
		line, err := nn.NetworkLine(string(o.net), outputs)
		return line, "--net " + string(o.net), err
	}
	m := nn.MultiLayer{Hidden: o.hidden, Activation: string(o.activation), BatchNorm: o.batchNorm, Dropout: float64(o.dropout)}
	if o.init != "auto" {
		m.Init = string(o.init)
	}
	return m.Line(outputs), "--hidden " + o.hidden.String(), nil
}

// readLayers reads a text with layers.
func readLayers(ctx context.Context, path string) (string, error) {
	const most = 1 << 16
	text, err := untilDone(ctx, func() ([]byte, error) { // a pipe
		f, err := openInput(ctx, path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, most+1))
	})
	if err != nil {
		return "", err
	}
	if len(text) > most {
		return "", fmt.Errorf("%s: want a text of layers, of at most %d bytes", fileName(path), most)
	}
	return string(text), nil
}

// mostNumbers limits the memory for the results of a batch: 1 GiB, and some three times that
// with all that is computed of them. The parameters have the same limit in [nn.Parse].
const mostNumbers = 1 << 28

// build returns the network that the flags describe, and the shape of its samples: the first
// of shapes that it takes. It is a usage error if it takes none, if it has another number of
// outputs, or if its batches would be too large.
func (o *networkOptions) build(shapes [][]int, outputs, batch int, rng *rand.Rand) (net *nn.Sequential[float32], input []int, err error) {
	line, source, err := o.line(outputs)
	if err != nil {
		return nil, nil, err
	}
	var furthest *nn.ParseError
	for _, input = range shapes {
		if net, err = nn.Parse[float32](line, input, rng); err == nil {
			break
		}
		if e, ok := errors.AsType[*nn.ParseError](err); ok && (furthest == nil || e.Line > furthest.Line || e.Line == furthest.Line && e.Column > furthest.Column) {
			furthest = e
		}
	}
	if furthest != nil && net == nil {
		err = furthest
	}
	switch {
	case err != nil && o.changed("layers"):
		return nil, nil, usagef("%s: %w", source, err)
	case err != nil:
		return nil, nil, usagef("%s: %v", source, err) // who did not write the line is not shown it
	}
	out, err := nn.Check(net, append([]int{0}, input...)...)
	if err == nil && !slices.Equal(out[1:], []int{outputs}) {
		err = fmt.Errorf("the last layer gives %s for a sample, and the targets are %d classes; end with affine %d", tensor.FormatShape(out[1:]), outputs, outputs)
	}
	if err != nil {
		return nil, nil, usagef("%s: %w", source, err)
	}
	cost, err := costOf(net, input)
	if err == nil && cost.numbers > mostNumbers/int64(batch) {
		err = usagef("%s and --batch %d make %d numbers a step, and at most %d can be kept here; give a smaller --batch", source, batch, cost.numbers*int64(batch), mostNumbers)
	}
	return net, input, err
}

// network is the name of one.
type network string

func (v *network) Set(s string) error {
	if _, err := nn.NetworkLine(s, 1); err != nil {
		return err
	}
	*v = network(s)
	return nil
}
func (v *network) String() string { return string(*v) }
func (v *network) Type() string   { return "name" }

// share is a number from 0 to below 1.
type share float64

func (v *share) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f < 1) {
		return fmt.Errorf("want a number from 0 to below 1, such as 0.5")
	}
	*v = share(f)
	return nil
}
func (v *share) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }
func (v *share) Type() string   { return "number" }

// shape is the shape of a sample.
type shape []int

func (v *shape) Set(s string) error {
	var parsed shape
	for part := range strings.SplitSeq(s, "x") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > 1<<24 {
			return fmt.Errorf("want the shape of a sample, such as 784 or 1x28x28")
		}
		parsed = append(parsed, n)
	}
	if n, ok := tensor.Size(parsed...); !ok || n > mostNumbers || len(parsed) > 8 {
		return fmt.Errorf("want a sample of at most %d numbers and 8 axes", mostNumbers)
	}
	*v = parsed
	return nil
}
func (v *shape) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*v)), " ", "x"), "[]")
}
func (v *shape) Type() string { return "shape" }
