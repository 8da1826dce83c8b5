package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
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
}

// broken are targets that cannot be written to: path, and what the error says
// beside it. Those that only some systems have are left out where they are not.
func broken(t *testing.T, dir string) []brokenTarget {
	t.Helper()
	in := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(in("protected"), []byte("old"), 0o400))
	must(os.Mkdir(in("folder"), 0o755))
	list := []brokenTarget{
		{"no name", "", "it has no name; name a file", nil},
		{"a folder", in("folder"), "it is a folder; name a file in it", nil},
		{"in no folder", in("none/f"), "make the folder " + in("none") + string(filepath.Separator) + " first", fs.ErrNotExist},
		{"a folder to be", in("none") + string(filepath.Separator), "make the folder ", fs.ErrNotExist},
		{"write-protected", in("protected"), "it is write-protected; change its mode or name another file", nil},
	}
	if runtime.GOOS != "windows" {
		list = append(list, brokenTarget{"in a file", in("protected/f"), "name a file in a folder", syscall.ENOTDIR})
	}
	if os.Symlink("loop", in("loop")) == nil {
		must(os.Symlink(in("none/f"), in("dangling")))
		list = append(list,
			brokenTarget{"a loop", in("loop"), "lead in a circle; remove the link", nil},
			brokenTarget{"in a loop", in("loop/f"), "lead in a circle; remove the link", nil},
			brokenTarget{"a link into no folder", in("dangling"), "make the folder ", fs.ErrNotExist})
	}
	if runtime.GOOS == "linux" { // here not even root may make files
		list = append(list, brokenTarget{"in a folder without permission", "/sys/f", "may not be written in", fs.ErrPermission})
	}
	return list
}

type brokenTarget struct {
	name, path, says string
	is               error
}

// Writable foresees what Write says, and neither leaves anything behind.
func TestBrokenTargets(t *testing.T) {
	dir := t.TempDir()
	for _, target := range broken(t, dir) {
		t.Run(target.name, func(t *testing.T) {
			before, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			err = Write(target.path, text("x"))
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.HasPrefix(err.Error(), "writing "+target.path+": ") || !strings.Contains(err.Error(), target.says) {
				t.Errorf("error %q, want the path and %q", err, target.says)
			}
			if target.is != nil && !errors.Is(err, target.is) {
				t.Errorf("error %v is no %v", err, target.is)
			}
			if foreseen := Writable(target.path); foreseen == nil || foreseen.Error() != err.Error() {
				t.Errorf("Writable says %v, Write %v", foreseen, err)
			}
			after, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(after) != len(before) {
				t.Errorf("the folder holds %v, held %v", after, before)
			}
		})
	}
}

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "new"), os.DevNull} {
		if err := Writable(path); err != nil {
			t.Error(err)
		}
		want(t, dir, nil)
	}
}

func TestDevice(t *testing.T) {
	if err := Write(os.DevNull, text("x")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s has become a file", os.DevNull)
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, content := range []string{"first", "second"} {
		if err := Replace(path, text(content)); err != nil {
			t.Fatal(err)
		}
		want(t, dir, map[string]string{"f": content})
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := Replace(path, text("third")); err != nil && runtime.GOOS != "windows" {
		t.Error(err)
	}
	if err := Replace(dir, text("x")); err == nil || err.Error() != "writing "+dir+": it is a folder; remove it" {
		t.Errorf("a folder: error %v", err)
	}
}

// A link is replaced, and what it leads to is as before.
func TestReplaceLinks(t *testing.T) {
	for _, there := range []bool{true, false} {
		t.Run(fmt.Sprintf("target exists %v", there), func(t *testing.T) {
			dir, other := t.TempDir(), t.TempDir()
			precious := filepath.Join(other, "precious")
			if err := os.Symlink(precious, filepath.Join(dir, "f")); err != nil {
				t.Skip("no symbolic links here: ", err)
			}
			files := map[string]string{}
			if there {
				files["precious"] = "old"
				if err := os.WriteFile(precious, []byte("old"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := Replace(filepath.Join(dir, "f"), text("new")); err != nil {
				t.Fatal(err)
			}
			want(t, dir, map[string]string{"f": "new"})
			want(t, other, files)
			if info, err := os.Lstat(filepath.Join(dir, "f")); err != nil || !info.Mode().IsRegular() {
				t.Errorf("it is still no regular file: %v, %v", info, err)
			}
		})
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
