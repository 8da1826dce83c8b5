package train_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

// failing makes operations on files fail from the first one on that is chosen, a number of
// them, and returns how many there were.
func failing(t *testing.T, first, number int, problem error, f func()) (operations int) {
	t.Helper()
	var mu sync.Mutex
	atomicfile.Fault = func(operation, path string) error {
		mu.Lock()
		defer mu.Unlock()
		if operation == "remove" { // which ends no run
			return nil
		}
		operations++
		if operations >= first && operations < first+number {
			return &os.PathError{Op: operation, Path: path, Err: problem}
		}
		return nil
	}
	defer func() { atomicfile.Fault = nil }()
	f()
	return operations
}

// TestFaults lets each operation on a file fail: every write, fsync and rename of a run,
// once and for ever from then on. The run ends with an error that names the file, nothing
// that was saved is lost, and the run that goes on ends with the same bits.
func TestFaults(t *testing.T) {
	s := settings{"adam", false, 100}
	attempt := func(path string) error {
		dir, err := train.OpenDir(path, s)
		if err != nil {
			return err
		}
		defer dir.Close()
		cfg, _ := runConfig(t, s, dir)
		rng := train.Random(1, "weights")
		net := nn.NewSequential[float32](nn.NewAffine[float32](8, 16, rng), nn.NewReLU[float32](), nn.NewAffine[float32](16, 3, rng))
		cfg.Net, cfg.Optimizer = net, optim.NewAdam(net.Params(), 0.001)
		cfg.SaveModel = func(path string, _ train.Epoch) error { return model.Save(path, net, 8) }
		_, err = train.Run(t.Context(), cfg)
		return err
	}
	whole := t.TempDir()
	if err := attempt(whole); err != nil {
		t.Fatal(err)
	}
	want := result(t, whole)
	for name, number := range map[string]int{"once": 1, "for ever": 1 << 30} {
		for n := 1; ; n++ {
			path := t.TempDir()
			var err error
			operations := failing(t, n, number, syscall.ENOSPC, func() { err = attempt(path) })
			if operations < n { // the run ended before
				if err != nil || n < 30 {
					t.Fatalf("%s: %d operations, %v", name, operations, err)
				}
				break
			}
			t.Run(fmt.Sprintf("%s %d", name, n), func(t *testing.T) {
				if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
					t.Errorf("the run ends with %v, want an error that names the file", err)
				}
				saved, _ := filepath.Glob(filepath.Join(path, "checkpoints", "*"))
				if err := attempt(path); err != nil {
					t.Fatalf("the run cannot go on: %v", err)
				}
				if damaged, _ := filepath.Glob(filepath.Join(path, "checkpoints", "*.damaged")); damaged != nil {
					t.Errorf("of the checkpoints %v these are damaged: %v", saved, damaged)
				}
				checkSame(t, path, want)
			})
		}
	}
}

// TestOldStaysUntilNewIsWhole: with one checkpoint to keep, a failure to write the next one
// leaves it.
func TestOldStaysUntilNewIsWhole(t *testing.T) {
	path := t.TempDir()
	one := func(cfg *train.Config[float32]) { cfg.Keep = 1 }
	goOn(t, path, everything, 4, one)
	dir := openDir(t, path, everything)
	cfg, _ := runConfig(t, everything, dir)
	one(&cfg)
	var err error
	failing(t, 5, 1<<30, syscall.EIO, func() { _, err = train.Run(t.Context(), cfg) })
	dir.Close()
	if !errors.Is(err, syscall.EIO) {
		t.Fatalf("the run ends with %v", err)
	}
	if _, err := os.Stat(filepath.Join(path, "checkpoints", "step-000000004.safetensors")); err != nil {
		t.Errorf("the last good checkpoint is gone: %v", err)
	}
}

// TestOldCheckpointCannotBeRemoved: the run goes on, and says so once.
func TestOldCheckpointCannotBeRemoved(t *testing.T) {
	path := t.TempDir()
	atomicfile.Fault = func(operation, path string) error {
		if operation == "remove" {
			return &os.PathError{Op: operation, Path: path, Err: syscall.EPERM}
		}
		return nil
	}
	defer func() { atomicfile.Fault = nil }()
	var said []string
	goOn(t, path, everything, 0, func(cfg *train.Config[float32]) {
		cfg.Keep = 1
		cfg.Log = func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	})
	checkSame(t, path, uninterrupted(t, everything))
	if len(said) != 1 || !strings.Contains(said[0], "removing an old checkpoint") || !strings.Contains(said[0], path) {
		t.Errorf("the log says %q", said)
	}
}

// TestVanishedDirectory: the error says what to do.
func TestVanishedDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	dir := openDir(t, path, everything)
	defer dir.Close()
	cfg, _ := runConfig(t, everything, dir)
	cfg.SaveModel = nil // so that a checkpoint is what fails
	cfg.OnStep = func(step int, _ float64) error {
		for step == 2 && os.RemoveAll(path) != nil { // a checkpoint is just being written there
		}
		return nil
	}
	_, err := train.Run(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "make the folder "+filepath.Join(path, "checkpoints")) {
		t.Errorf("the run ends with %v", err)
	}
}
