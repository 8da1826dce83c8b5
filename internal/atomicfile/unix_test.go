//go:build linux || darwin

package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestMain lets this program play the writer that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("ATOMICFILE_WRITE"); path != "" {
		err := Write(path, func(w io.Writer) error {
			io.WriteString(w, strings.Repeat("half of the new ", 10_000))
			fmt.Println("writing")
			// Not select {}: without other goroutines that is a deadlock, which ends the program.
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		})
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// startWriter starts a process that is in the middle of Write.
func startWriter(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "ATOMICFILE_WRITE="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // which stays open
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "writing\n" {
		t.Fatalf("the writer says %q, %v", line, err)
	}
	return cmd
}

func temporaries(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if temporaryName.MatchString(e.Name()) {
			n++
		}
	}
	return n
}

// What a killed writer leaves is removed by the next write in the folder, of
// another file too; what a living one writes is not.
func TestLeftovers(t *testing.T) {
	for name, write := range map[string]func(string, func(io.Writer) error) error{"Write": Write, "Replace": Replace} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			dead := startWriter(t, filepath.Join(dir, "dead"))
			startWriter(t, filepath.Join(dir, "alive"))
			if err := write(filepath.Join(dir, "f"), text("1")); err != nil {
				t.Fatal(err)
			}
			if n := temporaries(t, dir); n != 2 {
				t.Fatalf("two are being written and there are %d temporaries", n)
			}
			dead.Process.Kill()
			dead.Wait()
			if n := temporaries(t, dir); n != 2 {
				t.Fatalf("the killed writer's temporary is gone by itself: %d", n)
			}
			if err := write(filepath.Join(dir, "f"), text("2")); err != nil {
				t.Fatal(err)
			}
			if n := temporaries(t, dir); n != 1 {
				t.Errorf("one is being written and there are %d temporaries", n)
			}
		})
	}
}

// Only regular files of exactly our names are removed.
func TestSweepLeavesOthers(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	const ours = ".chainrule-0123456789abcdef.tmp"
	others := []string{"x" + ours, ours + "x", ".chainrule-0123456789abcdeg.tmp", ".chainrule-1.tmp"}
	for _, name := range append(others, ours) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link, pipe, folder := ".chainrule-1111111111111111.tmp", ".chainrule-2222222222222222.tmp", ".chainrule-3333333333333333.tmp"
	if err := errors.Join(os.Symlink(outside, filepath.Join(dir, link)), syscall.Mkfifo(filepath.Join(dir, pipe), 0o600), os.Mkdir(filepath.Join(dir, folder), 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(dir, "f"), text("x")); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(others, link, pipe, folder) {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, ours)); err == nil {
		t.Errorf("%s is still there", ours)
	}
	if got, err := os.ReadFile(outside); string(got) != "precious" {
		t.Errorf("%s holds %q, %v", outside, got, err)
	}
}

// Writers that sweep while others create, write and rename lose nothing.
func TestConcurrentWriters(t *testing.T) {
	dir := t.TempDir()
	const writers, rounds = 8, 100
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			path := filepath.Join(dir, fmt.Sprint(i%4)) // two to a file
			for r := range rounds {
				if err := Write(path, text(strings.Repeat("x", 1+r))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	want(t, dir, map[string]string{"0": strings.Repeat("x", rounds), "1": strings.Repeat("x", rounds), "2": strings.Repeat("x", rounds), "3": strings.Repeat("x", rounds)})
}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFIFOWithoutReader(t *testing.T) {
	path := fifo(t)
	const says = "it is a pipe that no program reads (no such device or address); start its reader first, or name a file"
	for name, err := range map[string]error{"Writable": Writable(path), "Write": Write(path, text("x"))} {
		if !errors.Is(err, errNoReader) || !strings.HasPrefix(err.Error(), "writing "+path+": it is a pipe that no program reads (") {
			t.Errorf("%s: error %v, want %s", name, err, says)
		}
	}
}

// The reader of a pipe gets what Write writes, and not an end before that.
func TestFIFOWithReader(t *testing.T) {
	for _, foreseen := range []bool{false, true} {
		t.Run(fmt.Sprintf("after Writable %v", foreseen), func(t *testing.T) {
			path := fifo(t)
			r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if foreseen {
				if err := Writable(path); err != nil {
					t.Fatal(err)
				}
				// The end of the pipe, which a reader would take for the end of what is written.
				var b [1]byte
				if err := syscallRead(r, b[:]); err != syscall.EAGAIN {
					t.Fatalf("reading after Writable gives %v, want %v", err, syscall.EAGAIN)
				}
			}
			content := strings.Repeat("0123456789", 50_000) // more than a pipe holds
			done := make(chan error, 1)
			go func() { done <- Write(path, text(content)) }()
			got := make([]byte, len(content))
			if _, err := io.ReadFull(&waiting{r, done}, got); err != nil || string(got) != content {
				t.Errorf("%v, or other content", err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if info, err := os.Lstat(path); err != nil || info.Mode().IsRegular() {
				t.Error("the pipe has become a file")
			}
		})
	}
}

// syscallRead reads without waiting.
func syscallRead(f *os.File, b []byte) (err error) {
	c, connErr := f.SyscallConn()
	if connErr != nil {
		return connErr
	}
	c.Control(func(fd uintptr) {
		var n int
		if n, err = syscall.Read(int(fd), b); n == 0 && err == nil {
			err = io.EOF
		}
	})
	return err
}

// waiting reads a pipe that may not have its writer yet, which reads as its end.
type waiting struct {
	r    io.Reader
	done chan error
}

func (w *waiting) Read(p []byte) (int, error) {
	for {
		n, err := w.r.Read(p)
		if n > 0 || err != io.EOF {
			return n, err
		}
		select {
		case err := <-w.done: // nothing more comes
			w.done <- err
			return 0, io.EOF
		default:
		}
	}
}

// What `>> log` opened is added to, not replaced.
func TestOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("old "), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	name := fmt.Sprintf("/dev/fd/%d", f.Fd())
	if err := Writable(name); err != nil {
		t.Fatal(err)
	}
	if err := Write(name, text("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "old new" {
		t.Errorf("the log holds %q, %v", got, err)
	}
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, text("x")); err == nil || !strings.HasSuffix(err.Error(), "it is a socket; name a file") {
		t.Errorf("error %v", err)
	}
}

// The pipe is replaced by a file, and nobody waits for its reader.
func TestReplacePipe(t *testing.T) {
	path := fifo(t)
	if err := Replace(path, text("new")); err != nil {
		t.Fatal(err)
	}
	want(t, filepath.Dir(path), map[string]string{"fifo": "new"})
}

func TestFolderIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := Write("f", text("x")); err == nil || !strings.Contains(err.Error(), "the current folder is gone") {
		t.Errorf("error %v", err)
	}
}

// A private file has no copy that others can read, not even while it is written.
func TestPrivateTemporary(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Write(path, func(io.Writer) error {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			info, infoErr := e.Info()
			if infoErr != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), infoErr)
			}
		}
		if len(entries) != 2 {
			t.Errorf("the folder holds %v", entries)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
