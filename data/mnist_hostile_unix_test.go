//go:build linux || darwin

package data

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Whatever is in the cache under the name of a file is replaced; where a link
// leads is left alone, and nobody waits for a pipe.
func TestMNISTHostileCache(t *testing.T) {
	f := newFake()
	url, _ := serve(t, f.mirror())
	const name = "train-labels-idx1-ubyte"
	for _, tt := range []struct {
		name string
		put  func(path, other string) error
	}{
		{"link to a file", func(path, other string) error { return os.Symlink(other, path) }},
		{"dangling link", func(path, other string) error { return os.Symlink(filepath.Join(filepath.Dir(other), "new"), path) }},
		{"loop", func(path, _ string) error { return os.Symlink(path, path) }},
		{"link to a device", func(path, _ string) error { return os.Symlink("/dev/zero", path) }},
		{"pipe", func(path, _ string) error { return syscall.Mkfifo(path, 0o600) }},
		{"write-protected", func(path, _ string) error { return os.WriteFile(path, []byte("old"), 0o400) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, log := f.source(t)
			src.Mirrors = []string{url}
			f.fill(t, src.Cache, plain)
			path, other := filepath.Join(src.Cache, name), filepath.Join(t.TempDir(), "precious")
			if err := errors.Join(os.WriteFile(other, []byte("precious"), 0o644), os.Remove(path), tt.put(path, other)); err != nil {
				t.Fatal(err)
			}
			f.loads(t, src)
			f.cached(t, src.Cache)
			says(t, log.String(), "skipped the cache", path)
			if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
				t.Errorf("it is still no regular file: %v, %v", info, err)
			}
			if got, err := os.ReadFile(other); err != nil || string(got) != "precious" {
				t.Errorf("the other file holds %q, %v", got, err)
			}
			if entries, err := os.ReadDir(filepath.Dir(other)); err != nil || len(entries) != 1 {
				t.Errorf("there are other files: %v, %v", entries, err)
			}
		})
	}
}

// A link to the right data is not followed either, but replaced by them.
func TestMNISTCacheOfLinks(t *testing.T) {
	f := newFake()
	url, asked := serve(t, f.mirror())
	src, _ := f.source(t)
	src.Mirrors = []string{url}
	real := f.fill(t, t.TempDir(), plain)
	if err := os.MkdirAll(src.Cache, 0o755); err != nil {
		t.Fatal(err)
	}
	for name := range f.content {
		if err := os.Symlink(filepath.Join(real, name), filepath.Join(src.Cache, name)); err != nil {
			t.Fatal(err)
		}
	}
	f.loads(t, src)
	f.cached(t, src.Cache)
	if asked() != 4 {
		t.Errorf("the mirror was asked for %d files, want 4", asked())
	}
	// With Dir the user names the links.
	for name := range f.content {
		os.Remove(filepath.Join(src.Cache, name))
		if err := os.Symlink(filepath.Join(real, name), filepath.Join(src.Cache, name)); err != nil {
			t.Fatal(err)
		}
	}
	src.Dir = src.Cache
	f.loads(t, src)
}

// A folder in the way stays, and is said to be in the way.
func TestMNISTFolderInCache(t *testing.T) {
	f := newFake()
	url, _ := serve(t, f.mirror())
	src, log := f.source(t)
	src.Mirrors = []string{url}
	path := filepath.Join(src.Cache, f.of.files[0].name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	f.loads(t, src)
	says(t, log.String(), "not saved in the cache: writing "+path+": it is a folder; remove it")
}

// What a killed program left in the cache is removed by the next that writes there.
func TestMNISTLeftoverInCache(t *testing.T) {
	f := newFake()
	url, _ := serve(t, f.mirror())
	src, _ := f.source(t)
	src.Mirrors = []string{url}
	if err := os.MkdirAll(src.Cache, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(src.Cache, ".chainrule-0123456789abcdef.tmp"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.loads(t, src)
	f.cached(t, src.Cache) // exactly
}

// A pipe that takes the place of a file between looking and opening does not keep
// the program from ending.
func TestOpenPipeHeedsContext(t *testing.T) {
	f := newFake()
	dir := t.TempDir()
	path := filepath.Join(dir, f.of.files[0].name)
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	open := openIn(dir, asKept, func(string) (os.FileInfo, error) {
		go cancel() // while it is being opened, or before
		return info, nil
	})
	if _, _, err := open(ctx, f.of.files[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestMNISTNoTemporaryFolder(t *testing.T) {
	f := newFake()
	src, _ := f.source(t)
	src.Go = fakeGo(t)
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("TMPDIR", none)
	err := fails(t, src).Error()
	says(t, err, "the Go module "+collections[0].module+" could not be fetched: no temporary folder can be made in "+none, "TMPDIR")
	if strings.Contains(err, collections[0].module+" lacks") {
		t.Errorf("the module is said to lack files:\n%s", err)
	}
}

// What cannot be looked at is not missing.
func TestMNISTDirOfLoops(t *testing.T) {
	f := newFake()
	src, _ := f.source(t)
	src.Dir = f.fill(t, t.TempDir(), plain)
	path := filepath.Join(src.Dir, f.of.files[0].name)
	if err := errors.Join(os.Remove(path), os.Symlink(path, path)); err != nil {
		t.Fatal(err)
	}
	err := fails(t, src).Error()
	says(t, err, "could not be read: ", path)
	if strings.Contains(err, "lacks") {
		t.Errorf("it is said to be missing: %s", err)
	}
}

// A file that is not the one that was looked at is not read.
func TestOpenReplaced(t *testing.T) {
	f := newFake()
	dir := f.fill(t, t.TempDir(), plain)
	open := openIn(dir, asKept, func(string) (os.FileInfo, error) {
		return os.Stat(filepath.Join(dir, f.of.files[1].name))
	})
	if _, _, err := open(t.Context(), f.of.files[0]); err == nil || !strings.Contains(err.Error(), "was replaced") {
		t.Errorf("error %v", err)
	}
}
