package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// TestMain lets a test start this program as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("CHAINRULE_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// call runs the program and returns its exit code and what it wrote.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	if strings.Contains(err.String(), "goroutine") || strings.Contains(err.String(), "panic") {
		t.Errorf("%v shows a stack trace:\n%s", args, &err)
	}
	return code, out.String(), err.String()
}

// must is call for what has to succeed.
func must(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	code, stdout, stderr := call(t, args...)
	if code != exitOK {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr)
	}
	return stdout
}

// mnist returns MNIST, or skips the test where it cannot be had.
func mnist(t *testing.T) data.MNISTSplit {
	t.Helper()
	_, test, err := data.MNISTSource{}.Load(t.Context())
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return test
}

// write writes a file into a fresh folder.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// small saves an untrained network for samples of 4 pixels and 3 classes.
func small(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "small.safetensors")
	net := nn.NewSequential(nn.NewAffine[float32](4, 3, train.Random(1, "weights")), nn.NewSoftmax[float32]())
	if err := model.Save(path, net, 4); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMistakes: one clear sentence on standard error, nothing on standard
// output, and 2 for the command line, 1 for files.
func TestMistakes(t *testing.T) {
	text := write(t, "notes.txt", []byte("no model, no picture\n"))
	empty := write(t, "empty", nil)
	folder := t.TempDir()
	tests := []struct {
		args string
		code int
		want string // in standard error
	}{
		{"fly", 2, `there is no command "fly"`},
		{"trian", 2, "did you mean train?"},
		{"help trian", 2, "did you mean train?"},
		{"--json=maybe info x", 2, "want true or false"},
		{"predict --raw=x a b", 2, "want true or false"},
		{"train --hiden 3", 2, "--hiden; did you mean --hidden?"},
		{"train extra", 2, "no arguments but flags"},
		{"train --batch 0", 2, "--batch"},
		{"train --batch 60001", 2, "from 1 to 60000"},
		{"train --batch x", 2, "whole number"},
		{"train --lr nan", 2, "above 0"},
		{"train --lr 0", 2, "above 0"},
		{"train --lr -1", 2, "above 0"},
		{"train --lr inf", 2, "above 0"},
		{"train --lr 1e-50", 2, "above 0"},
		{"train --optimizer adm", 2, "one of sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw"},
		{"train --weight-decay -1", 2, "want 0, or a number"},
		{"train --clip-norm NaN", 2, "want 0, or a number"},
		{"train --clip-value 1e-60", 2, "want 0, or a number"},
		{"train --schedule cosin", 2, "want one of constant, step,"},
		{"train --schedule step", 2, "want every=, a number of steps"},
		{"train --hidden -3", 2, "--hidden"},
		{"train --hidden 5,,5", 2, "--hidden"},
		{"train --hidden 0", 2, "from 1 to"},
		{"train --hidden 99999999999999999999", 2, "from 1 to"},
		{"train --out=", 2, "name of a file"},
		{"train --data=", 2, "got no name"},
		{"eval --data= x", 2, "got no name"},
		{"check --data=", 2, "want a folder"},
		{"train --data " + folder + " --out " + folder + "/model", 2, "could replace"},
		{"help fly", 2, `no command "fly"`},
		{"train --activation swish", 2, "want one of relu, sigmoid, tanh, leakyrelu, "},
		{"train --init big", 2, "he, xavier"},
		{"train --init -1", 2, "above 0"},
		{"train --init nan", 2, "above 0"},
		{"train --steps 0", 2, "--steps"},
		{"train --epochs 0", 2, "--epochs"},
		{"train --epochs 2 --steps 3", 2, "not both"},
		{"train --seed -1", 2, "--seed"},
		{"train --threads -1", 2, "--threads"},
		{"train --out", 2, "--out"},
		{"train --out " + text, 1, "--force replaces it"},
		{"train -o " + text, 1, "--force replaces it"},
		{"train --data /no/such/folder", 1, "/no/such/folder"},
		{"train --data " + folder, 1, "has no folders with pictures"},
		{"train --data " + text, 2, "name the column to predict"},
		{"train --out " + folder, 1, "folder"},
		{"train --out " + folder + "/none/model", 1, "make the folder"},
		{"check --data /no/such/folder", 1, "/no/such/folder"},
		{"check extra", 2, "no arguments"},
		{"check --seed x", 2, "--seed"},
		{"bench --only W9", 2, "there is no workload \"W9\"; there are W1, W1s, W1d, W1full, W2, "},
		{"bench --only w1", 2, "did you mean W1?"},
		{"bench --only=", 2, "--only"},
		{"bench --threads 0", 2, "from 1 to"},
		{"bench --data=", 2, "want a folder"},
		{"bench W1", 2, "no arguments but flags"},
		{"bench --only W4a --data /no/such/folder", 1, "/no/such/folder"},
		{"check --model=", 2, "--model wants the name of a file"},
		{"check --certificate=", 2, "--certificate wants the name of a file"},
		{"check --certificate " + folder, 1, "folder"},
		{"check --certificate " + folder + "/none/c.md", 1, "make the folder"},
		{"check --model /no/such/model", 1, "/no/such/model"},
		{"check --model " + text, 1, "no safetensors file"},
		{"check --samples=", 2, "--samples wants the name of a file"},
		{"check --samples " + text, 2, "name it with --model"},
		{"check --model " + text + " --samples " + text + " --data " + folder, 2, "choose one"},
		{"check --model " + small(t) + " --samples /no/such/file", 1, "/no/such/file"},
		{"eval", 2, "one model file"},
		{"eval a b", 2, "one model file"},
		{"eval /no/such/model", 1, "/no/such/model"},
		{"eval " + text, 1, "no safetensors file"},
		{"eval " + empty, 1, empty},
		{"eval " + folder, 1, "folder"},
		{"eval " + small(t), 1, "takes samples of (4)"},
		{"info " + text, 1, "no safetensors file"},
		{"info", 2, "one model file"},
		{"predict " + small(t), 2, "files to classify"},
		{"predict " + text + " " + text, 1, "no safetensors file"},
		{"predict " + small(t) + " " + text, 1, "holds no samples; want 4 numbers a line"},
		{"predict --raw " + small(t) + " " + write(t, "a.gif", []byte("GIF89a...")), 1, "the picture cannot be decoded"},
		{"predict " + small(t) + " " + write(t, "a.csv", []byte("1,2,3,4\n1,2,x,4\n")), 1, `a.csv:2: column 3: want a number, got "x"`},
		{"eval " + small(t) + " --data " + write(t, "b.csv", []byte("1,2,3,4,0\n\n1,2,3,4,3\n")), 1, "b.csv:3: column 5: want a class from 0 to 2"},
		{"eval " + small(t) + " --data " + folder, 1, "is a folder"},
		{"eval " + small(t), 1, "--data"},
		{"eval -", 2, "a model is not read from standard input"},
		{"predict " + small(t) + " " + empty, 1, empty},
		{"predict " + small(t) + " /no/such/picture", 1, "/no/such/picture"},
		{"predict " + small(t) + " " + folder, 1, folder},
		{"predict " + small(t) + " " + stroke(t, 9, 9, "png"), 1, "784 pixels"},
		{"predict --raw " + small(t) + " " + stroke(t, 9, 9, "png"), 1, "2"},
		{"predict " + small(t) + " " + idxFile(t, 2, 3, 3), 1, "samples of (3, 3)"},
		{"predict " + small(t) + " " + idxFile(t, 2), 1, "single numbers"},
		{"version x", 2, "no arguments"},
	}
	for _, test := range tests {
		code, stdout, stderr := call(t, strings.Fields(test.args)...)
		if code != test.code {
			t.Errorf("chainrule %s: exit code %d, want %d: %s", test.args, code, test.code, stderr)
		}
		if !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("chainrule %s: want one line with %q, got\n%s", test.args, test.want, stderr)
		}
		if stdout != "" {
			t.Errorf("chainrule %s: results for a mistake: %s", test.args, stdout)
		}
	}
}

