package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/internal/memlimit"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// layered saves a model of one input, an Affine to so many units and n Sigmoids: a small
// file whose results are large.
func layered(t *testing.T, units, n int) string {
	t.Helper()
	layers := []nn.Layer[float32]{nn.NewAffine[float32](1, units, train.Random(1, "weights"))}
	for range n {
		layers = append(layers, nn.NewSigmoid[float32]())
	}
	path := filepath.Join(t.TempDir(), "layered")
	if err := model.Save(path, nn.NewSequential(layers...), 1); err != nil {
		t.Fatal(err)
	}
	return path
}

// allocated is how many bytes f allocates in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// The larger the results of a model, the fewer samples are computed at a time.
func TestSmallModelOfLargeResults(t *testing.T) {
	file := layered(t, 1000, 2000) // 8 MB for one sample
	args := []string{"predict", file, write(t, "a.csv", []byte(strings.Repeat("1\n", 30)))}
	if got := allocated(func() { must(t, args...) }); got > 80<<20 {
		t.Errorf("%d MB of memory were taken", got>>20)
	}
}

// In eval too. There what is no longer used is not taken again, but collected.
func TestEvalOfLargeResults(t *testing.T) {
	memlimit.Run(t, 256<<20, func(t *testing.T) {
		must(t, "eval", layered(t, 1000, 2000), "--data", write(t, "b.csv", []byte(strings.Repeat("1,2\n", 40))))
	})
}

// Parts of a set give the loss of the whole.
func TestEvalInParts(t *testing.T) {
	c, err := loadClassifier(t.Context(), small(t))
	if err != nil {
		t.Fatal(err)
	}
	set := randomSamples[float32](c, 10, 1)
	want, err := c.evaluate(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	c.numbers = mostComputed / 4 // 4 samples at a time
	got, err := c.evaluate(t.Context(), set)
	if err != nil || math.Abs(got.Loss()-want.Loss()) > 1e-6 || got.Accuracy() != want.Accuracy() {
		t.Errorf("in parts: loss and accuracy %v, want %v; error %v", got, want, err)
	}
}

// What would take too much memory is refused, before it is taken.
func TestCostRefused(t *testing.T) {
	many, narrow := layered(t, 40_000, 420), layered(t, 1, 3000)
	for _, tt := range []struct {
		name, args, says string
	}{
		{"predict", "predict " + many + " none", "are 16840001 numbers, and at most 16777216 are allowed"},
		{"eval", "eval " + many + " --data none", "at most 16777216 are allowed"},
		{"graph", "graph " + layered(t, 1000, 40) + " --input none", "are 41001 numbers, and at most 32768 are allowed"},
		{"graph of many layers", "graph " + narrow + " --input none", "has 3001 layers, and at most 3000 are drawn"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var code int
			var stderr string
			got := allocated(func() { code, _, stderr = call(t, strings.Fields(tt.args)...) })
			if code != exitFailure || !strings.Contains(stderr, tt.says) || got > 24<<20 {
				t.Errorf("exit code %d and %d MB, want %d and %q: %s", code, got>>20, exitFailure, tt.says, stderr)
			}
		})
	}
}

// One long name does not make a long table or message of many layers.
func TestLongNames(t *testing.T) {
	layers := []nn.Named[float32]{{Name: "inner", Layer: nn.NewNamed(named(2000)...)}}
	layers = append(layers, named(2000)...)
	long := strings.Repeat("é", 120)
	layers = append(layers, nn.Named[float32]{Name: long, Layer: nn.NewReLU[float32]()})
	path := filepath.Join(t.TempDir(), "m")
	if err := model.Save(path, nn.NewNamed(layers...), 2); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(must(t, "info", path)) {
		if len(line) > 400 {
			t.Fatalf("a line of %d bytes: %.100s", len(line), line)
		}
	}
	if out := must(t, "info", "--json", path); !strings.Contains(out, long) {
		t.Error("the JSON has not the whole name")
	}
	layers = layers[2001:]
	for i := range 100 {
		layers = append(layers, nn.Named[float32]{Name: fmt.Sprint(i, long), Layer: nn.NewReLU[float32]()})
	}
	if err := model.Save(path, nn.NewNamed(layers...), 2); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, "graph", path, "--input", "1,2", "--fold", "none")
	if code != exitUsage || len(stderr) > 2000 || !strings.Contains(stderr, "…, and 92 more") {
		t.Errorf("exit code %d and %d bytes: %.2000s", code, len(stderr), stderr)
	}
}

func named(n int) (layers []nn.Named[float32]) {
	for i := range n {
		layers = append(layers, nn.Named[float32]{Name: fmt.Sprint(i), Layer: nn.NewReLU[float32]()})
	}
	return layers
}

// Whether NaN may be damage, the SHA-256 of the file says.
func TestNaNOrDamage(t *testing.T) {
	affine := nn.NewAffine[float32](2, 2, train.Random(1, "weights"))
	affine.B.Value.Data[0] = float32(math.NaN())
	path := filepath.Join(t.TempDir(), "nan")
	if err := model.Save(path, nn.NewSequential[float32](affine), 2); err != nil {
		t.Fatal(err)
	}
	content := read(t, path)
	at := strings.Index(content, `\"sha256\":`)
	end := at + strings.Index(content[at:], ",") + 1
	unsigned := write(t, "unsigned", []byte(content[:at]+strings.Repeat(" ", end-at)+content[end:]))
	input := write(t, "a.csv", []byte("1,2\n"))
	labelled := write(t, "b.csv", []byte("1,2,0\n"))
	for _, tt := range []struct {
		name, args, says string
		code             int
	}{
		{"predict", "predict " + path + " " + input, "its training has diverged (the file is not damaged", exitFailure},
		{"predict, no SHA-256", "predict " + unsigned + " " + input, "or the file, which has no SHA-256, is damaged", exitFailure},
		{"eval", "eval " + path + " --data " + labelled, "its training has diverged (the file is not damaged", exitFailure},
		{"eval, no SHA-256", "eval " + unsigned + " --data " + labelled, "or the file, which has no SHA-256, is damaged", exitFailure},
		{"graph", "graph " + path + " --input 1,2", "its training has diverged (the file is not damaged", exitOK},
		{"graph, no SHA-256", "graph " + unsigned + " --input 1,2", "or the file, which has no SHA-256, is damaged", exitOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if code, _, stderr := call(t, strings.Fields(tt.args)...); code != tt.code || !strings.Contains(stderr, tt.says) {
				t.Errorf("exit code %d, want %d and %q: %s", code, tt.code, tt.says, stderr)
			}
		})
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
