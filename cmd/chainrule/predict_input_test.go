package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// smallModel saves a network of 4 inputs and 3 classes.
func smallModel(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "small.safetensors")
	net := nn.NewSequential[float32](nn.NewAffine[float32](4, 3, train.Random(1, "weights")))
	if err := model.Save(file, net, 4); err != nil {
		t.Fatal(err)
	}
	return file
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// zipped writes a gzip file of an IDX header and n zeros.
func zipped(t *testing.T, n int64, shape ...int) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	header := []byte{0, 0, 8, byte(len(shape))}
	for _, d := range shape {
		header = append(header, byte(d>>24), byte(d>>16), byte(d>>8), byte(d))
	}
	z.Write(header)
	io.CopyN(z, zeros{}, n)
	z.Close()
	return write(t, "images.gz", b.Bytes())
}

func TestPredictInput(t *testing.T) {
	file, dir := smallModel(t), t.TempDir()
	var good bytes.Buffer
	if _, err := (&data.IDX{Shape: []int{2, 2, 2}, Data: make([]byte, 8)}).WriteTo(&good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, input, says string
	}{
		{"no images", idxFile(t, 0, 2, 2), "holds no images; name a file that has some"},
		{"labels", idxFile(t, 3), "holds single numbers (labels?)"},
		{"another shape", idxFile(t, 3, 5), "holds samples of (5), and the model takes (4)"},
		{"cut off", write(t, "cut", good.Bytes()[:good.Len()-1]), "byte 23: want 8 elements of shape (2, 2, 2), got the end of the file"},
		{"empty", write(t, "empty", nil), "is empty"},
		{"a folder", dir, "the folder " + dir + " has no pictures; want PNG, JPEG or GIF files in it"},
		{"no file", dir + "/none", "there is no file " + dir + "/none; check its name"},
		{"no name", "", "a file without a name cannot be read; name one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := call(t, "predict", file, tt.input)
			if code != exitFailure || stdout != "" || !strings.Contains(stderr, tt.says) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", code, exitFailure, tt.says, stdout, stderr)
			}
		})
	}
}

// What is unpacked of a file depends on what the model takes, not on the file.
func TestPredictBomb(t *testing.T) {
	file := smallModel(t)
	for _, tt := range []struct {
		name, input string
		code, lines int
	}{
		{"another shape", zipped(t, 1<<28, 1<<28/64, 64), exitFailure, 0},
		{"more than its shape", zipped(t, 1<<28, 2500, 4), exitFailure, 2400},
		{"images at a time", zipped(t, 4*20_000, 20_000, 2, 2), exitOK, 20_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			code, stdout, stderr := call(t, "predict", file, tt.input)
			runtime.ReadMemStats(&after)
			if code != tt.code || strings.Count(stdout, "\n") != tt.lines {
				t.Errorf("exit code %d and %d lines, want %d and %d\n%s", code, strings.Count(stdout, "\n"), tt.code, tt.lines, stderr)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 48<<20 {
				t.Errorf("%d MB of memory were taken", got>>20)
			}
		})
	}
}
