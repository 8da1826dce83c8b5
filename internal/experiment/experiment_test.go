package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// images is a set like MNIST, small and easy: in each image the rows of its class are bright.
func images(n int, seed uint64) data.Set[float32] {
	rng := train.Random(seed, "images")
	set := data.Set[float32]{X: tensor.New[float32](n, 1, 28, 28), T: make([]int, n)}
	for i := range n {
		set.T[i] = rng.IntN(10)
		for j := range 784 {
			v := rng.Float32() / 2
			if j/28/2 == set.T[i]+2 {
				v += 0.5
			}
			set.X.Data[i*784+j] = v
		}
	}
	return set
}

func setup(threads int) *Setup {
	return &Setup{Seed: 3, Threads: threads, MNIST: func(context.Context) (train, test data.Set[float32], err error) {
		return images(300, 1), images(100, 2), nil
	}}
}

// short are the experiments in a setting that takes a moment.
func short() map[string]Experiment {
	o := bookOptimizers()
	o.steps, o.batch = 40, 20
	w := bookWeights()
	w.steps, w.batch = 40, 20
	b := bookBatchNorm()
	b.scales, b.samples, b.epochs = []float64{1, 0.001}, 100, 5
	d, p := bookDecay(), bookDropout()
	d.samples, d.epochs = 100, 5
	p.samples, p.epochs = 100, 5
	s, h := bookSearch(false), bookSearch(true)
	s.trials, s.samples, s.epochs = 4, 100, []int{3}
	h.trials, h.samples, h.epochs = 9, 100, []int{1, 2, 4}
	f := bookFilters()
	f.steps = 2
	return map[string]Experiment{
		"surface": bookSurface(), "optimizers": o, "activations": bookActivations(), "weights": w, "batchnorm": b,
		"decay": d, "dropout": p, "search": s, "halving": h, "filters": f,
	}
}

func mustRun(t *testing.T, e Experiment, s *Setup) (*Result, []byte) {
	t.Helper()
	r, err := e.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r.Numbers)
	if err != nil {
		t.Fatal(err)
	}
	return r, text
}

// Every experiment of the table draws a figure, and has the same numbers on any number of
// threads and others with another seed.
func TestExperiments(t *testing.T) {
	for _, row := range Rows() {
		t.Run(row.Name, func(t *testing.T) {
			e, ok := short()[row.Name]
			if !ok {
				t.Fatal("the test has no short form of it")
			}
			r, one := mustRun(t, e, setup(1))
			if err := plot.SVG(&bytes.Buffer{}, r.Figure); err != nil {
				t.Error(err)
			}
			if len(r.Lines) == 0 {
				t.Error("it says nothing in words")
			}
			if _, three := mustRun(t, e, setup(3)); !bytes.Equal(one, three) {
				t.Error("it has other numbers on three threads")
			}
			other := setup(2)
			other.Seed = 4
			if _, text := mustRun(t, e, other); row.Name != "surface" && bytes.Equal(one, text) {
				t.Error("another seed has the same numbers")
			}
		})
	}
}

// Where the book's optimizers end after 30 steps: computed in Python's float64 by the
// formulas of section 6.1 and common/optimizer.py of the book. Its epsilon differs from
// ours in adam, 1e-7 in place of 1e-8.
func TestSurfaceIsTheBooks(t *testing.T) {
	r, _ := mustRun(t, bookSurface(), &Setup{})
	want := map[string][2]float64{
		"sgd":      {-0.3503929957523197, 0.0847823165504322},
		"momentum": {0.896413858493733, 0.08808560171506971},
		"adagrad":  {-0.12016232231416045, 2.486389893984459e-17},
		"adam":     {0.13600685239498472, 0.3182453755372194},
	}
	for _, p := range r.Numbers.([]path) {
		for i, got := range []float64{last(p.X), last(p.Y)} {
			if math.Abs(got-want[p.Name][i]) > 1e-5 {
				t.Errorf("%s: coordinate %d is %v, want %v", p.Name, i, got, want[p.Name][i])
			}
		}
		if len(p.X) != 31 {
			t.Errorf("%s: %d places, want 31", p.Name, len(p.X))
		}
	}
}

// What the book shows: batch normalisation learns from weights that are too small.
func TestBatchNormLearns(t *testing.T) {
	e := short()["batchnorm"].(batchNorm)
	e.scales, e.samples, e.epochs = []float64{0.001}, 300, 60
	r, _ := mustRun(t, e, setup(2))
	courses := r.Numbers.([]*course)
	with, without := last(courses[0].TrainAccuracy), last(courses[1].TrainAccuracy)
	if with < without+0.3 {
		t.Errorf("accuracy %v with batch normalisation and %v without, want much more with it", with, without)
	}
}

