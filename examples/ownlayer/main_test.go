package main

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

func TestGradientsAreVerified(t *testing.T) {
	report := verify()
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	for _, reference := range gradcheck.References() {
		if _, compared := report.Error(reference); !compared {
			t.Errorf("no gradient was compared with the %v", reference)
		}
	}
	if share := report.NonzeroShare(); share != 1 {
		t.Errorf("the nonzero share is %v, want 1", share)
	}
}

func TestTrainSaveLoad(t *testing.T) {
	net, err := fit(spirals(900, train.Random(1, "training")))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rbf.safetensors")
	if err := model.Save(path, net, 2); err != nil {
		t.Fatal(err)
	}
	m, err := model.Load[float32](path)
	if err != nil {
		t.Fatal(err)
	}

	test := spirals(900, train.Random(1, "test"))
	y := m.Net.Forward(nil, test.X)
	if !slices.Equal(y.Data, net.Forward(nil, test.X).Data) {
		t.Error("the loaded network predicts other bits")
	}
	if accuracy := nn.Accuracy(y, test.T); accuracy < 0.9 {
		t.Errorf("test accuracy %v, want 0.9 or more", accuracy)
	}
	if got, want := m.Net.String(), "Sequential(RBF(2->40, 0.3), Affine(40->3))"; got != want {
		t.Errorf("the loaded network is %s, want %s", got, want)
	}
}

func TestRefusesSettings(t *testing.T) {
	defer func() {
		var e *nn.FieldError
		if err, _ := recover().(error); !errors.As(err, &e) || e.Field != "width" {
			t.Errorf("a width of 0 gives %v, want a *nn.FieldError of the width", err)
		}
	}()
	NewRBF[float32](2, 3, 0, train.Random(1, "weights"))
}
