package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// infoOptions are the flags of info.
type infoOptions struct {
	network   networkOptions
	input     shape
	classes   count
	batch     count
	optimizer optimizer
}

func (a *app) infoCommand() *cobra.Command {
	o := &infoOptions{classes: count{10, 1, 1 << 20}, batch: count{100, 1, 60000}, optimizer: "sgd"}
	cmd := &cobra.Command{
		Use:   "info [MODEL]",
		Short: "The layers of a model file or of a line of layers, and the memory they take",
		Long: `Print the layers of a model file, or of the network that the flags describe: the
shape of what each gives, its parameters, and its multiply-adds for one sample. Then
the line of layers, and the memory of a training step and of a prediction.`,
		Args: arguments(0, 1, "one model file, or flags"),

		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd, args); err != nil {
				return err
			}
			return a.info(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	o.network.flags(cmd)
	f.Var(&o.input, "input", "shape of a sample, such as 784 or 1x28x28 (default that of MNIST)")
	f.Var(&o.classes, "classes", "outputs of the network")
	f.Var(&o.batch, "batch", "samples whose memory is printed")
	f.Var(&o.optimizer, "optimizer", "optimizer of the training step")
	return cmd
}

// check refuses flags that contradict the arguments or each other.
func (o *infoOptions) check(cmd *cobra.Command, args []string) error {
	described := false
	for _, name := range append(append([]string{"input", "classes"}, lineFlags...), multilayerFlags...) {
		if described = described || o.network.changed(name); described && len(args) > 0 {
			return usagef("give a model file or --%s, not both", name)
		}
	}
	if len(args) == 0 && !described {
		return usagef("want one model file, or flags such as --net or --layers that describe a network")
	}
	return o.network.check()
}

// infoResult is what info prints with --json.
type infoResult struct {
	nn.Summary
	Line   string      `json:"line,omitempty"`
	Memory *infoMemory `json:"memory,omitempty"`
}

// infoMemory is the memory of batches.
type infoMemory struct {
	Batch      int          `json:"batch"`
	Optimizer  string       `json:"optimizer"`
	Step       train.Memory `json:"step"`
	Prediction train.Memory `json:"prediction"`
}

func (a *app) info(ctx context.Context, o *infoOptions, args []string) error {
	net, input, line, name, err := o.of(ctx, args)
	if err != nil {
		return err
	}
	var result infoResult
	if result.Summary, err = net.Summary(input...); err != nil {
		return fmt.Errorf("%s: %w", quoted(name), err)
	}
	result.Line = line
	if result.Memory, err = o.memory(net, input); err != nil {
		return fmt.Errorf("%s: %w", quoted(name), err)
	}
	if a.json {
		a.printJSON(result)
		return nil
	}
	for i, l := range result.Layers {
		result.Layers[i].Name, result.Layers[i].Layer = shortened(l.Name), shortened(l.Layer)
	}
	fmt.Fprint(a.stdout, result.Summary)
	if result.Line != "" && (o.network.from != "" || !o.network.changed("layers")) {
		fmt.Fprintf(a.stdout, "\n%s\n", shown(wrapped(result.Line)))
	}
	if result.Memory != nil {
		fmt.Fprintf(a.stdout, "\n%s", result.Memory)
	}
	return nil
}

// mostTried limits a sample and its results where info computes some: 4 MB.
const mostTried = 1 << 20

// memory returns the memory of batches, or nil if the results of a sample are too large to
// try it.
func (o *infoOptions) memory(net *nn.Sequential[float32], input []int) (*infoMemory, error) {
	cost, err := costOf(net, input)
	if err != nil || cost.numbers > mostTried {
		return nil, err
	}
	m := &infoMemory{Batch: o.batch.value, Optimizer: string(o.optimizer)}
	if m.Step, err = stepMemory(net, input, o); err != nil {
		return nil, err
	}
	m.Prediction, err = train.PredictionMemory(net, o.batch.value, input)
	return m, err
}

// String prints the memory as a table.
func (m *infoMemory) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "MB for %d samples\ttotal\tparameters\tgradients\toptimizer\tsamples\tresults\n", m.Batch)
	row := func(what string, m train.Memory) {
		fmt.Fprint(w, what)
		for _, bytes := range []int64{m.Total(), m.Parameters, m.Gradients, m.Optimizer, m.Batch, m.Results} {
			fmt.Fprintf(w, "\t%.2f", float64(bytes)/1e6)
		}
		fmt.Fprintln(w)
	}
	row("training step, "+m.Optimizer, m.Step)
	row("prediction", m.Prediction)
	w.Flush()
	return b.String()
}

// wrapped breaks a long line of layers between layers.
func wrapped(line string) string {
	const most = 90 // letters in a line
	var b strings.Builder
	column := 0
	for i, layer := range strings.Split(line, ", ") {
		switch letters := utf8.RuneCountInString(layer); {
		case i == 0:
			column = letters
		case column+letters > most:
			b.WriteString(",\n")
			column = letters
		default:
			b.WriteString(", ")
			column += letters
		}
		b.WriteString(layer)
	}
	return b.String()
}

// of returns the network of a model file or of the flags, the shape of its samples, its line
// of layers if there is one, and what it is called in an error.
func (o *infoOptions) of(ctx context.Context, args []string) (net *nn.Sequential[float32], input []int, line, name string, err error) {
	if len(args) > 0 {
		m, err := load(ctx, args[0])
		if err != nil {
			return nil, nil, "", "", err
		}
		line, _ = nn.Format(m.Net, m.Input...)
		return m.Net, m.Input, line, args[0], nil
	}
	shapes := [][]int{{1, 28, 28}, {mnistPixels}}
	if o.input != nil {
		shapes = [][]int{o.input}
	}
	if err = o.network.read(ctx); err != nil {
		return nil, nil, "", "", err
	}
	line, _, err = o.network.line(o.classes.value)
	if err == nil {
		net, input, err = o.network.build(shapes, o.classes.value, 1, train.Random(1, "weights"))
	}
	return net, input, strings.TrimSpace(line), "the network", err
}

// stepMemory is that of a training step of a classifier.
func stepMemory(net *nn.Sequential[float32], input []int, o *infoOptions) (train.Memory, error) {
	logits := withoutSoftmax(net)
	optimizer, err := optim.Named[float32](string(o.optimizer), logits.Params())
	if err != nil {
		return train.Memory{}, err
	}
	var loss nn.Loss[float32] = nn.NewSoftmaxWithLoss[float32]()
	targets := func(samples int) nn.Targets[float32] { return nn.Labels[float32](make([]int, samples)...) }
	out, err := nn.Check(logits, append([]int{0}, input...)...)
	if err != nil {
		return train.Memory{}, err
	}
	if len(out) != 2 { // no row of classes
		loss = nn.NewMeanSquaredError[float32]()
		targets = func(samples int) nn.Targets[float32] {
			return nn.Values(tensor.New[float32](append([]int{samples}, out[1:]...)...))
		}
	}
	step := &train.Step[float32]{Net: logits, Loss: loss, Optimizer: optimizer} // logits may end in another Softmax
	return step.Memory(o.batch.value, input, targets)
}
