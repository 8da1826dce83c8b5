package train_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// settings describe a run of these tests.
type settings struct {
	Optimizer string `json:"optimizer"`
	Dropout   bool   `json:"dropout"`
	Patience  int    `json:"patience"`
}

// everything is the settings in which most can be lost.
var everything = settings{"adam", true, 100}

// counting is a layer with state: how many samples it saw in training.
type counting struct{ Seen *tensor.Tensor[float32] }

func newCounting() *counting { l := &counting{}; nn.MustBuild[float32](l); return l }

func (l *counting) Fields(f *nn.Fields[float32]) { f.State("seen", &l.Seen, 1) }
func (l *counting) Forward(p *nn.Pass[float32], x *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	if p != nil && p.Train && p.Keep {
		l.Seen.Data[0] += float32(x.Shape[0])
	}
	return x
}
func (l *counting) Backward(_ *nn.Pass[float32], dy *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	return dy
}
func (l *counting) Params() []*nn.Param[float32] { return nil }

// runConfig is a new process: the configuration of a run of 12 steps, 4 an epoch, and its
// network.
func runConfig(t *testing.T, s settings, dir *train.Dir) (train.Config[float32], *nn.Sequential[float32]) {
	t.Helper()
	set := blobs(90, 8, 3)
	rng := train.Random(1, "weights")
	layers := []nn.Layer[float32]{nn.NewAffine[float32](8, 16, rng), nn.NewReLU[float32](), newCounting(), nn.NewAffine[float32](16, 3, rng)}
	if s.Dropout {
		layers = slices.Insert(layers, 2, nn.Layer[float32](nn.NewDropout[float32](0.3, rng)))
	}
	net := nn.NewSequential(layers...)
	optimizer, err := optim.Named(s.Optimizer, net.Params())
	if err != nil {
		t.Fatal(err)
	}
	return train.Config[float32]{
		Net: net, Loss: nn.NewSoftmaxWithLoss[float32](), Optimizer: optimizer,
		Train: set.Rows(0, 60), Validation: set.Rows(60, 75), Test: set.Rows(75, 90),
		Batch: 16, Steps: 12, Patience: s.Patience, Seed: 1, Threads: 1,
		Dir: dir, Every: 1, SaveModel: func(path string, _ train.Epoch) error { return saveNet(path, net) },
	}, net
}

// saveNet writes the bits of the network; a model file wants registered kinds.
func saveNet(path string, net *nn.Sequential[float32]) error {
	return os.WriteFile(path, fmt.Appendf(nil, "%x", bits(net)), 0o666)
}

func openDir(t *testing.T, path string, config any) *train.Dir {
	t.Helper()
	dir, err := train.OpenDir(path, config)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// goOn runs, or goes on with, the run at path until a step, or to its end if that is 0.
func goOn(t *testing.T, path string, s settings, until int, change ...func(*train.Config[float32])) train.Epoch {
	t.Helper()
	dir := openDir(t, path, s)
	defer dir.Close()
	cfg, _ := runConfig(t, s, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, c := range change {
		c(&cfg)
	}
	onStep := cfg.OnStep
	cfg.OnStep = func(step int, loss float64) error {
		if step == until {
			cancel()
		}
		if onStep != nil {
			return onStep(step, loss)
		}
		return nil
	}
	e, err := train.Run(ctx, cfg)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return e
}

// result is what a finished run leaves, without what the time of day changes.
func result(t *testing.T, path string) string {
	t.Helper()
	var all bytes.Buffer
	for _, name := range []string{train.ModelFile, train.BestFile, train.LogFile} {
		text, err := os.ReadFile(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			before, after, ok := strings.Cut(line, `"seconds":`)
			if ok {
				_, after, _ = strings.Cut(after, ",")
			}
			fmt.Fprintln(&all, before+after)
		}
	}
	return all.String()
}

// uninterrupted is the result of a run in one go.
func uninterrupted(t *testing.T, s settings) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whole")
	goOn(t, path, s, 0)
	return result(t, path)
}

func checkSame(t *testing.T, path, want string) {
	t.Helper()
	if got := result(t, path); got != want {
		t.Errorf("the run that was interrupted ends with\n%s\nand the other one with\n%s", got, want)
	}
}

// TestResumeAfterAnyStep, in mid-epoch too, and after any number of steps before.
func TestResumeAfterAnyStep(t *testing.T) {
	want := uninterrupted(t, everything)
	for first := 1; first <= 12; first++ {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			path := t.TempDir()
			for step := first; step < 12; step += 5 {
				goOn(t, path, everything, step)
			}
			goOn(t, path, everything, 0)
			checkSame(t, path, want)
		})
	}
}

