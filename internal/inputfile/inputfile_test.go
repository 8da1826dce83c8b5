package inputfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != "content" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has other names for what is wrong")
	}
	dir := t.TempDir()
	file, loop, none := filepath.Join(dir, "file"), filepath.Join(dir, "loop"), filepath.Join(dir, "none")
	if err := errors.Join(os.WriteFile(file, nil, 0o644), os.Symlink("loop", loop)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, want string
		is               error
	}{
		{"no name", "", "a file without a name cannot be read; name one", fs.ErrNotExist},
		{"no file", none, "there is no file " + none + "; check its name", fs.ErrNotExist},
		{"in a file", file + "/f", "there is no file " + file + "/f, since a part of it is a file, not a folder; check its name", nil},
		{"a folder", dir, dir + " is a folder; name a file in it", nil},
		{"a loop", loop, loop + " cannot be read: its symbolic links lead in a circle; remove the link or name another file", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(t.Context(), tt.path)
			if err == nil || err.Error() != tt.want {
				t.Fatalf("error %v\nwant  %s", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("it is no %v", tt.is)
			}
		})
	}
}
