package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// TestRunEvents: a record an epoch, with the names of all that was measured, and a file of
// its own for a run that goes on.
func TestRunEvents(t *testing.T) {
	dir := t.TempDir()
	rng := train.Random(1, "weights")
	net := nn.NewSequential(nn.NewAffine[float32](2, 2, rng), nn.NewAffine[float32](2, 2, rng))
	e := train.Epoch{
		Loss: 1, TrainAccuracy: 0.5, TestAccuracy: math.NaN(), ValidationLoss: 2, ValidationAccuracy: 0.5, LearningRate: 0.1,
		Layers: []train.LayerHealth{{Name: "Affine1", GradientNorm: 3}}, Metrics: map[string]float64{"validation_f1": 0.5},
	}
	for range 2 {
		events := &runEvents{dir: dir, net: net, every: 20, last: 30}
		for e.Step = 10; e.Step <= 30; e.Step += 10 {
			if err := events.epoch(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := events.close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v; want two files", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	for rest := content; len(rest) > 0; records++ {
		rest = rest[16+binary.LittleEndian.Uint64(rest):]
	}
	if records != 2+3 { // version and start, and the epochs
		t.Errorf("%d records, want 5", records)
	}
	for _, name := range []string{"loss/training", "loss/validation", "accuracy/training", "learning rate", "metrics/validation f1", "gradient norm/Affine1"} {
		if bytes.Count(content, []byte(name)) != 3 {
			t.Errorf("%q occurs %d times, want 3", name, bytes.Count(content, []byte(name)))
		}
	}
	if n := bytes.Count(content, []byte("weights/Affine1.W")); n != 2 { // after steps 20 and 30
		t.Errorf("the weights occur %d times, want 2", n)
	}
	if bytes.Contains(content, []byte("accuracy/test")) {
		t.Error("what was not measured is told")
	}
}

// TestMeasure: which metrics of which set are logged.
func TestMeasure(t *testing.T) {
	set := data.Set[float32]{X: tensor.Of([]float32{3, 0, 0, 2}, 2, 2), T: []int{0, 1}}
	values := data.Set[float32]{X: set.X, Values: tensor.Of([]float32{3, 0, 0, 2}, 2, 2)}
	ones := []string{"precision", "recall", "f1", "roc_auc"}
	for _, test := range []struct {
		name    string
		set     data.Set[float32]
		weights []float64
		dir     *train.Dir
		of      []string // sets
		ones    []string // the metrics that are 1
	}{
		{"classes", set, nil, nil, nil, nil},
		{"classes with weights", set, []float64{1, 2}, nil, []string{"test"}, ones},
		{"classes of a run", set, nil, &train.Dir{}, []string{"validation"}, ones},
		{"weights in a run", set, []float64{1, 2}, &train.Dir{}, []string{"test", "validation"}, ones},
		{"numbers", values, nil, nil, []string{"test"}, []string{"r2"}},
		{"numbers of a run", values, nil, &train.Dir{}, []string{"test", "validation"}, []string{"r2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := &training{set: &dataset{preparation: &data.Preparation{}, outputs: 2}, net: nn.NewSequential[float32]()}
			tr.config = train.Config[float32]{Loss: nn.NewMeanSquaredError[float32](), Test: test.set, Validation: test.set, Dir: test.dir, Threads: 1}
			if test.set.Values != nil {
				tr.set.preparation.Targets = []data.Column{{Name: "a", Std: 1}, {Name: "b", Std: 1}}
			} else {
				tr.config.Loss = &nn.SoftmaxWithLoss[float32]{ClassWeights: test.weights}
			}
			measured, err := tr.measure(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, of := range test.of {
				for _, name := range test.ones {
					if name := of + "_" + name; measured[name] != 1 {
						t.Errorf("%s is %v, want 1, in %v", name, measured[name], measured)
					}
				}
			}
			for name := range measured {
				of, metric, _ := strings.Cut(name, "_")
				if metric == "loss" || metric == "accuracy" || !slices.Contains(test.of, of) {
					t.Errorf("%s is logged", name)
				}
			}
		})
	}
}

// TestTrainWritesEvents: a run of the command has an event file, from which it is shown,
// and a report.
func TestTrainWritesEvents(t *testing.T) {
	mnist(t)
	dir := filepath.Join(t.TempDir(), "run")
	must(t, "train", "--steps", "2", "--hidden", "5", "--run", dir)
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 1 {
		t.Errorf("%v, %v; want one file of events", files, err)
	}
	must(t, "report", dir)
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil || !bytes.Contains(page, []byte(`id="training"`)) || !bytes.Contains(page, []byte("flags.hidden")) {
		t.Errorf("the report lacks the training or its configuration: %v", err)
	}
	if table := must(t, "runs", dir); !strings.Contains(table, "finished") {
		t.Errorf("the table is\n%s", table)
	}
}
