package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
)

// optimizerOptions are the flags of train that describe the optimizer.
type optimizerOptions struct {
	name                optimizer
	lr                  rate // 0 is that of the optimizer
	decay               amount
	clipNorm, clipValue amount
	schedule            schedule
}

// flags adds the flags to cmd.
func (o *optimizerOptions) flags(cmd *cobra.Command) {
	*o = optimizerOptions{name: "sgd", decay: -1, schedule: "constant"}
	f := cmd.Flags()
	f.Var(&o.name, "optimizer", "how parameters go down their gradients: "+strings.Join(optim.Names(), ", "))
	f.Var(&o.lr, "lr", "learning rate (default that of the optimizer: "+rates()+")")
	f.Lookup("lr").DefValue = ""
	f.Var(&o.decay, "weight-decay", "weight decay, of weights and not of biases (default 0, of adamw 0.01)")
	f.Lookup("weight-decay").DefValue = ""
	f.Var(&o.clipNorm, "clip-norm", "largest norm of the gradient of all parameters, 0 for any")
	f.Var(&o.clipValue, "clip-value", "largest size of an element of the gradient, 0 for any")
	f.Var(&o.schedule, "schedule", `what multiplies the learning rate from step to step, as in "cosine warmup=500" or "step every=25% gamma=0.5": `+
		strings.Join(optim.ScheduleNames(), ", "))
}

// build returns the optimizer that the flags describe, for a training of the given number of
// steps.
func (o *optimizerOptions) build(params []*nn.Param[float32], steps int) (*optim.Optimizer[float32], error) {
	optimizer, err := optim.Named(string(o.name), params)
	if err != nil {
		return nil, err
	}
	if o.lr > 0 {
		optimizer.LR = float64(o.lr)
	}
	if o.decay >= 0 {
		optimizer.Decay = float64(o.decay)
	}
	optimizer.Group(optim.Vectors(params)...).Decay = 0
	optimizer.ClipNorm, optimizer.ClipValue = float64(o.clipNorm), float64(o.clipValue)
	if optimizer.Schedule, err = optim.ParseSchedule(string(o.schedule), steps); err != nil {
		return nil, usagef("--schedule: %w", err)
	}
	return optimizer, nil
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
