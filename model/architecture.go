package model

import (
	"errors"
	"fmt"

	"github.com/chainrule-go/chainrule/internal/safetensors"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

const (
	architectureKey = "chainrule" // in the metadata of the file

	version   = 1
	maxDepth  = 32      // of layers inside layers
	maxSample = 1 << 28 // elements of a sample, so that there is memory for one
)

// checkSample returns an error if input cannot be the shape of a sample.
func checkSample(input []int) error {
	if len(input) > safetensors.MaxAxes {
		return fmt.Errorf("want at most %d axes, got %d", safetensors.MaxAxes, len(input))
	}
	for _, d := range input {
		if d < 1 {
			return fmt.Errorf("want lengths of 1 or more, got %d", d)
		}
	}
	if n, ok := tensor.Size(input...); len(input) == 0 || !ok || n > maxSample {
		return fmt.Errorf("want the shape of one sample, such as [784], of at most %d elements, got %v", maxSample, input)
	}
	return nil
}

// checkShapes returns which layer of net, if any, cannot take the output of the layer
// before it, for samples of the given shape. It runs a batch of no samples, which checks
// every shape but takes no memory, whatever sizes a file states.
func checkShapes[T tensor.Float](net *nn.Sequential[T], input []int) *mismatch {
	_, err := nn.Check(net, append([]int{0}, input...)...)
	if err == nil {
		return nil
	}
	m := &mismatch{err: err}
	if e, ok := errors.AsType[*nn.MismatchError](err); ok {
		m.layer, m.err = e.Layer.String(), e.Err
	}
	return m
}

// A mismatch names the layer that cannot take the output of the layer before it.
type mismatch struct {
	layer string
	err   error
}

func (e *mismatch) Error() string { return fmt.Sprintf("layer %q: %s", e.layer, e.problem()) }
func (e *mismatch) Unwrap() error { return e.err }

func (e *mismatch) problem() string {
	return fmt.Sprintf("it does not fit what comes before it (tried with a batch of 0 samples): %v", e.err)
}

// join returns the path of a layer or parameter inside another.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
