package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// networkOf builds the network of some flags for images of 1x28x28, or rows of 784, in ten
// classes.
func networkOf(t *testing.T, args ...string) (*nn.Sequential[float32], []int, error) {
	t.Helper()
	var o networkOptions
	cmd := &cobra.Command{}
	o.flags(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		return nil, nil, err
	}
	if err := o.check(); err != nil {
		return nil, nil, err
	}
	if err := o.read(t.Context()); err != nil {
		return nil, nil, err
	}
	return o.build([][]int{{1, 28, 28}, {784}}, 10, 100, train.Random(1, "weights"))
}

// TestNetworkFlags: what the flags make of the network, and for which samples.
func TestNetworkFlags(t *testing.T) {
	file := write(t, "net.txt", []byte("# two layers\nflatten\naffine 7 init=0.5\n\nrelu, affine 10\n"))
	for _, c := range []struct {
		args   string
		layers string
		input  []int
		std    float64 // of the first weights
	}{
		{"", "Sequential(Affine(784->50), ReLU, Affine(50->10))", []int{784}, math.Sqrt(2.0 / 784)},
		{"--activation sigmoid", "Sequential(Affine(784->50), Sigmoid, Affine(50->10))", []int{784}, math.Sqrt(2.0 / (784 + 50))},
		{"--activation sigmoid --init he", "Sequential(Affine(784->50), Sigmoid, Affine(50->10))", []int{784}, math.Sqrt(2.0 / 784)},
		{"--activation leakyrelu", "Sequential(Affine(784->50), LeakyReLU(0.01), Affine(50->10))", []int{784}, math.Sqrt(2.0 / 784)},
		{"--hidden 40,30 --init xavier", "Sequential(Affine(784->40), ReLU, Affine(40->30), ReLU, Affine(30->10))", []int{784}, math.Sqrt(2.0 / (784 + 40))},
		{"--net multilayer --init 0.01 --dropout 0.5", "Sequential(Affine(784->50), ReLU, Dropout(0.5), Affine(50->10))", []int{784}, 0.01},
		{"--layers flatten,affine-10", "Sequential(Flatten, Affine(784->10))", []int{1, 28, 28}, math.Sqrt(2.0 / 784)},
		{"--layers relu,affine-10", "Sequential(ReLU, Affine(784->10))", []int{784}, math.Sqrt(2.0 / 784)},
		{"--layers-file " + file, "Sequential(Flatten, Affine(784->7), ReLU, Affine(7->10))", []int{1, 28, 28}, 0.5},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(c.args)
			for i, arg := range args {
				args[i] = strings.ReplaceAll(arg, "affine-", "affine ")
			}
			net, input, err := networkOf(t, args...)
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(net) != c.layers || !slices.Equal(input, c.input) {
				t.Errorf("%v for %v, want %s for %v", net, input, c.layers, c.input)
			}
			var squares float64
			w := net.Params()[0].Value.Data
			for _, v := range w {
				squares += float64(v) * float64(v)
			}
			if std := math.Sqrt(squares / float64(len(w))); math.Abs(std/c.std-1) > 0.02 {
				t.Errorf("standard deviation %v, want %v", std, c.std)
			}
		})
	}
}

