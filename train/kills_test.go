package train_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

var kills = flag.Int("kills", 200, "how often a run is killed")

// TestMain lets this program be the run that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("TRAIN_RUN"); path != "" {
		if err := killed(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// killed begins the run at path or goes on with it: 2,000 steps, 100 an epoch, and a
// checkpoint each 40.
func killed(path string) error {
	dir, err := train.OpenDir(path, map[string]int{"steps": 2000})
	if err != nil {
		return err
	}
	defer dir.Close()
	set := blobs(500, 8, 3)
	rng := train.Random(1, "weights")
	net := nn.NewSequential[float32](nn.NewAffine[float32](8, 16, rng), nn.NewReLU[float32](), nn.NewDropout[float32](0.3, rng), nn.NewAffine[float32](16, 3, rng))
	_, err = train.Run(context.Background(), train.Config[float32]{
		Net: net, Loss: nn.NewSoftmaxWithLoss[float32](), Optimizer: optim.NewAdam(net.Params(), 0.001),
		Train: set.Rows(0, 400), Validation: set.Rows(400, 500),
		Batch: 4, Steps: 2000, Patience: 15, Seed: 1, Threads: 1,
		Dir: dir, Every: 40, Keep: 2,
		SaveModel: func(path string, _ train.Epoch) error { return model.Save(path, net, 8) },
		Log: func(format string, args ...any) {
			// A kill may come between the log's first epoch and the first checkpoint.
			if !strings.HasPrefix(format, "going on") && !strings.Contains(format, "begins again") {
				fmt.Fprintf(os.Stderr, format+"\n", args...)
			}
		},
	})
	return err
}

// TestKills kills runs at random moments, each again and again until it ends by itself.
// No checkpoint is ever unreadable, and every model has the bits of a run that nobody
// killed. -kills=10000 is the long form.
func TestKills(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("no processes on js")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	whole := t.TempDir()
	begin := time.Now()
	if out, err := runOf(self, whole).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	long := time.Since(begin)
	want := models(t, whole)
	rng := rand.New(rand.NewPCG(1, 2))
	dir, done, resumed := "", 0, 0
	for n := 0; n < *kills || dir != ""; {
		if dir == "" {
			dir = t.TempDir()
		}
		cmd := runOf(self, dir)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(rng.Int64N(int64(long)))
		if n >= *kills {
			after = time.Hour // the last run ends by itself
		}
		timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if stderr.Len() > 0 {
			t.Fatalf("after %d kills: %s", n, &stderr)
		}
		if _, ok := errors.AsType[*exec.ExitError](err); ok {
			n++
			resumed++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := models(t, dir); got != want {
			t.Fatalf("after %d kills of this run its models are not those of a run that nobody killed", resumed)
		}
		if damaged, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*.damaged")); damaged != nil {
			t.Fatalf("checkpoints were unreadable: %v", damaged)
		}
		os.RemoveAll(dir)
		dir, resumed = "", 0
		done++
	}
	t.Logf("%d kills, %d runs ended with the same bits", *kills, done)
}

func runOf(self, dir string) *exec.Cmd {
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "TRAIN_RUN="+dir)
	return cmd
}

// models returns the bytes of both models of a run.
func models(t *testing.T, dir string) (all string) {
	t.Helper()
	for _, name := range []string{train.ModelFile, train.BestFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	return all
}
