//go:build linux || darwin

package data

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipeInFolder: nobody waits for a pipe that has the name of a picture.
func TestPipeInFolder(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "cats", "x.png")
	if err := errors.Join(os.Mkdir(filepath.Dir(pipe), 0o755), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := DescribeFolder(t.Context(), dir); err == nil || !strings.Contains(err.Error(), pipe+" is neither a file nor a link; remove it") {
		t.Errorf("the error is %v", err)
	}
}