// TestNetworkRefused: flags that do not describe a network are mistakes in the command line.
func TestNetworkRefused(t *testing.T) {
	mnist(t)
	file := write(t, "net.txt", []byte("flatten\naffine 7, rellu\n"))
	for _, c := range []struct {
		name, says string
		args       []string
	}{
		{"two", "give one of --net and --layers", []string{"--net", "multilayer", "--layers", "relu"}},
		{"hidden", "--hidden is for --net multilayer", []string{"--layers", "affine 10", "--hidden", "3"}},
		{"another network", "--activation is for --net multilayer", []string{"--net", "simpleconv", "--activation", "tanh"}},
		{"name", `there is no network "simplecon"; did you mean simpleconv?`, []string{"--net", "simplecon"}},
		{"layers", "--layers: column 12: there is no layer \"rellu\"; did you mean relu? (see chainrule train --help)\n" +
			"  affine 50, rellu, affine 10\n             ^\n", []string{"--layers", "affine 50, rellu, affine 10"}},
		{"file", "net.txt: line 2, column 11: there is no layer", []string{"--layers-file", file}},
		{"no file", "none.txt", []string{"--layers-file", "none.txt"}},
		{"empty", "--layers: column 1: want a layer, such as affine 10, got none", []string{"--layers", ""}},
		{"flattened", "--layers: column 22: affine wants (N, 784) or (784), and (N, 28, 28) arrives; put flatten before it", []string{"--layers", "relu, reshape 28x28, affine 10"}},
		{"outputs", "the last layer gives (20) for a sample, and the targets are 10 classes; end with affine 10", []string{"--layers", "affine 20"}},
		{"parameters", "train: --hidden 65536,65536: column 21: affine: W: want at most 268435456 parameters in all, got one of shape (65536, 65536) (see chainrule train --help)\n", []string{"--hidden", "65536,65536"}},
		{"results", "--hidden 65536 and --batch 60000 make 7911960000 numbers a step", []string{"--hidden", "65536", "--batch", "60000"}},
		{"dropout", "want a number from 0 to below 1", []string{"--dropout", "1"}},
		{"batch", "make 347640000 numbers a step", []string{"--layers", "affine 5000, affine 10", "--batch", "60000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, stderr := call(t, append([]string{"train", "--steps", "1", "--out", t.TempDir() + "/m"}, c.args...)...)
			want := exitUsage
			if c.name == "no file" {
				want = exitFailure
			}
			if code != want || !strings.Contains(stderr, c.says) || strings.Contains(c.says, "--hidden") && strings.Contains(stderr, "^") {
				t.Errorf("exit code %d, want %d and %q: %s", code, want, c.says, stderr)
			}
		})
	}
}

// TestTrainOnImages: a network that takes images is trained on images, and its model is
// evaluated on them.
func TestTrainOnImages(t *testing.T) {
	mnist(t)
	file := t.TempDir() + "/m"
	must(t, "train", "--layers", "flatten, affine 10", "--steps", "100", "--out", file)
	rows := t.TempDir() + "/m"
	must(t, "train", "--layers", "affine 10", "--steps", "100", "--out", rows)
	if a, b := must(t, "eval", file), must(t, "eval", rows); a != b {
		t.Errorf("on images\n%s\non rows of pixels\n%s", a, b)
	}
}

// TestInfo: the network of a model file or of flags, its line of layers, and its memory.
func TestInfo(t *testing.T) {
	const line = "affine 3, relu, affine 2, softmax, softmax"
	rng := train.Random(1, "weights")
	net, err := nn.Parse[float32](line, []int{4}, rng)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/m"
	if err := model.Save(file, net, 4); err != nil {
		t.Fatal(err)
	}
	described := must(t, "info", "--layers", line, "--input", "4", "--classes", "2", "--optimizer", "adam", "--batch", "10")
	for _, want := range []string{
		"Affine1   Affine(4->3)  (N, 3)  15          60     12\n",
		"total                           23          92     18\n",
		"MB for 10 samples",
	} {
		if !strings.Contains(described, want) {
			t.Errorf("got\n%s\nwant %q in it", described, want)
		}
	}
	fromFile := must(t, "info", file, "--optimizer", "adam", "--batch", "10")
	if want := strings.Replace(described, "\nMB for", "\n"+line+"\n\nMB for", 1); fromFile != want {
		t.Errorf("of the file\n%s\nwant\n%s", fromFile, want)
	}
	if out := must(t, "info", "--layers", "affine 1000000, sigmoid, affine 2", "--input", "1", "--classes", "2"); strings.Contains(out, "MB for") {
		t.Errorf("the memory of much is computed:\n%s", out)
	}
	for args, want := range map[string]string{
		"info":                            "want one model file, or flags such as --net or --layers",
		"info " + file + " --net x":       "there is no network",
		"info " + file + " --input 4":     "give a model file or --input, not both",
		"info --net simpleconv --input 4": "conv wants (N, 4, 5 or more, 5 or more), and (N, 4) arrives",
	} {
		if code, _, stderr := call(t, strings.Fields(args)...); code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, want %d and %q: %s", args, code, exitUsage, want, stderr)
		}
	}
}
