package train_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chainrule-go/chainrule/train"
)

// disk mounts a file system of so many bytes, in memory. The test is skipped where that is
// not permitted.
func disk(t *testing.T, bytes int) (path string) {
	t.Helper()
	path = t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("mounting a small file system, which root may: %v", err)
		}
		t.Skipf("mounting a small file system, which root may: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(path, syscall.MNT_DETACH) })
	return path
}

// onDisk runs, or goes on with, the run at path, and calls after after each step.
func onDisk(t *testing.T, path string, after func(step int)) error {
	t.Helper()
	dir, err := train.OpenDir(path, everything)
	if err != nil {
		return err
	}
	defer dir.Close()
	cfg, _ := runConfig(t, everything, dir)
	cfg.OnStep = func(step int, _ float64) error { after(step); return nil }
	_, err = train.Run(t.Context(), cfg)
	return err
}

// TestFullDisk: a run on a disk that is full, from the beginning or after some steps, ends
// with an error that names the file. What was saved is whole, and with room again the run
// ends with the bits of one that always had it.
func TestFullDisk(t *testing.T) {
	want := uninterrupted(t, everything)
	for full := range 8 {
		t.Run(fmt.Sprintf("after step %d", full), func(t *testing.T) {
			mount := disk(t, 2<<20)
			path, ballast := filepath.Join(mount, "run"), filepath.Join(mount, "ballast")
			fill := func(step int) {
				if step == full {
					err := os.WriteFile(ballast, make([]byte, 4<<20), 0o666)
					if !errors.Is(err, syscall.ENOSPC) {
						t.Fatalf("the disk is not full: %v", err)
					}
				}
			}
			fill(0)
			err := onDisk(t, path, fill)
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
				t.Fatalf("the run ends with %v, want an error that names the file", err)
			}
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			if err := onDisk(t, path, func(int) {}); err != nil {
				t.Fatalf("with room again: %v", err)
			}
			if damaged, _ := filepath.Glob(filepath.Join(path, "checkpoints", "*.damaged")); damaged != nil {
				t.Errorf("these checkpoints were not whole: %v", damaged)
			}
			if left, _ := filepath.Glob(filepath.Join(path, "*", "*.tmp")); left != nil {
				t.Errorf("these files are left: %v", left)
			}
			checkSame(t, path, want)
		})
	}
}

// TestReadOnlyDisk: no run begins or goes on there, and the error says why. What is there
// stays.
func TestReadOnlyDisk(t *testing.T) {
	mount := disk(t, 2<<20)
	path := filepath.Join(mount, "run")
	goOn(t, path, everything, 6)
	if err := syscall.Mount("", mount, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a new run": filepath.Join(mount, "new"), "one to go on with": path} {
		t.Run(name, func(t *testing.T) {
			err := onDisk(t, path, func(step int) { t.Errorf("step %d", step) })
			if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), path) {
				t.Errorf("it ends with %v, want an error that names the folder", err)
			}
		})
	}
	if err := syscall.Mount("", mount, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	goOn(t, path, everything, 0)
	checkSame(t, path, uninterrupted(t, everything))
}

// TestUnmountedDisk: the run ends with an error that says which folder is missing, and is
// whole on the disk.
func TestUnmountedDisk(t *testing.T) {
	mount := disk(t, 2<<20)
	elsewhere := t.TempDir()
	path := filepath.Join(mount, "run")
	err := onDisk(t, path, func(step int) {
		if step == 6 {
			if err := errors.Join(
				syscall.Mount(mount, elsewhere, "", syscall.MS_BIND, ""),
				syscall.Unmount(mount, syscall.MNT_DETACH),
			); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { syscall.Unmount(elsewhere, syscall.MNT_DETACH) })
		}
	})
	if !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), path) {
		t.Errorf("the run ends with %v, want an error that names the folder", err)
	}
	moved := filepath.Join(elsewhere, "run")
	goOn(t, moved, everything, 0)
	checkSame(t, moved, uninterrupted(t, everything))
}
