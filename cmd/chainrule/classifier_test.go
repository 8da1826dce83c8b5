package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// pictures writes grey pictures of 4x4 pixels to files in dir: those in "dark" are dark.
func pictures(t *testing.T, dir string, names ...string) {
	t.Helper()
	for i, name := range names {
		img := image.NewGray(image.Rect(0, 0, 4, 4))
		level := uint8(200 + i)
		if strings.HasPrefix(name, "dark") {
			level = uint8(20 + i)
		}
		for p := range 16 {
			img.SetGray(p%4, p/4, color.Gray{level})
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFoldersAsArguments: the folder of a run is its model, and a folder of pictures is the
// pictures, with classes or without.
func TestFoldersAsArguments(t *testing.T) {
	dir, run, fresh := t.TempDir(), filepath.Join(t.TempDir(), "run"), t.TempDir()
	pictures(t, dir, "dark/1.png", "dark/2.png", "dark/3.png", "light/1.png", "light/2.png", "light/3.png")
	pictures(t, fresh, "dark.png", "light.png", ".hidden.png", "more/light.png")
	if err := os.WriteFile(filepath.Join(fresh, "notes.txt"), []byte("not a picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	must(t, "train", "--run", run, "--data", dir, "--test", dir, "--validation", dir, "--hidden", "3", "--lr", "1", "--epochs", "30", "--batch", "6")

	t.Run("predict", func(t *testing.T) {
		out := must(t, "predict", run, fresh)
		var got []string
		for line := range strings.Lines(out) {
			columns := strings.Split(line, "\t")
			got = append(got, filepath.ToSlash(strings.TrimPrefix(columns[0], fresh))+" "+columns[2])
		}
		if want := "/dark.png dark, /light.png light, /more/light.png light"; strings.Join(got, ", ") != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	for _, args := range [][]string{{"eval", run, "--data", dir}, {"info", run}, {"reproduce", run}} {
		t.Run(args[0], func(t *testing.T) {
			model := append([]string{args[0], filepath.Join(run, train.ModelFile)}, args[2:]...)
			if got, want := must(t, args...), must(t, model...); got == "" || strings.ReplaceAll(got, run, "") != strings.ReplaceAll(want, filepath.Join(run, train.ModelFile), "") {
				t.Errorf("of the folder:\n%s\nof the model in it:\n%s", got, want)
			}
		})
	}
	t.Run("graph", func(t *testing.T) {
		if got := must(t, "graph", run, "--input", filepath.Join(fresh, "dark.png"), "--format", "dot"); !strings.HasPrefix(got, "digraph") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("best so far", func(t *testing.T) {
		if err := os.Remove(filepath.Join(run, train.ModelFile)); err != nil {
			t.Fatal(err)
		}
		must(t, "eval", run, "--data", dir)
		if err := os.Remove(filepath.Join(run, train.BestFile)); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := call(t, "eval", run, "--data", dir); code != exitFailure || !strings.Contains(stderr, "has no model yet") || !strings.Contains(stderr, "--resume") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
	t.Run("no run", func(t *testing.T) {
		if code, _, stderr := call(t, "eval", fresh); code != exitFailure || !strings.Contains(stderr, "is not the folder of a run") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
}

// TestTrainedOn: a model of other pictures of MNIST's size is not evaluated on MNIST.
func TestTrainedOn(t *testing.T) {
	letters := strings.Split("a b c d e f g h i j", " ")
	for _, test := range []struct {
		name, want string
		p          *data.Preparation
	}{
		{"no word", "mnist", nil},
		{"MNIST", "mnist", data.MNISTSource{}.Preparation()},
		{"Fashion-MNIST", "fashion-mnist", data.MNISTSource{Name: "fashion-mnist"}.Preparation()},
		{"letters", "", &data.Preparation{Image: &data.Image{Height: 28, Width: 28, Channels: 1}, Classes: letters}},
		{"a table", "", &data.Preparation{Columns: make([]data.Column, 784), Classes: letters}},
	} {
		t.Run(test.name, func(t *testing.T) {
			net := nn.NewSequential[float32](nn.NewAffine[float32](784, 10, train.Random(1, "weights")))
			c := &classifier{Model: &model.Model[float32]{Net: net, Input: []int{784}, Preparation: test.p}, pixels: 784, classes: 10}
			if got, err := c.trainedOn("model"); got != test.want && err == nil || (err != nil) != (test.want == "") {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// TestDataStay: no result replaces the data that a model was trained on.
func TestDataStay(t *testing.T) {
	table := skewedTable(t)
	want := readFile(t, table)
	file := filepath.Join(t.TempDir(), "model.safetensors")
	must(t, "train", "--data", table, "--label", "kind", "--steps", "2", "--out", file)
	for _, args := range [][]string{{"report", file, "--out", table}, {"check", "--model", file, "--certificate", table}} {
		t.Run(args[0], func(t *testing.T) {
			code, _, stderr := call(t, args...)
			if code != exitUsage || !strings.Contains(stderr, "which it would replace") || !bytes.Equal(readFile(t, table), want) {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
}
