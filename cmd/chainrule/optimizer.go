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
	name optimizer
	lr   rate // 0 is that of the optimizer
}

// flags adds the flags to cmd.
func (o *optimizerOptions) flags(cmd *cobra.Command) {
	*o = optimizerOptions{name: "sgd"}
	f := cmd.Flags()
	f.Var(&o.name, "optimizer", "how parameters go down their gradients: "+strings.Join(optim.Names(), ", "))
	f.Var(&o.lr, "lr", "learning rate (default that of the optimizer: "+rates()+")")
	f.Lookup("lr").DefValue = ""
}

// build returns the optimizer of the parameters that the flags describe.
func (o *optimizerOptions) build(params []*nn.Param[float32]) (*optim.Optimizer[float32], error) {
	optimizer, err := optim.Named(string(o.name), params)
	if err != nil {
		return nil, err
	}
	if o.lr > 0 {
		optimizer.LR = float64(o.lr)
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
