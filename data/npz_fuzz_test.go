package data

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzNPZ: no file does harm, and samples have their targets.
func FuzzNPZ(f *testing.F) {
	x, classes := npyOf("<f4", "(4, 2)", []float32{1, 10, 3, 10, 1, 10, 3, 10}), npyOf("<i8", "(4,)", []int64{0, 1, 0, 1})
	for _, arrays := range [][]any{
		{"x.npy", x, "y.npy", classes},
		{"x.npy", x, "y.npy", x},
		{"x_train.npy", x, "y_train.npy", classes, "x_test.npy", x, "y_test.npy", classes},
		{"x.npy", x, "y.npy", npyOf("<i8", "(3,)", []int64{0, 1, -1})},
		{"a.npy", x, "b", classes},
	} {
		file, err := os.ReadFile(npzFile(f, arrays...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	path := filepath.Join(f.TempDir(), "a.npz")
	f.Fuzz(func(t *testing.T, file []byte) {
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		p, err := Load[float32](t.Context(), path, Options{Test: 0.2})
		if err != nil {
			return
		}
		set, ok := p.Train.(Set[float32])
		if !ok { // the file is no npz file any more, but a table
			return
		}
		size := 1
		for _, d := range set.SampleShape() {
			size *= d
		}
		if len(set.X.Data) != set.Len()*size || set.Values == nil && len(set.T) != set.Len() {
			t.Errorf("%d samples of %d numbers have %d numbers and %d labels", set.Len(), size, len(set.X.Data), len(set.T))
		}
	})
}
