package main

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/nn"
)

// networkOptions are the flags of train that describe the network.
type networkOptions struct {
	hidden     sizes
	activation activation
	init       initial
}

// flags adds the flags to cmd. Their defaults are the book's.
func (o *networkOptions) flags(cmd *cobra.Command) {
	*o = networkOptions{hidden: sizes{50}, activation: "relu", init: "auto"}
	f := cmd.Flags()
	f.Var(&o.hidden, "hidden", "units of the hidden layers, such as 50 or 128,64")
	f.Var(&o.activation, "activation", "layer after each hidden one: "+strings.Join(activations(), ", "))
	f.Var(&o.init, "init", "initial weights: he, xavier, a standard deviation such as 0.01, or auto (he for relu, else xavier)")
	completeFlag(cmd, "activation", "relu", "sigmoid")
	completeFlag(cmd, "init", "auto", "he", "xavier")
}

// mostNumbers limits the memory for the parameters, and for the results of a
// batch: 1 GiB, and some three times that with all that is computed of them.
const mostNumbers = 1 << 28

// check refuses a network that would be too large, for so many inputs, outputs and
// samples a batch.
func (o *networkOptions) check(inputs, outputs, batch int) error {
	var parameters, results int64 // whose factors are below 2^17
	in := int64(inputs)
	for _, units := range append(slices.Clone(o.hidden), outputs) {
		parameters += (in + 1) * int64(units)
		results += int64(batch) * int64(units)
		in = int64(units)
	}
	switch {
	case parameters > mostNumbers:
		return usagef("--hidden %v makes %d parameters, and at most %d can be trained here", &o.hidden, parameters, mostNumbers)
	case results > mostNumbers:
		return usagef("--hidden %v and --batch %d make %d numbers a step, and at most %d can be kept here", &o.hidden, batch, results, mostNumbers)
	}
	return nil
}

// build returns the network that the flags describe, for so many inputs and outputs.
func (o *networkOptions) build(inputs, outputs int, rng *rand.Rand) *nn.Sequential[float32] {
	var layers []nn.Layer[float32]
	in := inputs
	for _, out := range append(slices.Clone(o.hidden), outputs) {
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
