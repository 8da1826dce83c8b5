package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/nn"
)

// TestFit is interrupted again and again, and learns the same as in one go.
func TestFit(t *testing.T) {
	whole, err := fit(t.Context(), filepath.Join(t.TempDir(), "whole"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "interrupted")
	var net *nn.Sequential[float32]
	for after := 5 * time.Millisecond; net == nil; after *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		net, err = fit(ctx, path)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	for i, p := range net.Params() {
		if !slices.Equal(p.Value.Data, whole.Params()[i].Value.Data) {
			t.Errorf("%s is another one after interruptions", p.Name)
		}
	}
	set := spirals(1000)
	if accuracy := nn.Accuracy(net.Forward(nil, set.X), set.T); accuracy < 0.95 {
		t.Errorf("accuracy %v, want 0.95", accuracy)
	}
}
