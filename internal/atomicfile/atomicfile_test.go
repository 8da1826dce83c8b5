package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// want fails unless the folder holds exactly these files: a temporary that was
// left behind shows here.
func want(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, ok := files[e.Name()]
		if !ok {
			t.Errorf("%s was left in the folder", e.Name())
			continue
		}
		got, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Error(err)
		}
		if string(got) != content {
			t.Errorf("%s holds %q, want %q", e.Name(), got, content)
		}
	}
	if len(entries) < len(files) {
		t.Errorf("the folder holds %d entries, want %d", len(entries), len(files))
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	big := strings.Repeat("0123456789", 50_000) // more than the buffer
	for _, content := range []string{"first", big, "", "last"} {
		if err := Write(path, text(content)); err != nil {
			t.Fatal(err)
		}
		want(t, dir, map[string]string{"f": content})
	}
}

func TestWriteInCurrentFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := Write("f", text("new")); err != nil {
		t.Fatal(err)
	}
	want(t, dir, map[string]string{"f": "new"})
}

func TestFailureKeepsTheOld(t *testing.T) {
	broken := errors.New("broken")
	half := func(w io.Writer) error { // more than the buffer, so that some of it reached the disk
		io.WriteString(w, strings.Repeat("new", 50_000))
		return broken
	}
	for _, old := range []map[string]string{{}, {"f": "old"}} {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		if content, ok := old["f"]; ok {
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		err := Write(path, half)
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), path) {
			t.Errorf("got error %v, want one that wraps %q and names %s", err, broken, path)
		}
		want(t, dir, old)

		func() {
			defer func() {
				if got := recover(); got != "panic" {
					t.Errorf("recovered %v, want the panic of write", got)
				}
			}()
			Write(path, func(w io.Writer) error { half(w); panic("panic") })
		}()
		want(t, dir, old)
	}
}

func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits but write-protection")
	}
	dir := t.TempDir()
	reference, err := os.Create(filepath.Join(dir, "reference"))
	if err != nil {
		t.Fatal(err)
	}
	defer reference.Close()
	info, err := reference.Stat()
	if err != nil {
		t.Fatal(err)
	}
	mode := func(path string) fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}

	fresh := filepath.Join(dir, "fresh")
	if err := Write(fresh, text("new")); err != nil {
		t.Fatal(err)
	}
	if got := mode(fresh); got != info.Mode().Perm() {
		t.Errorf("a new file has mode %v, want %v as from os.Create", got, info.Mode().Perm())
	}
	for _, m := range []fs.FileMode{0o600, 0o640, 0o755, 0o666} {
		if err := os.Chmod(fresh, m); err != nil {
			t.Fatal(err)
		}
		if err := Write(fresh, text("newer")); err != nil {
			t.Fatal(err)
		}
		if got := mode(fresh); got != m {
			t.Errorf("a replaced file has mode %v, had %v", got, m)
		}
	}
}

func TestWriteProtected(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, text("new")); err == nil || !strings.Contains(err.Error(), "write-protected") {
		t.Errorf("got error %v, want one about write-protection", err)
	}
	want(t, dir, map[string]string{"f": "old"})
}

func TestSymlinks(t *testing.T) {
	dir := t.TempDir()
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "deep", "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	link(filepath.Join("deep", "real"), "folder")
	link("one", "two")
	link(filepath.Join(dir, "three"), "one")
	link("folder"+string(filepath.Separator)+".."+string(filepath.Separator)+"up", "tricky") // deep/up, not up
	link("loop", "loop")

	for _, tt := range []struct{ path, lands string }{
		{"two", "three"},      // a chain whose end does not exist yet
		{"two", "three"},      // and now it does
		{"tricky", "deep/up"}, // through a folder that is a link
		{"folder/file", "deep/real/file"},
	} {
		content := tt.path + t.Name()
		if err := Write(filepath.Join(dir, tt.path), text(content)); err != nil {
			t.Error(err)
			continue
		}
		info, err := os.Lstat(filepath.Join(dir, tt.lands))
		if err != nil {
			t.Error(err)
			continue
		}
		if !info.Mode().IsRegular() {
			t.Errorf("%s is not a file", tt.lands)
		}
		if got, _ := os.ReadFile(filepath.Join(dir, tt.lands)); string(got) != content {
			t.Errorf("Write(%s): %s holds %q", tt.path, tt.lands, got)
		}
		if info, err := os.Lstat(filepath.Join(dir, "two")); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("the link itself was replaced: %v, %v", info, err)
		}
	}
	if err := Write(filepath.Join(dir, "loop"), text("")); err == nil {
		t.Error("a link to itself was written to")
	}
}

func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, text("x")); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "folder") {
		t.Errorf("got error %v, want one that says %s is a folder", err, dir)
	}
	if err := Write(filepath.Join(dir, "none", "f"), text("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got error %v, want that the folder does not exist", err)
	}
	want(t, dir, nil)

	if err := Write(os.DevNull, text("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s has become a file", os.DevNull)
	}
}

// Writable foresees what Write would say, and leaves nothing behind.
func TestWritable(t *testing.T) {
	dir := t.TempDir()
	protected := filepath.Join(dir, "protected")
	if err := os.WriteFile(protected, []byte("old"), 0o400); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "none", "f"), protected, filepath.Join(dir, "new"), os.DevNull} {
		foreseen := Writable(path)
		if path != os.DevNull {
			want(t, dir, map[string]string{"protected": "old"})
		}
		err := Write(path, text("x"))
		if (err == nil) != (foreseen == nil) || err != nil && err.Error() != foreseen.Error() {
			// The name of a temporary may differ, and no message here has one.
			t.Errorf("Writable(%s) is %v, Write says %v", path, foreseen, err)
		}
	}
}

// A pipe's entry in /dev/fd is a symbolic link whose text names no file.
func TestPipe(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("/proc/self/fd is Linux's")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := "/proc/self/fd/" + strconv.Itoa(int(w.Fd()))
	if err := Write(path, text("through")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "through" {
		t.Errorf("the pipe gave %q, %v", got, err)
	}
}
