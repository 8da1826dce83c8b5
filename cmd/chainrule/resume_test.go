package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

func trainIn(flag, dir string, args ...string) []string {
	return append([]string{"train", flag, dir}, args...)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// otherFlags has for each flag of train a value that is not its default. "" is for those
// that change no bit of the result, or that are compared by what they name.
var otherFlags = map[string]string{
	"activation": "tanh", "augment": "flip", "batch": "7", "batchnorm": "true", "categorical": "x", "channels": "3",
	"class-weights": "balanced", "clip-norm": "1", "clip-value": "1", "dropout": "0.5", "epochs": "9", "fill": "median",
	"header": "no", "hidden": "5", "ignore": "y", "init": "he", "label": "y", "labels": "other.npy",
	"layers": "affine 2", "lr": "0.5", "missing": "?", "net": "simpleconv", "optimizer": "adam", "part-column": "y",
	"patience": "3", "schedule": "cosine", "seed": "2", "size": "9x9", "split-seed": "2", "standardize": "false",
	"steps": "30", "target": "x", "test": "0.5", "validation": "0.3", "weight-decay": "0.1",

	"data": "", "force": "", "json": "", "keep": "", "layers-file": "", "out": "", "resume": "", "run": "", "save-every": "", "threads": "",
}

// TestEveryFlagOfAResume: one that would change the run is refused by its name, and the list
// of them is whole.
func TestEveryFlagOfAResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	must(t, trainIn("--run", dir, "--data", skewedTable(t), "--label", "kind", "--validation", "0.2", "--steps", "20")...)
	cmd := (&app{}).trainCommand()
	listed := map[string]bool{"json": true} // of all commands
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		listed[f.Name] = true
		other, ok := otherFlags[f.Name]
		if !ok {
			t.Errorf("nothing says whether --%s changes a run", f.Name)
		}
		if other == "" {
			return
		}
		t.Run(f.Name, func(t *testing.T) {
			code, _, stderr := call(t, trainIn("--resume", dir, "--"+f.Name+"="+other)...)
			want := "--" + f.Name + " " + other + " would change the run in " + dir + ", which was begun with"
			if code != exitUsage || !strings.Contains(stderr, want) || strings.Contains(stderr, "--lr 0;") {
				t.Errorf("exit code %d: %s\nwant %s", code, stderr, want)
			}
		})
	})
	for name := range otherFlags {
		if !listed[name] {
			t.Errorf("there is no flag --%s", name)
		}
	}
}

// TestHarmlessFlagsOfAResume: with other ones of these a run ends with the same model.
func TestHarmlessFlagsOfAResume(t *testing.T) {
	table, layers := skewedTable(t), write(t, "layers.txt", []byte("affine 4, relu,\naffine 2\n"))
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "run")
	args := []string{"--data", table, "--label", "kind", "--layers-file", layers, "--steps", "20"}
	must(t, trainIn("--run", whole, args...)...)
	must(t, trainIn("--run", dir, append(args, "--save-every", "3")...)...)
	undone := func() { // as if it had been killed after step 18
		for _, name := range []string{train.ModelFile, "checkpoints/step-000000020.safetensors"} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	moved := filepath.Join(t.TempDir(), "moved.csv")
	if err := os.WriteFile(moved, readFile(t, table), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--threads", "1"}, {"--threads", "2", "--save-every", "2"}, {"--keep", "1"}, {"--json"}, {"--layers-file", layers}, {"--data", moved},
		{"--out", filepath.Join(t.TempDir(), "m")},
	} {
		t.Run(args[0], func(t *testing.T) {
			undone()
			must(t, trainIn("--resume", dir, args...)...)
			if !slices.Equal(readModel(t, filepath.Join(dir, train.ModelFile)), readModel(t, filepath.Join(whole, train.ModelFile))) {
				t.Error("the model is another one")
			}
		})
	}
	t.Run("the file of layers is gone", func(t *testing.T) {
		undone()
		if err := os.WriteFile(layers, []byte("affine 4, tanh, affine 2"), 0o666); err != nil {
			t.Fatal(err)
		}
		must(t, trainIn("--resume", dir)...)
		if out := must(t, "reproduce", filepath.Join(dir, train.ModelFile), "--data", moved); !strings.HasPrefix(out, "the same bits") {
			t.Errorf("it says %q", out)
		}
		code, _, stderr := call(t, trainIn("--resume", dir, "--layers-file", layers)...)
		if code != exitUsage || !strings.Contains(stderr, "--layers affine 4, tanh, affine 2 would change the run") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
	t.Run("other data", func(t *testing.T) {
		if err := os.WriteFile(moved, append(readFile(t, table), "1,2,rare\n"...), 0o666); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := call(t, trainIn("--resume", dir, "--data", moved)...)
		if code != exitFailure || !strings.Contains(stderr, "the data are not those that the run in "+dir+" was begun with") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
}

// TestResumeRefused: what is no run to go on with.
func TestResumeRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	must(t, trainIn("--run", dir, "--data", skewedTable(t), "--label", "kind", "--steps", "5")...)
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a run in the place of another", trainIn("--run", dir), 1, "holds a run"},
		{"no run", trainIn("--resume", t.TempDir()), 1, "holds no run"},
		{"both", trainIn("--resume", dir, "--run", dir), 2, "not both"},
		{"checkpoints of no run", []string{"train", "--keep", "2"}, 2, "--save-every and --keep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if code, _, stderr := call(t, test.args...); code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d: %s\nwant %d: %s", code, stderr, test.code, test.want)
			}
		})
	}
}

