package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// clusters returns n points around ten centres, their classes. wrong of the labels
// are those of another class.
func clusters(n, wrong int, purpose string) data.Set[float32] {
	rng := train.Random(1, purpose)
	set := data.Set[float32]{X: tensor.New[float32](n, 10), T: make([]int, n)}
	for i := range n {
		class := rng.IntN(10)
		for j := range 10 {
			set.X.Data[10*i+j] = float32(rng.NormFloat64() / 2)
		}
		set.X.Data[10*i+class] += 2
		set.T[i] = class
		if i < wrong {
			set.T[i] = (class + 1) % 10
		}
	}
	return set
}

func TestStopsEarlyWithTheBestModelOnFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "best.safetensors")
	validation := clusters(500, 0, "validation")
	var out bytes.Buffer
	// So many wrong labels that the network soon learns them by heart.
	if _, err := fit(t.Context(), &out, path, clusters(500, 100, "training"), validation, 1000); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; last != "no better for 3 epochs" {
		t.Errorf("the last line is %q: no early stop", last)
	}
	if !strings.Contains(lines[1], "learning rate 0.0450") {
		t.Errorf("the second epoch is %q, want a learning rate of 0.0450", lines[1])
	}

	best, err := model.Load[float32](path)
	if err != nil {
		t.Fatal(err)
	}
	loss, accuracy, err := train.Evaluate(t.Context(), best.Net, nn.NewSoftmaxWithLoss[float32](), validation, 0)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("validation loss %.4f", loss)
	if want := lines[len(lines)-5]; !strings.Contains(want, printed) {
		t.Errorf("the model on file has the validation loss %s; the best epoch was %q", printed, want)
	}
	if accuracy < 0.9 {
		t.Errorf("accuracy %v on the validation set, want 0.9 or more", accuracy)
	}
}

func TestEndsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "best.safetensors")
	saved, err := fit(ctx, cancelling(cancel), path, clusters(500, 0, "training"), clusters(100, 0, "validation"), 1000)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want context.Canceled", err)
	}
	if !saved {
		t.Error("the epoch before has not saved its model")
	}
	if _, err := model.Load[float32](path); err != nil {
		t.Errorf("the model of the epoch before is not on file: %v", err)
	}
}

// cancelling is a writer that interrupts the training at its first line.
type cancelling context.CancelFunc

func (c cancelling) Write(p []byte) (int, error) {
	c()
	return len(p), nil
}