// The better trials of a round go on, and only they.
func TestHalving(t *testing.T) {
	r, _ := mustRun(t, short()["halving"], setup(2))
	rounds := map[int][]Trial{}
	for _, trial := range r.Numbers.([]Trial) {
		rounds[trial.Epochs] = append(rounds[trial.Epochs], trial)
		if len(trial.Course) != trial.Epochs {
			t.Errorf("trial %d has %d accuracies after %d epochs", trial.Trial, len(trial.Course), trial.Epochs)
		}
	}
	if len(rounds[1]) != 9 || len(rounds[2]) != 3 || len(rounds[4]) != 1 {
		t.Fatalf("rounds of %d, %d and %d trials, want 9, 3 and 1", len(rounds[1]), len(rounds[2]), len(rounds[4]))
	}
	for i, trial := range rounds[2] {
		found := false
		for _, better := range rounds[1][:3] {
			found = found || better.Trial == trial.Trial
		}
		if !found {
			t.Errorf("trial %d of the second round (number %d) was none of the best three of the first", trial.Trial, i)
		}
	}
}

// A search that is stopped goes on: trials that are done are not done again, and the
// result is that of a search that was not stopped.
func TestSearchGoesOn(t *testing.T) {
	for _, name := range []string{"search", "halving"} {
		t.Run(name, func(t *testing.T) {
			e := short()[name]
			_, want := mustRun(t, e, setup(1))
			s := setup(1)
			s.Trials = filepath.Join(t.TempDir(), "trials")
			ctx, cancel := context.WithCancel(t.Context())
			s.Progress = func(done, _ int) {
				if done == 2 {
					cancel()
				}
			}
			if _, err := e.Run(ctx, s); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v, want that the search was stopped", err)
			}
			text, err := os.ReadFile(s.Trials)
			if err != nil {
				t.Fatal(err)
			}
			if lines := bytes.Count(text, []byte("\n")); lines != 3 {
				t.Fatalf("the table has %d lines after two trials, want 3:\n%s", lines, text)
			}
			// As after a crash: a last line that is not whole.
			if err := os.WriteFile(s.Trials, append(text, `{"trial":2,"ra`...), 0o644); err != nil {
				t.Fatal(err)
			}
			s.Progress = nil
			if _, got := mustRun(t, e, s); !bytes.Equal(got, want) {
				t.Errorf("after going on:\n%s\nwant\n%s", got, want)
			}
			// Now all are there: nothing is trained.
			s.MNIST = func(context.Context) (train, test data.Set[float32], err error) {
				return data.Set[float32]{X: tensor.New[float32](100, 1, 28, 28), T: make([]int, 100)}, data.Set[float32]{}, nil
			}
			if _, got := mustRun(t, e, s); !bytes.Equal(got, want) {
				t.Error("with all trials in the table, some were done again")
			}
		})
	}
}

// TestChoicesOfTrials: the same bits on every processor. They were recorded on
// amd64; with math.Exp and math.Log there, some differ in the last bits.
func TestChoicesOfTrials(t *testing.T) {
	e := bookSearch(false)
	set := images(10, 1)
	for number, want := range [][2]float64{
		{0x1.316c8b7fbe7dep-13, 0x1.77765d06ba42bp-18}, {0x1.76dc3b728d2e1p-10, 0x1.9031cb816012cp-14},
		{0x1.661c599b0719p-19, 0x1.c151dd4ecfbcap-24}, {0x1.39823c3396d92p-09, 0x1.4704e5a07ce82p-25},
	} {
		trial := e.runner(number, set, set, 1).trial
		if trial.Rate != want[0] || trial.Decay != want[1] {
			t.Errorf("trial %d: rate %x and decay %x, want %x and %x", number, trial.Rate, trial.Decay, want[0], want[1])
		}
	}
}

// TestTableOfTrials: one search at a time has it, and one that is too long is refused.
func TestTableOfTrials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trials")
	first, err := openTrials(path, key{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openTrials(path, key{Seed: 1}); !errors.Is(err, atomicfile.ErrLocked) || !strings.Contains(err.Error(), "another search that keeps its trials in "+path+" is under way") {
		t.Errorf("of two searches, the second got %v", err)
	}
	if err := first.add(Trial{Trial: 7}); err != nil {
		t.Fatal(err)
	}
	first.close()
	again, err := openTrials(path, key{Seed: 1})
	if err != nil || len(again.done) != 1 || again.done[0].Trial != 7 {
		t.Fatalf("after the first: %+v, %v", again, err)
	}
	again.close()
	if err := os.Truncate(path, longestTable+1); err != nil {
		t.Fatal(err)
	}
	if _, err := openTrials(path, key{Seed: 1}); err == nil || !strings.Contains(err.Error(), "larger than a table of trials may be") {
		t.Errorf("of a table that is too long: %v", err)
	}
	if lock, err := atomicfile.Lock(path + ".lock"); err != nil {
		t.Errorf("what was refused keeps the lock: %v", err)
	} else {
		lock.Close()
	}
}

func TestTrialsOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trials")
	for text, want := range map[string]string{
		"{\"Seed\":9}\n": "line 1: the trials in this file are those of another search; name another file, or remove it",
		"hello\n":        "line 1: the trials in this file are those of another search",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		s := setup(1)
		s.Trials = path
		if _, err := short()["search"].Run(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
		if after, _ := os.ReadFile(path); string(after) != text {
			t.Errorf("%q became %q", text, after)
		}
	}
}

func TestNumbersInJSON(t *testing.T) {
	text, err := json.Marshal(numbers{1.5, math.NaN(), math.Inf(1)})
	if err != nil || string(text) != "[1.5,null,null]" {
		t.Errorf("got %s, %v, want [1.5,null,null]", text, err)
	}
}