// lines decodes standard output, a JSON object a line.
func lines[E any](t *testing.T, stdout string) (all []E) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		var e E
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, e)
	}
	return all
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestLostResults: results that could not be written are a failure.
func TestLostResults(t *testing.T) {
	model := small(t)
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"info", model}, {"info", "--json", model}, {"--help"}} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, full{}, &stderr); code != exitFailure || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%v: exit code %d: %s", args, code, &stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	if out := must(t, "--version"); out != must(t, "version") {
		t.Errorf("--version: %s", out)
	}
	if out := must(t, "--version", "--json"); out != must(t, "version", "--json") {
		t.Errorf("--version --json: %s", out)
	}
	if out := must(t, "version"); !strings.HasPrefix(out, "chainrule v") {
		t.Errorf("version: %s", out)
	}
	var v struct{ Version, Go, Platform string }
	if err := json.Unmarshal([]byte(must(t, "version", "--json")), &v); err != nil || v.Go != runtime.Version() || v.Platform == "" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help", "train"}, {"train", "-h"}} {
		if out := must(t, args...); !strings.Contains(out, "Usage:") {
			t.Errorf("%v: %s", args, out)
		}
	}
	code, stdout, stderr := call(t)
	if code != exitOK || stderr != "" || !strings.Contains(stdout, "Available Commands") {
		t.Errorf("without a command: exit code %d, %q, %q", code, stdout, stderr)
	}
}

// TestDoc: the commands of the package's comment are those there are.
func TestDoc(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, line := range regexp.MustCompile(`(?m)^//\tchainrule (.*?)  `).FindAllStringSubmatch(string(doc), -1) {
		got = append(got, line[1])
	}
	for _, c := range (&app{}).rootCommand().Commands() {
		use, _, _ := strings.Cut(c.Use, " [flags]")
		want = append(want, use)
	}
	want = append(want, "completion SHELL", "help [command]") // of cobra, made when it runs
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("doc.go has the commands %q, want %q", got, want)
	}
}

// TestCompletion: what Tab proposes.
func TestCompletion(t *testing.T) {
	const files, none, noSpace = ":8", ":4", ":6" // cobra's directives
	for _, test := range []struct {
		args, want string // the first proposal without what it is, and the directive
	}{
		{"tr", "train " + none},
		{"graph apples-", "apples-oranges " + none},
		{"graph model", "safetensors " + files},
		{"graph apples --format ", "svg " + none},
		{"train --activation ", "relu " + none},
		{"bench --only W6,", "W6,W1 " + noSpace},
		{"eval ", "safetensors " + files},
		{"info ", "safetensors " + files},
		{"predict ", "safetensors " + files},
		{"predict model ", ":0 "},
		{"help ver", "bench " + none}, // the shell picks those that begin so
	} {
		lines := strings.Split(must(t, append([]string{"__complete"}, strings.Split(test.args, " ")...)...), "\n")
		first, _, _ := strings.Cut(lines[0], "\t")
		if got := first + " " + lines[len(lines)-2]; !strings.HasPrefix(got, test.want) {
			t.Errorf("chainrule %s<Tab>: %q, want %q", test.args, got, test.want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := must(t, "completion", shell); !strings.Contains(out, "chainrule") {
			t.Errorf("%s: %.200q", shell, out)
		}
	}
	if out := must(t); !strings.Contains(out, "\n  completion ") {
		t.Errorf("completion is not among the commands:\n%s", out)
	}
}
