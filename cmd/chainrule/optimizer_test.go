package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/nn"
)

// TestOptimizerFlags: what the flags make of an optimizer, for a training of 200 steps.
func TestOptimizerFlags(t *testing.T) {
	for _, test := range []struct {
		args        []string
		lr, decay   float64
		decoupled   bool
		norm, value float64
		schedule    string
	}{
		{nil, 0.1, 0, false, 0, 0, "constant"},
		{[]string{"--optimizer", "adam", "--lr", "0.002"}, 0.002, 0, false, 0, 0, "constant"},
		{[]string{"--optimizer", "adamw"}, 0.001, 0.01, true, 0, 0, "constant"},
		{[]string{"--optimizer", "adamw", "--weight-decay", "0"}, 0.001, 0, true, 0, 0, "constant"},
		{[]string{"--weight-decay", "0.5", "--clip-norm", "2", "--clip-value", "3"}, 0.1, 0.5, false, 2, 3, "constant"},
		{[]string{"--schedule", "cosine warmup=10%"}, 0.1, 0, false, 0, 0, "cosine steps=180 end=0 warmup=20"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var options optimizerOptions
			cmd := &cobra.Command{Use: "train"}
			options.flags(cmd)
			if err := cmd.ParseFlags(test.args); err != nil {
				t.Fatal(err)
			}
			w, b := nn.NewParam[float32]("W", 1, 1), nn.NewParam[float32]("b", 1)
			w.Value.Data[0], b.Value.Data[0] = 1, 1
			o, err := options.build([]*nn.Param[float32]{w, b}, 200)
			if err != nil {
				t.Fatal(err)
			}
			if o.LR != test.lr || o.Decay != test.decay || o.Decoupled != test.decoupled || o.ClipNorm != test.norm || o.ClipValue != test.value {
				t.Errorf("lr %v, decay %v, decoupled %t, clipping to %v and %v", o.LR, o.Decay, o.Decoupled, o.ClipNorm, o.ClipValue)
			}
			if got := o.Schedule.String(); got != test.schedule {
				t.Errorf("schedule %q, want %q", got, test.schedule)
			}
			o.Step() // of no gradient: decay alone
			if moved := w.Value.Data[0] != 1; moved != (test.decay > 0) || b.Value.Data[0] != 1 {
				t.Errorf("the decay of %v takes the weight to %v and the bias to %v", test.decay, w.Value.Data[0], b.Value.Data[0])
			}
		})
	}
	var options optimizerOptions
	options.flags(&cobra.Command{Use: "train"})
	options.schedule = "cosine warmup=200"
	_, err := options.build(nil, 200)
	if _, usage := errors.AsType[usageError](err); !usage || !strings.Contains(err.Error(), "the warm-up of 200 steps leaves none") {
		t.Errorf("error %v, want a mistake of usage about the warm-up", err)
	}
}
