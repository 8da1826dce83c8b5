package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

func TestReadNumbers(t *testing.T) {
	for _, test := range []struct {
		name, text string
		classes    int
		want       string // the numbers and classes, or the error
	}{
		{"commas", "1,2\n3,4\n", 0, "[1 2 3 4] []"},
		{"spaces", "1 2\n  3   4e0", 0, "[1 2 3 4] []"},
		{"tabs", "1\t2\r\n3\t4\r\n", 0, "[1 2 3 4] []"},
		{"commas and spaces", "1, -2.5\n3 ,.5\n", 0, "[1 -2.5 3 0.5] []"},
		{"classes", "1,2,0\n3,4,9\n", 10, "[1 2 3 4] [0 9]"},
		{"names of columns", "width,height,class\n1,2,0\n", 10, "[1 2] [0]"},
		{"comments and empty lines", "# a comment\n\n1,2\n\n#3,4\n", 0, "[1 2] []"},
		{"mark of UTF-8", "\uFEFF1,2\n", 0, "[1 2] []"},
		{"a name in the second line", "a,b\nc,d\n", 0, `f:2: column 1: want a number, got "c"`},
		{"no number", "1,2\n3,x\n", 0, `f:2: column 2: want a number, got "x"`},
		{"an empty field", "1,\n", 0, `f:1: column 2: want a number, got ""`},
		{"a character that is hidden", "1,\u202e2\n", 0, `f:1: column 2: want a number, got "\u202e2"`},
		{"not finite", "1,nan\n", 0, `f:1: column 2: want a number, got "nan"`},
		{"infinite", "1,inf\n", 0, `f:1: column 2: want a number, got "inf"`},
		{"too large", "1,1e400\n", 0, "f:1: column 2: 1e400 is too large; a model takes numbers up to 3.4e38"},
		{"too large for float32", "1,1e39\n", 0, "f:1: column 2: 1e39 is too large; a model takes numbers up to 3.4e38"},
		{"too few", "1,2\n3\n", 0, "f:2: want 2 numbers a line, got 1"},
		{"a class too few", "1,2\n", 3, "f:1: want 2 numbers and a class a line, got 2"},
		{"a class too large", "1,2,3\n", 3, `f:1: column 3: want a class from 0 to 2, got "3"`},
		{"a class below 0", "1,2,-1\n", 3, `f:1: column 3: want a class from 0 to 2, got "-1"`},
		{"a class with a fraction", "1,2,1.0\n", 3, `f:1: column 3: want a class from 0 to 2, got "1.0"`},
		{"nothing", "", 0, "f holds no samples; want 2 numbers a line"},
		{"names alone", "a,b\n", 0, "f holds no samples; want 2 numbers a line"},
		{"a long line", "1,2\n" + strings.Repeat(" ", 1<<20), 0, "f:2: the line is longer than 65536 bytes; want 2 numbers a line"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x, labels, err := readNumbers[float64](strings.NewReader(test.text), "f", 2, test.classes)
			got := fmt.Sprint(x, labels)
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// FuzzReadNumbers: whatever the text is, there are as many numbers as the samples
// need, all of them finite, or there is an error.
func FuzzReadNumbers(f *testing.F) {
	for _, text := range []string{"1,2,0\n", "a,b,c\n1 2 1\n", "#\n1e400,,\n", "\uFEFF1\t2\t2\r\n"} {
		f.Add(text)
	}
	f.Add(strings.Repeat("1,2,0\n", 1000))
	f.Add(strings.Repeat("1,", 10_000))
	f.Add("1,2,0\n1," + strings.Repeat("x", 60_000) + ",0\n")
	f.Fuzz(func(t *testing.T, text string) {
		var x []float32
		var labels []int
		var err error
		got := allocated(func() { x, labels, err = readNumbers[float32](strings.NewReader(text), "f", 2, 3) })
		if most := uint64(64*len(text) + 1<<18); got > most {
			t.Errorf("a text of %d bytes takes %d bytes of memory, want at most %d", len(text), got, most)
		}
		if err != nil {
			if len(err.Error()) > 500 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if len(labels) == 0 || len(x) != 2*len(labels) {
			t.Errorf("%d numbers and %d classes", len(x), len(labels))
		}
		for _, v := range x {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Errorf("%v is not finite", v)
			}
		}
		for _, class := range labels {
			if class < 0 || class > 2 {
				t.Errorf("class %d", class)
			}
		}
	})
}

// thresholds saves a model of one number whose class is 1 above 2 and else 0, or
// whose results are no numbers.
func thresholds(t *testing.T, bias float32) string {
	t.Helper()
	affine := nn.NewAffine[float32](1, 2, train.Random(1, "weights"))
	copy(affine.W.Value.Data, []float32{0, 1})
	copy(affine.B.Value.Data, []float32{0, bias})
	path := filepath.Join(t.TempDir(), "thresholds.safetensors")
	if err := model.Save(path, nn.NewSequential[float32](affine), 1); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOwnSamples: a model that does not take images is evaluated and asked, from a
// file and from standard input.
func TestOwnSamples(t *testing.T) {
	file := thresholds(t, -2)
	labelled := write(t, "s.csv", []byte("x,class\n1,0\n3,1\n5,0\n4,1\n"))
	plain := write(t, "p.csv", []byte("1\n3\n"))
	t.Run("eval", func(t *testing.T) {
		var got struct {
			Accuracy, Loss float64
			Samples        int
		}
		if err := json.Unmarshal([]byte(must(t, "eval", file, "--data", labelled, "--json")), &got); err != nil {
			t.Fatal(err)
		}
		// log(1 + exp(-z)) with z = 1, 1, -3, 2 for how right each sample is.
		want := (2*math.Log1p(math.Exp(-1)) + math.Log1p(math.Exp(3)) + math.Log1p(math.Exp(-2))) / 4
		if got.Accuracy != 0.75 || got.Samples != 4 || math.Abs(got.Loss-want) > 1e-6 {
			t.Errorf("got %+v, want the loss %v", got, want)
		}
	})
	t.Run("predict", func(t *testing.T) {
		want := plain + "\t0\t0\t0.7311\n" + plain + "\t1\t1\t0.7311\n" // 1/(1+exp(-1))
		if got := must(t, "predict", file, plain); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("graph", func(t *testing.T) {
		if must(t, "graph", file, "--json", "--input", plain) != must(t, "graph", file, "--json", "--input", "1") {
			t.Error("a number and the same in a file differ")
		}
	})
	t.Run("standard input", func(t *testing.T) {
		readFrom(t, labelled)
		if got := must(t, "eval", file, "--data", "-"); !strings.HasPrefix(got, "accuracy 0.7500, ") {
			t.Errorf("eval: %s", got)
		}
		readFrom(t, plain)
		if got := must(t, "predict", file, "-"); !strings.HasPrefix(got, "standard input\t0\t0\t0.7311\n") {
			t.Errorf("predict: %s", got)
		}
		readFrom(t, plain)
		if got := must(t, "graph", file, "--json", "--input", "-"); got != must(t, "graph", file, "--json", "--input", "1") {
			t.Errorf("graph: %s", got)
		}
		readFrom(t, plain)
		if code, _, stderr := call(t, "graph", file, "--input", "-", "--out", plain, "--format", "svg"); code != exitUsage || !strings.Contains(stderr, "is the input standard input") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
	t.Run("a loss that is not finite", func(t *testing.T) {
		code, stdout, stderr := call(t, "eval", thresholds(t, float32(math.NaN())), "--data", labelled)
		if code != exitFailure || !strings.HasPrefix(stdout, "accuracy ") || !strings.Contains(stderr, "the loss is NaN") {
			t.Errorf("exit code %d: %s%s", code, stdout, stderr)
		}
	})
}

// TestRandomSamples: the same seed, the same samples.
func TestRandomSamples(t *testing.T) {
	c, err := loadClassifier(t.Context(), small(t))
	if err != nil {
		t.Fatal(err)
	}
	one, two, other := randomSamples[float64](c, 5, 1), randomSamples[float64](c, 5, 1), randomSamples[float64](c, 5, 2)
	if fmt.Sprint(one.X.Shape) != "[5 4]" || len(one.T) != 5 {
		t.Errorf("shape %v, %d labels", one.X.Shape, len(one.T))
	}
	if fmt.Sprint(one.X.Data, one.T) != fmt.Sprint(two.X.Data, two.T) {
		t.Error("the same seed gives other samples")
	}
	if fmt.Sprint(one.X.Data) == fmt.Sprint(other.X.Data) {
		t.Error("another seed gives the same samples")
	}
}

// readFrom makes a file the standard input until the test ends.
func readFrom(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = f
	t.Cleanup(func() { os.Stdin = before; f.Close() })
}