// TestResumeAfterAFailedStep: once its cause is mended, the step that failed is done as if
// it had not been tried.
func TestResumeAfterAFailedStep(t *testing.T) {
	want := uninterrupted(t, everything)
	for _, fault := range []struct {
		name  string
		spoil func(set data.Set[float32], sample int)
		is    func(error) bool
	}{
		{"a number is NaN", func(set data.Set[float32], sample int) { set.X.Data[8*sample+3] = float32(math.NaN()) },
			func(err error) bool { _, ok := errors.AsType[*train.InputError](err); return ok }},
		{"numbers are far too large", func(set data.Set[float32], sample int) {
			for i := range 8 {
				set.X.Data[8*sample+i] = math.MaxFloat32
			}
		},
			func(err error) bool { _, ok := errors.AsType[*train.DivergedError](err); return ok }},
		{"a label is wrong", func(set data.Set[float32], sample int) { set.T[sample] = 99 },
			func(err error) bool { _, ok := errors.AsType[*nn.LabelError](err); return ok }},
	} {
		for _, sample := range []int{5, 17, 40} {
			t.Run(fmt.Sprintf("%s/%d", fault.name, sample), func(t *testing.T) {
				path := t.TempDir()
				dir := openDir(t, path, everything)
				cfg, _ := runConfig(t, everything, dir)
				fault.spoil(cfg.Train.(data.Set[float32]), sample)
				_, err := train.Run(t.Context(), cfg)
				if dir.Close(); !fault.is(err) {
					t.Fatalf("the run ends with %v", err)
				}
				goOn(t, path, everything, 0)
				checkSame(t, path, want)
			})
		}
	}
}

// TestResumeAfterACrash: what a crash leaves is the folder as it was at some moment,
// with whatever was written since the last checkpoint.
func TestResumeAfterACrash(t *testing.T) {
	want := uninterrupted(t, everything)
	for crash := 1; crash <= 12; crash++ {
		t.Run(fmt.Sprint(crash), func(t *testing.T) {
			path, left := t.TempDir(), t.TempDir()
			goOn(t, path, everything, 0, func(cfg *train.Config[float32]) {
				cfg.Every = 3
				cfg.OnStep = func(step int, _ float64) error {
					if step == crash {
						copyDir(t, left, path)
					}
					return nil
				}
			})
			goOn(t, left, everything, 0)
			checkSame(t, left, want)
		})
	}
}

// copyDir copies the files of a run that may be under way.
func copyDir(t *testing.T, to, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(from, path)
		if errors.Is(err, fs.ErrNotExist) || filepath.Ext(path) == ".tmp" {
			return nil
		} else if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o777)
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// recording tells which samples are gathered.
type recording struct {
	data.Set[float32]
	mu   *sync.Mutex
	seen *[]int
}

func (r recording) Gather(x []float32, labels []int, values []float32, samples []int) {
	r.mu.Lock()
	*r.seen = append(*r.seen, samples...)
	r.mu.Unlock()
	r.Set.Gather(x, labels, values, samples)
}

// TestNoBatchIsRepeatedOrLeftOut after a resume in mid-epoch.
func TestNoBatchIsRepeatedOrLeftOut(t *testing.T) {
	path := t.TempDir()
	var seen []int
	record := func(cfg *train.Config[float32]) {
		cfg.Train = recording{cfg.Train.(data.Set[float32]), new(sync.Mutex), &seen}
		cfg.Steps = 8
	}
	goOn(t, path, everything, 2, record)
	goOn(t, path, everything, 3, record)
	goOn(t, path, everything, 4, record) // whose evaluation does not begin
	slices.Sort(seen)
	for i := range 60 {
		if len(seen) != 60 || seen[i] != i {
			t.Fatalf("the first epoch of 60 samples takes %v", seen)
		}
	}
}

