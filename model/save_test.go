package model

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// swish is a layer the format does not know.
type swish struct{ nn.ReLU[float32] }

func TestSaveErrors(t *testing.T) {
	affine := func(in, out int) *nn.Affine[float32] { return nn.NewAffine[float32](in, out, random()) }
	named := func(name string) *nn.Sequential[float32] {
		net := nn.NewSequential[float32](affine(3, 4))
		net.Layers()[0].Name = name // NewNamed would refuse it
		return net
	}
	of := nn.NewSequential[float32]
	deep := of()
	for range maxDepth + 1 {
		deep = of(deep)
	}
	bent := affine(3, 4)
	bent.B.Value.Shape = []int{5}
	same := affine(3, 3)
	var long []nn.Named[float32]
	for i := range 9000 {
		long = append(long, nn.Named[float32]{Name: fmt.Sprintf("%0250d", i), Layer: nn.NewReLU[float32]()})
	}
	values := newEvery()
	values.shape = slices.Repeat([]int{1}, 100_000)
	w := &nn.Param[float32]{Name: "W", Value: same.W.Value, Grad: tensor.New[float32](3, 3)}
	for _, tt := range []struct {
		name  string
		net   *nn.Sequential[float32]
		input []int
		says  string
	}{
		{"unknown layer", of(affine(3, 4), &swish{}), []int{3}, `layer "swish1": want one of the kinds Affine, ReLU, `},
		{"unknown layer in a block", of(of(&swish{})), []int{3}, `layer "Sequential1.swish1": want one of`},
		{"layers that do not fit", of(affine(3, 4), nn.NewReLU[float32](), affine(5, 2)), []int{3}, `layer "Affine2": it does not fit`},
		{"layers in a block that do not fit", of(affine(3, 4), of(affine(5, 2))), []int{3}, `layer "Sequential1.Affine1": it does not fit`},
		{"other samples", of(affine(3, 4)), []int{4}, `layer "Affine1": it does not fit`},
		{"no shape", of(affine(3, 4)), nil, "input: want the shape of one sample"},
		{"no elements", of(affine(3, 4)), []int{3, 0}, "input: want lengths of 1 or more, got 0"},
		{"negative", of(affine(3, 4)), []int{-3}, "input: want lengths of 1 or more, got -3"},
		{"huge", of(), []int{1 << 20, 1 << 20}, "input: want the shape of one sample"},
		{"dot", named("a.b"), []int{3}, `layers: the name of layer 0: want a name without a dot`},
		{"long names", nn.NewNamed(long...), []int{3}, "bytes, over the limit of 2097152; use fewer layers or shorter names"},
		{"many values", of(values), []int{3}, "layers: want at most 100000 values"},
		{"no UTF-8", named("a\xff"), []int{3}, `the name of layer 0: want a name in UTF-8 without control characters, got "a\xff"`},
		{"control characters", named("a\x1b[31m"), []int{3}, `without control characters, got "a\x1b[31m"`},
		{"too deep", deep, []int{3}, "want layers nested at most 32 deep"},
		{"shape changed", of(bent), []int{3}, `layer "Affine1": b: want (4), got 4 elements of shape (5)`},
		{"shared memory", of(same, nn.AffineOf(w, nn.NewParam[float32]("b", 3))), []int{3}, `layer "Affine2": W: it is another parameter than Affine1.W but uses the same memory`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "net.safetensors")
			if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
				t.Fatal(err)
			}
			err := Save(path, tt.net, tt.input...)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("got error %v, want %s: %s", err, path, tt.says)
			}
			if now, _ := os.ReadFile(path); string(now) != "before" {
				t.Errorf("the file holds %q now", now)
			}
			var b bytes.Buffer
			if err := Write(&b, tt.net, tt.input...); err == nil || b.Len() > 0 {
				t.Errorf("Write: %v after %d bytes", err, b.Len())
			}
		})
	}
	_, err := Read[float32](iotest.ErrReader(io.ErrClosedPipe), "pipe")
	if !errors.Is(err, io.ErrClosedPipe) || !strings.Contains(err.Error(), "pipe") {
		t.Errorf("a broken reader gives %v", err)
	}
}

// A writer that breaks anywhere breaks Write, a reader that does breaks Read.
func TestBroken(t *testing.T) {
	net := everyKind[float32]()
	file := mustWrite(t, net, 3)
	for n := range file {
		r := io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(io.ErrClosedPipe))
		if _, err := Read[float32](r, "pipe"); !errors.Is(err, io.ErrClosedPipe) {
			t.Fatalf("a reader that breaks after %d bytes: %v", n, err)
		}
		if err := Write(&shortWriter{n}, net, 3); !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("a writer that breaks after %d bytes: %v", n, err)
		}
	}
}

type shortWriter struct{ left int }

func (w *shortWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load[float32](dir); err == nil || !strings.Contains(err.Error(), dir+" is a folder") {
		t.Errorf("a folder gives %v", err)
	}
	none := filepath.Join(dir, "none")
	if _, err := Load[float32](none); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), none) {
		t.Errorf("no file gives %v", err)
	}
}
