//go:build linux || darwin

package inputfile

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPipeWithoutWriter(t *testing.T) {
	path := fifo(t)
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := Open(ctx, path); err != context.Canceled {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	// Whoever comes later finds the pipe without a reader left behind; to write
	// waits for the one that still opens, and lets it go.
	if w, err := os.OpenFile(path, os.O_RDWR, 0); err != nil {
		t.Error(err)
	} else {
		w.Close()
	}
}

func TestPipeThatSaysNothing(t *testing.T) {
	path := fifo(t)
	w, err := os.OpenFile(path, os.O_RDWR, 0) // which does not wait
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	f, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w.WriteString("x")
	var b [1]byte
	if n, err := f.Read(b[:]); n != 1 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	go cancel()
	if _, err := f.Read(b[:]); err != context.Canceled {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
