package train

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestOutputs: those of all samples in order, on any number of threads.
func TestOutputs(t *testing.T) {
	for _, n := range []int{0, 1, part, 3*part + 7} {
		pixels, net := digits(n)
		var want []float32
		if n > 0 {
			want = net.Forward(nil, pixels.Set().X).Data
		}
		for _, threads := range []int{0, 1, 2, 3, 9} {
			var got []float32
			var labels []int
			err := Outputs(t.Context(), net, pixels, threads*50, threads, func(first int, y *tensor.Tensor[float32], t nn.Targets[float32]) error {
				if first != len(labels) {
					return errors.New("the parts are not in order")
				}
				got, labels = append(got, y.Data...), append(labels, t.Labels...)
				return nil
			})
			if err != nil {
				t.Errorf("%d samples on %d threads: %v", n, threads, err)
			}
			if !slices.Equal(got, want) || !slices.Equal(labels, pixels.T) {
				t.Errorf("%d samples on %d threads: the outputs or labels are others", n, threads)
			}
		}
	}
}

// TestOutputsOfValues: the targets are values where those of the samples are.
func TestOutputsOfValues(t *testing.T) {
	set := data.Set[float64]{X: tensor.Of([]float64{1, 2, 3, 4}, 2, 2), Values: tensor.Of([]float64{5, 6}, 2, 1)}
	err := Outputs(t.Context(), nn.NewReLU[float64](), set, 0, 1, func(_ int, _ *tensor.Tensor[float64], got nn.Targets[float64]) error {
		if got.Labels != nil || !slices.Equal(got.Values.Data, set.Values.Data) {
			t.Errorf("targets %v", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestOutputsStop: with the error of visit, that of the context, and a panic of a layer
// where it was called.
func TestOutputsStop(t *testing.T) {
	pixels, net := digits(5 * part)
	enough := errors.New("enough")
	visits := 0
	if err := Outputs(t.Context(), net, pixels, 0, 2, func(int, *tensor.Tensor[float32], nn.Targets[float32]) error {
		visits++
		return enough
	}); !errors.Is(err, enough) || visits != 1 {
		t.Errorf("%v after %d visits, want %v after 1", err, visits, enough)
	}
	ctx, cancel := context.WithCancel(t.Context())
	visits = 0
	if err := Outputs(ctx, net, pixels, 0, 2, func(int, *tensor.Tensor[float32], nn.Targets[float32]) error {
		visits++
		cancel()
		return nil
	}); !errors.Is(err, context.Canceled) || visits != 1 {
		t.Errorf("%v after %d visits, want %v after 1", err, visits, context.Canceled)
	}
	if err := Outputs(t.Context(), net, pixels, 0, -1, nil); err == nil {
		t.Error("no error for -1 threads")
	}
	if err := Outputs(t.Context(), net, pixels, -1, 0, nil); err == nil {
		t.Error("no error for -1 samples at a time")
	}
	defer func() {
		if _, ok := recover().(*tensor.ShapeError); !ok {
			t.Error("no panic of a wrong shape")
		}
	}()
	Outputs(t.Context(), nn.NewAffine[float32](3, 4, Random(1, "weights")), pixels, 0, 2, nil)
}
