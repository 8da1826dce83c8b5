package tensorboard

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestGolden compares with the bytes that TensorBoard's own code writes, by
// testdata/write.py.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/golden.tfevents")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	w := &Writer{Now: func() time.Time { return time.Unix(1700000000, 250e6) }, w: &got}
	for _, err := range []error{
		w.begin(3),
		w.Write(3, Scalar("loss/training", 0.75), Scalar("정확도", math.NaN())),
		w.Write(300000, Histogram("W", []float64{-32, 0, math.Inf(1), -32, 32, math.NaN()})),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%d bytes differ from the %d of TensorBoard", got.Len(), len(want))
	}
}

func TestHistogram(t *testing.T) {
	all := func(h histogram) (sum float64) {
		for _, n := range h.counts {
			sum += n
		}
		return sum
	}
	for _, test := range []struct {
		name     string
		values   []float64
		n        float64
		min, max float64
		buckets  int
	}{
		{"none", nil, 0, 0, 0, 1},
		{"none that is finite", []float64{math.NaN(), math.Inf(1)}, 0, 0, 0, 1},
		{"all equal", []float64{2, 2, 2}, 3, 2, 2, 1},
		{"the least number", []float64{0, 5e-324}, 2, 0, 5e-324, 1},
		{"the largest numbers", []float64{-math.MaxFloat64, 0, math.MaxFloat64}, 3, -math.MaxFloat64, math.MaxFloat64, 64},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := count(test.values)
			if h.n != test.n || all(h) != test.n || h.min != test.min || h.max != test.max || len(h.limits) != test.buckets || len(h.counts) != test.buckets {
				t.Errorf("got %+v", h)
			}
			if !slices.IsSorted(h.limits) {
				t.Errorf("the limits %v are not in order", h.limits)
			}
		})
	}
}

func TestWriteRefusesANegativeStep(t *testing.T) {
	w, err := NewWriter(new(bytes.Buffer), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(-1); err == nil {
		t.Error("no error for step -1")
	}
}

// full is a writer to a full disk.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	if _, err := NewWriter(full{}, 1); !errors.Is(err, errFull) {
		t.Errorf("got %v, want %v", err, errFull)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file, 1); err == nil {
		t.Error("no error for a folder that is a file")
	}
}

// TestTensorBoardReads writes a run that goes on from its step 2, and a record that is cut
// off, and asks TensorBoard what it reads.
func TestTensorBoardReads(t *testing.T) {
	missing := t.Skipf
	if os.Getenv("CI") != "" {
		missing = t.Fatalf
	}
	const how = "make one (python3 -m venv venv && venv/bin/pip install tensorboard) and set CHAINRULE_PYTHON=$PWD/venv/bin/python"
	path := os.Getenv("CHAINRULE_PYTHON")
	if path == "" {
		missing("no Python with TensorBoard; %s", how)
	}
	if out, err := exec.Command(path, "-c", "import tensorboard").CombinedOutput(); err != nil {
		missing("%s cannot be used (%v); %s\n%s", path, err, how, out)
	}
	dir := t.TempDir()
	for _, first := range []int{1, 3} {
		w, err := Create(dir, first)
		if err != nil {
			t.Fatal(err)
		}
		for step := first; step < first+4; step++ {
			if err := w.Write(step, Scalar("loss", float64(step)/float64(first)), Histogram("W", []float32{-1, float32(step)})); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*tfevents*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v; want two files", files, err)
	}
	f, err := os.OpenFile(files[1], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte{50, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	cmd := exec.Command(path, "testdata/read.py", dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var got struct {
		Scalars, Histograms map[string][][]float64
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	third := func(n float64) float64 { return float64(float32(n / 3)) }
	if want := [][]float64{{1, 1}, {2, 2}, {3, 1}, {4, third(4)}, {5, third(5)}, {6, 2}}; !reflect.DeepEqual(got.Scalars["loss"], want) {
		t.Errorf("loss %v, want %v", got.Scalars["loss"], want)
	}
	if len(got.Histograms["W"]) != 6 || !reflect.DeepEqual(got.Histograms["W"][5], []float64{6, -1, 6, 2, 2, 64}) {
		t.Errorf("histograms %v, want 6, the last of 2 numbers from -1 to 6", got.Histograms["W"])
	}
}