// TestNewestCheckpointIncomplete: the one before is used, and the other one stays.
func TestNewestCheckpointIncomplete(t *testing.T) {
	want := uninterrupted(t, everything)
	for name, damage := range map[string]func([]byte) []byte{
		"empty":         func(b []byte) []byte { return nil },
		"cut off":       func(b []byte) []byte { return b[:len(b)/2] },
		"a flipped bit": func(b []byte) []byte { b[len(b)-3] ^= 4; return b },
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			goOn(t, path, everything, 7)
			newest := filepath.Join(path, "checkpoints", "step-000000007.safetensors")
			b, err := os.ReadFile(newest)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(newest, damage(b), 0o666); err != nil {
				t.Fatal(err)
			}
			var log []string
			goOn(t, path, everything, 0, func(cfg *train.Config[float32]) {
				cfg.Log = func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
			})
			checkSame(t, path, want)
			if len(log) != 2 || !strings.Contains(log[0], "damaged") || !strings.Contains(log[1], "going on after step ") {
				t.Errorf("it says %q", log)
			}
			if _, err := os.Stat(newest + ".damaged"); err != nil {
				t.Errorf("the damaged checkpoint is gone: %v", err)
			}
		})
	}
}

// TestNoCheckpointLeft: a run that has lost them says that it begins again, and ends with the
// same bits.
func TestNoCheckpointLeft(t *testing.T) {
	want := uninterrupted(t, everything)
	path := t.TempDir()
	goOn(t, path, everything, 7)
	if err := os.RemoveAll(filepath.Join(path, "checkpoints")); err != nil {
		t.Fatal(err)
	}
	var log []string
	goOn(t, path, everything, 0, func(cfg *train.Config[float32]) {
		cfg.Log = func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
	})
	checkSame(t, path, want)
	if len(log) != 1 || !strings.Contains(log[0], "begins again at step 0") {
		t.Errorf("it says %q", log)
	}
}

// TestNoConfigurationLeft: checkpoints without one are of no run, and are left alone.
func TestNoConfigurationLeft(t *testing.T) {
	path := t.TempDir()
	goOn(t, path, everything, 7)
	if err := os.Remove(filepath.Join(path, train.ConfigFile)); err != nil {
		t.Fatal(err)
	}
	_, err := train.CreateDir(path, everything)
	wantError(t, err, "whose config.json is gone")
	if _, err := os.Stat(filepath.Join(path, train.ConfigFile)); err == nil {
		t.Error("there is a new one")
	}
}

