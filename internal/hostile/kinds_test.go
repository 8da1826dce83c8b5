//go:build unix

package hostile

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
)

// A kind of file that a user may name by mistake or to do harm. Waits says that reading it
// may wait for ever, so that Ctrl-C has to end it.
type kind struct {
	name, path string
	waits      bool
}

// kinds makes files of every kind.
func kinds(t *testing.T) []kind {
	t.Helper()
	dir, err := os.MkdirTemp("", "k") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	in := func(name string) string { return filepath.Join(dir, name) }
	socket, err := net.Listen("unix", in("socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	if err := errors.Join(
		syscall.Mkfifo(in("pipe"), 0o600),
		os.Mkdir(in("folder"), 0o700),
		os.Symlink("nothing", in("dangling link")),
		os.Symlink("loop", in("loop")),
		os.Symlink("pipe", in("link to a pipe")),
		os.Symlink("folder", in("link to a folder")),
		os.Symlink("/dev/zero", in("link to a device")),
		os.WriteFile(in("empty"), nil, 0o600),
		os.WriteFile(in("text"), []byte("hello\n"), 0o600),
		os.WriteFile(in("name with \x1b[31m and\na line \u202e"), []byte("x"), 0o600),
		os.WriteFile(in("forbidden"), []byte("x"), 0),
	); err != nil {
		t.Fatal(err)
	}
	all := []kind{
		{"no name", "", false},
		{"a name with the sign of a zero", in("a\u2400"), false},
		{"a long name", in(strings.Repeat("x", 300)), false},
		{"a file as a folder", in("text") + "/x", false},
	}
	for _, name := range []string{"pipe", "link to a pipe"} {
		all = append(all, kind{name, in(name), true})
	}
	for _, name := range []string{"folder", "dangling link", "loop", "link to a folder", "link to a device", "empty", "text", "name with \x1b[31m and\na line \u202e", "forbidden", "socket", "none"} {
		all = append(all, kind{name, in(name), false})
	}
	for _, path := range []string{"/dev/null", "/dev/zero", "/dev/urandom", "/dev/full", "/dev/tty", "/proc/self/mem", "/proc/self/environ", "/dev/fd/99", "/dev/stdin"} {
		if _, err := os.Lstat(path); err == nil || path == "/dev/fd/99" {
			all = append(all, kind{path, path, path == "/dev/tty"})
		}
	}
	return all
}

// Whatever kind of file is named, wherever one is: the command ends by itself, or where it
// waits for a pipe by one Ctrl-C, and no other file is lost.
func TestKinds(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good")
	if err := model.Save(good, nn.NewSequential[float32](nn.NewAffine[float32](2, 2, random())), 2); err != nil {
		t.Fatal(err)
	}
	reads := [][]string{
		{"info", "FILE"}, {"predict", good, "FILE"}, {"eval", good, "--data", "FILE"}, {"graph", good, "--input", "FILE"},
		{"predict", "FILE", good}, {"eval", "FILE"}, {"graph", "FILE"}, {"check", "--model", "FILE"}, {"predict", "--raw", good, "FILE"},
		{"eval", good, "--data", "FILE"}, {"train", "--data", "FILE"}, {"graph", good, "--data", "FILE"},
	}
	writes := [][]string{{"graph", "apples", "--format", "svg", "-o", "FILE"}, {"graph", good, "--input", "1,2", "--format", "json", "-o", "FILE"}}
	runs := 0
	for i, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			for j, command := range append(reads, writes...) {
				if (i+j)%times(7, 1) != 0 {
					continue
				}
				args := make([]string, len(command))
				for a := range command {
					args[a] = strings.ReplaceAll(command[a], "FILE", k.path)
				}
				patience := time.Minute
				writing := j >= len(reads)
				if k.waits && !writing {
					patience = time.Second
				}
				o := attack(t, patience, args...)
				runs++
				if o.Late && (!k.waits || writing) {
					t.Errorf("%q does not end by itself", args)
				}
				if o.Code == 0 && !writing {
					t.Errorf("%q succeeds", args)
				}
				if o.Memory > 128<<20 {
					t.Errorf("%q takes %d MB", args, o.Memory>>20)
				}
			}
		})
	}
	if _, err := model.Load[float32](good); err != nil {
		t.Error("the good model was damaged: ", err)
	}
	t.Logf("%d runs", runs)
}
