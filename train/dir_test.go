package train

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFiles: every file that is in the directory of a run, and those that will be.
func TestFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run[1]")
	d, err := CreateDir(path, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, step := range []int{10, 20} {
		if err := os.WriteFile(d.checkpoint(step).path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	files := Files(path)
	filepath.WalkDir(path, func(file string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() && !slices.Contains(files, file) {
			t.Errorf("Files lacks %s: %v", file, err)
		}
		return nil
	})
	if want := d.File(ModelFile); !slices.Contains(files, want) {
		t.Errorf("Files lacks %s, which will be there", want)
	}
	if none := Files(t.TempDir()); len(none) != len(files)-2 {
		t.Errorf("without checkpoints there are %d files, want %d", len(none), len(files)-2)
	}
}

// TestConfigText: as it was written, and no more than a configuration may have.
func TestConfigText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	d, err := CreateDir(path, map[string]int{"seed": 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if text, err := ConfigText(path); err != nil || string(text) != "{\n  \"seed\": 1\n}\n" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.Truncate(d.File(ConfigFile), maxConfig+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ConfigText(path); err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes") {
		t.Errorf("of a long one: %v", err)
	}
}
