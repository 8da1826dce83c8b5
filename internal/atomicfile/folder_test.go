package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// temporaryFolders lets os.TempDir be a fresh folder.
func temporaryFolders(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	if os.TempDir() != dir {
		t.Skip("the folder for temporary files cannot be chosen here")
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestFolder(t *testing.T) {
	dir := temporaryFolders(t)
	path, remove, err := Folder("test-")
	if err != nil || filepath.Dir(path) != dir {
		t.Fatalf("%s, %v", path, err)
	}
	if err := os.WriteFile(filepath.Join(path, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Another call leaves it alone while it is in use.
	_, removeOther, err := Folder("test-")
	if err != nil || !exists(filepath.Join(path, "file")) {
		t.Fatalf("a folder in use was removed, or %v", err)
	}
	removeOther()
	remove()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What a killed program left is removed, and nothing else.
func TestFolderLeftover(t *testing.T) {
	dir := temporaryFolders(t)
	old := time.Now().Add(-48 * time.Hour) // where there are no locks, age decides
	make := func(name string) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "go.mod"), nil, 0o600), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	left, other, longer := make("test-123456"), make("other-123456"), make("test-123456x")
	link := filepath.Join(dir, "test-99")
	if err := os.Symlink(other, link); err != nil && runtime.GOOS == "windows" {
		t.Skip("links need a permission here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	_, remove, err := Folder("test-")
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if exists(left) {
		t.Error("a folder whose program is gone stays")
	}
	for _, path := range []string{other, longer, link, filepath.Join(other, "go.mod")} {
		if !exists(path) {
			t.Errorf("%s was removed", path)
		}
	}
}
