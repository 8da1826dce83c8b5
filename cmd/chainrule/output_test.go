package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// badNames are names in which a terminal hides a character or acts on it.
var badNames = []struct{ name, quoted string }{
	{"a\u202eb", `"a\u202eb"`},     // writes from right to left
	{"a\u200bb", `"a\u200bb"`},     // has no width
	{"a\u2028b", `"a\u2028b"`},     // a line separator
	{"a\x1b[31mb", `"a\x1b[31mb"`}, // colours
	{"a\nb", `"a\nb"`},
	{"a\U000e0041b", `"a\U000e0041b"`}, // a tag beyond 16 bits
}

func TestQuoted(t *testing.T) {
	for _, test := range badNames {
		if got := quoted(test.name); got != test.quoted {
			t.Errorf("%q is %s, want %s", test.name, got, test.quoted)
		}
	}
	for _, name := range []string{"model.safetensors", "한국어 모델", "naïve -> x", "\uFFFD"} {
		if got := quoted(name); got != name {
			t.Errorf("%q is %s", name, got)
		}
	}
	for name, want := range map[string]string{"": `""`, "a\xffb": `"a\xffb"`} {
		if got := quoted(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}

func TestShown(t *testing.T) {
	for in, want := range map[string]string{
		"two\nlines\twide":  "two\nlines\twide",
		"a\x1b[31m\u202e":   `a\x1b[31m\u202e`,
		"a\xff'\"한":         `a\xff'"한`,
		"\uFFFD is printed": "\uFFFD is printed",
	} {
		if got := shown(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

// TestBadNames: names of layers and files reach the terminal with nothing hidden,
// and JSON keeps them.
func TestBadNames(t *testing.T) {
	clean := func(t *testing.T, text string) {
		t.Helper()
		if i := strings.IndexFunc(text, hidden); i >= 0 || !utf8.ValidString(text) {
			t.Errorf("something is hidden in %q at %d", text, i)
		}
	}
	for _, test := range badNames {
		t.Run(test.quoted, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, test.name)
			name, quoted := test.name, test.quoted
			if nn.CheckName(name) != nil {
				name, quoted = "Affine1", "Affine1" // no layer can have that name, but a file can
			}
			net := nn.NewNamed(nn.Named[float32]{Name: name, Layer: nn.NewAffine[float32](4, 3, train.Random(1, "weights"))})
			if err := model.Save(path, net, 4); err != nil {
				t.Fatal(err)
			}
			info := must(t, "info", path)
			clean(t, info)
			if !strings.Contains(info, quoted) {
				t.Errorf("info does not quote the name:\n%s", info)
			}
			line := must(t, "info", "--json", path)
			clean(t, line)
			var summary nn.Summary
			if err := json.Unmarshal([]byte(line), &summary); err != nil || summary.Layers[0].Name != name {
				t.Errorf("JSON has the name %q, %v", summary.Layers[0].Name, err)
			}
			numbers := filepath.Join(folder, test.name+".csv")
			if err := os.WriteFile(numbers, []byte("1,2,3,4\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			predicted := must(t, "predict", path, numbers)
			clean(t, predicted)
			if strings.Count(predicted, "\n") != 1 {
				t.Errorf("one sample, and %q", predicted)
			}
			for _, args := range [][]string{{"info", numbers}, {"eval", path}, {"predict", path, path}, {"info", path + "x"}, {"graph", path}, {test.name}, {"graph", test.name}} {
				code, _, stderr := call(t, args...)
				clean(t, stderr)
				if code == exitOK || strings.Count(stderr, "\n") != 1 {
					t.Errorf("%q: exit code %d, %q", args, code, stderr)
				}
			}
		})
	}
}

// TestNotInput: a file is the same under any name.
func TestNotInput(t *testing.T) {
	file := write(t, "model", []byte("x"))
	link := filepath.Join(t.TempDir(), "link")
	hard := filepath.Join(t.TempDir(), "hard")
	if err := errors.Join(os.Symlink(file, link), os.Link(file, hard)); err != nil && runtime.GOOS == "windows" {
		t.Skip("links need a permission here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	run := t.TempDir()
	log := filepath.Join(run, train.LogFile)
	if err := os.WriteFile(log, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, out string
		inputs    []string
		same      bool
	}{
		{"the same name", file, []string{file}, true},
		{"a symbolic link", link, []string{file}, true},
		{"a hard link", hard, []string{file}, true},
		{"another spelling", filepath.Dir(file) + "/../" + filepath.Base(filepath.Dir(file)) + "/model", []string{file}, true},
		{"the second input", file, []string{"/no/such/file", link}, true},
		{"the log of a run", log, []string{run}, true},
		{"a new file", file + ".new", []string{file}, false},
		{"another file", write(t, "other", nil), []string{file}, false},
		{"no input", file, []string{""}, false},
		{"what is no file", os.DevNull, []string{os.DevNull}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := notInput("--out", test.out, test.inputs...); (err != nil) != test.same {
				t.Errorf("got %v", err)
			}
		})
	}
}
