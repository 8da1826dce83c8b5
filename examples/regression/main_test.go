package main

import (
	"context"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

func TestFit(t *testing.T) {
	epochs := 0
	net, err := fit(func(train.Epoch) error { epochs++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if epochs != 250 {
		t.Errorf("%d epochs, want 250", epochs)
	}
	// New points, without noise: what is left is the error of the network itself.
	test := samples(1000, 0, train.Random(2, "samples"))
	mse, _, err := train.Evaluate(context.Background(), net, nn.NewMeanSquaredError[float32](), test, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !(mse < 0.002) {
		t.Errorf("the mean squared error is %v, want less than 0.002", mse)
	}
}