// TestBestSurvivesResume: it is neither forgotten nor replaced by a worse one.
func TestBestSurvivesResume(t *testing.T) {
	path := t.TempDir()
	s := settings{"sgd", false, 100}
	overfit := func(cfg *train.Config[float32]) { // so that later epochs are worse
		cfg.Optimizer.LR = 0.1
		cfg.OnEpoch = func(e train.Epoch) error {
			if e.Step >= 4 {
				cfg.Optimizer.LR = 30
			}
			return nil
		}
	}
	goOn(t, path, s, 5, overfit)
	best, err := os.ReadFile(filepath.Join(path, train.BestFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(path, train.BestFile)); err != nil { // it is in the checkpoint
		t.Fatal(err)
	}
	e := goOn(t, path, s, 0, overfit)
	for _, name := range []string{train.BestFile, train.ModelFile} {
		after, err := os.ReadFile(filepath.Join(path, name))
		if err != nil || !bytes.Equal(after, best) {
			t.Errorf("%s is not the best network any more: %v", name, err)
		}
	}
	if e.Step != 4 || !e.Best {
		t.Errorf("the run returns the epoch after step %d, best %v, want the best one, after step 4", e.Step, e.Best)
	}
}

// TestMovedRun: nothing in a run has a path in it that could be stale.
func TestMovedRun(t *testing.T) {
	path, moved := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	goOn(t, path, everything, 6)
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	goOn(t, moved, everything, 0)
	checkSame(t, moved, uninterrupted(t, everything))
}

// TestOtherFilesStay, in the folder of the checkpoints too.
func TestOtherFilesStay(t *testing.T) {
	path := t.TempDir()
	goOn(t, path, everything, 2)
	others := []string{"notes.txt", "checkpoints/step-1.safetensors", "checkpoints/step-000000001.safetensors.bak", "checkpoints/mine.safetensors"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(path, name), []byte("precious"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	goOn(t, path, everything, 0)
	for _, name := range others {
		if text, err := os.ReadFile(filepath.Join(path, name)); string(text) != "precious" {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}
	kept, _ := filepath.Glob(filepath.Join(path, "checkpoints", "step-?????????.safetensors"))
	if len(kept) != 3 {
		t.Errorf("%d checkpoints stay: %v, want the last 3", len(kept), kept)
	}
}

// TestOtherConfiguration is refused, by its key.
func TestOtherConfiguration(t *testing.T) {
	path := t.TempDir()
	goOn(t, path, everything, 2)
	_, err := train.OpenDir(path, settings{"sgd", true, 100})
	wantError(t, err, `the run was begun with another optimizer: "adam" then, "sgd" now`)
	if e, ok := errors.AsType[*train.ConfigError](err); !ok || e.Key != "optimizer" {
		t.Errorf("%T, want a *ConfigError", err)
	}
	inside := filepath.Join(t.TempDir(), "run")
	openDir(t, inside, map[string]any{"net": map[string]any{"units": 3, "act": "relu"}}).Close()
	_, err = train.OpenDir(inside, map[string]any{"net": map[string]any{"units": 3, "act": "tanh"}})
	wantError(t, err, `begun with another net.act: "relu" then, "tanh" now`)
	_, err = train.OpenDir(inside, map[string]any{"net": "book"})
	wantError(t, err, `begun with another net: {"act":"relu","units":3} then, "book" now`)
	_, err = train.CreateDir(path, everything)
	wantError(t, err, "holds a run")
	_, err = train.OpenDir(filepath.Join(path, "none"), nil)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no run: %v", err)
	}
	_, err = train.OpenDir(filepath.Join(path, train.ConfigFile), nil)
	wantError(t, err, "is not the folder of a run: it is a file")
}

// TestOneProcess: a second one is refused while the first has the run.
func TestOneProcess(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path, everything)
	_, err := train.OpenDir(path, everything)
	if !errors.Is(err, atomicfile.ErrLocked) {
		t.Fatalf("a second one gets %v", err)
	}
	wantError(t, err, fmt.Sprintf("is under way: locking %s: it is locked by process %d", filepath.Join(path, "lock"), os.Getpid()))
	dir.Close()
	openDir(t, path, everything).Close()
}

// TestOtherCheckpoint: one of another network, optimizer, set or run is refused, and
// changes nothing.
func TestOtherCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	state := func(s settings, change func(*train.Config[float32])) (*train.State[float32], *nn.Sequential[float32]) {
		cfg, net := runConfig(t, s, nil)
		change(&cfg)
		return &train.State[float32]{Net: cfg.Net, Optimizer: cfg.Optimizer, Batches: data.NewBatcher(cfg.Train, cfg.Batch, cfg.Seed)}, net
	}
	saved, _ := state(everything, func(*train.Config[float32]) {})
	if err := saved.Save(path); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		s      settings
		change func(*train.Config[float32])
		want   string
	}{
		{"another optimizer", settings{"momentum", true, 0}, func(*train.Config[float32]) {}, `begun with another optimizer.rule: "optim.Adam" then, "optim.Momentum" now`},
		{"another weight decay", everything, func(cfg *train.Config[float32]) { cfg.Optimizer.Decay = 0.1 }, "begun with another optimizer.decay: none then, 0.1 now"},
		{"another clipping", everything, func(cfg *train.Config[float32]) { cfg.Optimizer.ClipNorm = 1 }, "begun with another optimizer.clip_norm: none then, 1 now"},
		{"another schedule", everything, func(cfg *train.Config[float32]) { cfg.Optimizer.Schedule, _ = optim.ParseSchedule("cosine", 12) }, "begun with another optimizer.schedule: none then, "},
		{"a group", everything, func(cfg *train.Config[float32]) { cfg.Optimizer.Group(cfg.Net.Params()[1]).Decay = 0.5 }, `begun with another optimizer.groups.Affine1.b.decay: none then, 0.5 now`},
		{"a frozen group", everything, func(cfg *train.Config[float32]) { cfg.Optimizer.Group(cfg.Net.Params()[0]).Frozen = true }, `begun with another optimizer.groups.Affine1.W.decay: none then, 0 now`},
		{"a group that is as the rest", everything, func(cfg *train.Config[float32]) { cfg.Optimizer.Group(cfg.Net.Params()...) }, ""},
		{"another network", everything, func(cfg *train.Config[float32]) {
			net := nn.NewSequential[float32](nn.NewAffine[float32](8, 3, train.Random(1, "weights")))
			cfg.Net, cfg.Optimizer = net, optim.NewAdam(net.Params(), 0.001)
		}, `it has an array "network.Affine1.b" of shape`},
		{"another batch size", everything, func(cfg *train.Config[float32]) { cfg.Batch = 15 }, "it was saved with 16 samples in a batch, and now there are 15"},
		{"fewer samples", everything, func(cfg *train.Config[float32]) { cfg.Train = cfg.Train.(data.Set[float32]).Rows(0, 59) }, "it was saved with 60 samples in the training set, and now there are 59"},
		{"another seed", everything, func(cfg *train.Config[float32]) { cfg.Seed = 2 }, "it was saved with 1 as the seed of their order"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, net := state(test.s, test.change)
			before := bits(net)
			err := s.Load(path)
			switch {
			case test.want == "":
				if err != nil {
					t.Error(err)
				}
				return
			case test.name == "another network": // which array is first may vary
				if err == nil {
					t.Error("no error")
				}
			default:
				wantError(t, err, test.want)
			}
			if !slices.Equal(bits(net), before) {
				t.Error("the network has changed")
			}
		})
	}
	s, _ := state(everything, func(*train.Config[float32]) {})
	if err := s.Load(path); err != nil {
		t.Errorf("the same: %v", err)
	}
	if err := s.Load(path + ".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestPatience ends the run, with the best network.
func TestPatience(t *testing.T) {
	cfg, net := runConfig(t, settings{"sgd", false, 2}, nil)
	cfg.Steps = 400
	var epochs []train.Epoch
	var best []uint32
	cfg.OnEpoch = func(e train.Epoch) error {
		epochs = append(epochs, e)
		if e.Best {
			best = bits(net)
		}
		if len(epochs) == 3 {
			cfg.Optimizer.LR = 50
		}
		return nil
	}
	e, err := train.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := len(epochs)
	if n >= 100 || epochs[n-1].Best || epochs[n-2].Best || !epochs[n-3].Best {
		t.Errorf("it ends after %d epochs, the last three best: %v %v %v", n, epochs[n-3].Best, epochs[n-2].Best, epochs[n-1].Best)
	}
	if e.Step != epochs[n-3].Step || !slices.Equal(bits(net), best) {
		t.Errorf("the network is not that of the best epoch, after step %d; Run returns step %d", epochs[n-3].Step, e.Step)
	}
}

// TestObserversStop: with ErrStop as at the end, with another error with that.
func TestObserversStop(t *testing.T) {
	path := t.TempDir()
	e := goOn(t, path, everything, 0, func(cfg *train.Config[float32]) {
		cfg.OnStep = func(step int, _ float64) error {
			if step == 6 {
				return train.ErrStop
			}
			return nil
		}
		cfg.Patience = 0
	})
	if e.Step != 6 || math.IsNaN(e.TestAccuracy) {
		t.Errorf("stopped at %+v, want an evaluation after step 6", e)
	}
	cfg, _ := runConfig(t, everything, nil)
	wrong := errors.New("wrong")
	cfg.OnEpoch = func(train.Epoch) error { return wrong }
	if e, err := train.Run(t.Context(), cfg); err != wrong || e.Step != 4 {
		t.Errorf("an observer's error ends the run with %v at step %d", err, e.Step)
	}
}

// TestFinishedRun: to go on with it does nothing, and says the same.
func TestFinishedRun(t *testing.T) {
	path := t.TempDir()
	first := goOn(t, path, everything, 0)
	want := result(t, path)
	second := goOn(t, path, everything, 0, func(cfg *train.Config[float32]) {
		cfg.OnStep = func(step int, _ float64) error { t.Errorf("step %d", step); return nil }
	})
	checkSame(t, path, want)
	if fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("Run returns %+v, and then %+v", first, second)
	}
}

// TestModelOfARun can be loaded.
func TestModelOfARun(t *testing.T) {
	path := t.TempDir()
	dir := openDir(t, path, everything)
	defer dir.Close()
	cfg, net := config(0.1)
	cfg.Dir, cfg.SaveModel = dir, func(path string, _ train.Epoch) error { return model.Save(path, net, 40) }
	if _, err := train.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	m, err := model.Load[float32](dir.File(train.ModelFile))
	if err != nil || !slices.Equal(bits(m.Net), bits(net)) {
		t.Errorf("the model is another one, or %v", err)
	}
}