// TestForeignRecords: what a run or a model of another program, or of a stranger, says of its
// training is refused with what it lacks.
func TestForeignRecords(t *testing.T) {
	table := skewedTable(t)
	recorded := func(training string) string {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		m := &model.Model[float32]{Net: nn.NewSequential(nn.NewAffine[float32](2, 2, train.Random(1, "weights"))), Input: []int{2}, Training: []byte(training)}
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	flags := `"flags":{"data":` + strconv.Quote(table) + `,"label":"kind","hidden":"2","epochs":"3","batch":"16"}`
	sum := sha256.Sum256(readFile(t, table))
	data := `"data_sha256":"` + hex.EncodeToString(sum[:]) + `"`
	for _, test := range []struct{ name, training, want string }{
		{"no flags", `{"step":1}`, "it does not say with which flags of chainrule train it was trained"},
		{"flags of null", `{"step":1,"flags":null}`, "it does not say with which flags of chainrule train it was trained"},
		{"a file of layers", `{"step":1,"flags":{"layers-file":"secret.txt"}}`, "it names a file with layers, secret.txt, which another program wrote down"},
		{"no step", `{"flags":{}}`, "it says that it was saved after 0 steps; want 1 or more"},
		{"a step that is no number", `{"step":"1"}`, "what it says of its training cannot be read: json: cannot unmarshal string"},
		{"a step after the end", `{"step":1000000000000000000,` + data + `,` + flags + `}`, "it was saved after 1000000000000000000 steps, of a training of 30"},
	} {
		t.Run("a model with "+test.name, func(t *testing.T) {
			code, _, stderr := call(t, "reproduce", recorded(test.training), "--data", table)
			if code != exitFailure || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "<nil>") {
				t.Errorf("exit code %d: %s\nwant %s", code, stderr, test.want)
			}
		})
	}
	t.Run("a run without flags", func(t *testing.T) {
		code, _, stderr := call(t, "train", "--resume", runDir(t, t.TempDir(), "run", "sgd", 1), "--data", table)
		if code != exitFailure || !strings.Contains(stderr, "cannot go on here: it does not say with which flags of chainrule train it was trained") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
}

// TestLongFlags: what a model file could not keep is refused before the training.
func TestLongFlags(t *testing.T) {
	for _, test := range []struct {
		comment int // bytes of it
		code    int
		want    string
	}{
		{60_000, exitOK, ""},
		{65_000, exitUsage, "a model file keeps at most 65536 of how it was trained"},
		{70_000, exitFailure, "want a text of layers, of at most 65536 bytes"},
	} {
		t.Run(strconv.Itoa(test.comment), func(t *testing.T) {
			layers := write(t, "layers.txt", []byte("affine 2\n#"+strings.Repeat("x", test.comment)))
			dir := filepath.Join(t.TempDir(), "run")
			code, _, stderr := call(t, trainIn("--run", dir, "--data", skewedTable(t), "--label", "kind", "--steps", "2", "--layers-file", layers)...)
			if code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d: %s\nwant %d: %s", code, stderr, test.code, test.want)
			}
			if _, err := os.Stat(dir); (err == nil) != (code == exitOK) {
				t.Errorf("the folder of the run: %v", err)
			}
		})
	}
}
