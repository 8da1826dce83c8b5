//go:build unix

package hostile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
)

func init() {
	jobs["save"], jobs["cache"], jobs["module"] = saveForever, fillCache, fetchModule
}

// kill starts this program with a job, or the command, kills it at a random moment below
// the longest after its first line, and reports whether it was killed before its end.
func kill(t *testing.T, rng *rand.Rand, longest time.Duration, cmd *exec.Cmd) (killed bool) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Errorf("%q, %v", line, err)
	}
	timer := time.AfterFunc(time.Duration(rng.Int64N(int64(longest))), func() { cmd.Process.Kill() })
	defer timer.Stop()
	return cmd.Wait() != nil
}

// job is this program, doing the job.
func job(t *testing.T, name string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), "HOSTILE_JOB="+name), env...)
	return cmd
}

// leftovers are the files of a folder but those of the names.
func leftovers(t *testing.T, dir string, names ...string) (left []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			left = append(left, e.Name())
		}
	}
	return left
}

// network is one of those that are saved in turn.
func network(which int) *nn.Sequential[float32] {
	net := nn.NewSequential[float32](nn.NewAffine[float32](300, 300, random()))
	for i := range net.Params()[0].Value.Data {
		net.Params()[0].Value.Data[i] = float32(which)
	}
	return net
}

// saveForever saves one network after the other to the same file.
func saveForever() {
	nets := []*nn.Sequential[float32]{network(0), network(1)}
	fmt.Println("saving")
	for i := 0; ; i++ {
		if err := model.Save(os.Getenv("HOSTILE_FILE"), nets[i%2], 300); err != nil {
			panic(err)
		}
	}
}

// Whenever saving is killed, the file is the old one or the new one, and the next save
// leaves nothing else.
func TestKillSaving(t *testing.T) {
	rng, dir := random(), t.TempDir()
	path := filepath.Join(dir, "model")
	if err := model.Save(path, network(0), 300); err != nil {
		t.Fatal(err)
	}
	n, left := times(20, 250), 0
	for range n {
		if !kill(t, rng, 30*time.Millisecond, job(t, "save", "HOSTILE_FILE="+path)) {
			t.Fatal("it ended by itself")
		}
		m, err := model.Load[float32](path)
		if err != nil {
			t.Fatal(err)
		}
		left += len(leftovers(t, dir, "model"))
		if err := model.Save(path, m.Net, 300); err != nil {
			t.Fatal(err)
		}
		if files := leftovers(t, dir, "model"); len(files) > 0 {
			t.Fatalf("after the next save there are still %q", files)
		}
	}
	t.Logf("%d kills; %d temporary files were left and removed by the next save", n, left)
}

// The same of the command that trains.
func TestKillTraining(t *testing.T) {
	if !*campaign {
		t.Skip("only with -campaign: each kill trains")
	}
	rng, dir := random(), t.TempDir()
	path := filepath.Join(dir, "model")
	killed := 0
	for killed < 100 {
		cmd := exec.Command(program(t), "train", "--json", "--steps", "1", "--hidden", "100", "--force", "--out", path)
		if kill(t, rng, 6*time.Millisecond, cmd) {
			killed++
		}
		if _, err := model.Load[float32](path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(program(t), "train", "--steps", "1", "--hidden", "100", "--force", "--out", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if files := leftovers(t, dir, "model"); len(files) > 0 {
		t.Errorf("after the next save there are still %q", files)
	}
	t.Logf("%d kills", killed)
}

// fillCache fills a cache of MNIST from a mirror.
func fillCache() {
	fmt.Println("filling")
	src := data.MNISTSource{Cache: os.Getenv("HOSTILE_CACHE"), Go: "no-such-go-command", Mirrors: []string{os.Getenv("HOSTILE_MIRROR")}}
	if _, _, err := src.Load(context.Background()); err != nil {
		panic(err)
	}
}

// Whenever the filling of the cache is killed, the next load has the right data, and
// leaves the cache whole and without anything else.
func TestKillCaching(t *testing.T) {
	train, test, err := data.MNISTSource{}.Load(t.Context())
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	files := map[string]*data.IDX{
		"train-images-idx3-ubyte": train.Images, "train-labels-idx1-ubyte": train.Labels,
		"t10k-images-idx3-ubyte": test.Images, "t10k-labels-idx1-ubyte": test.Labels,
	}
	packed, whole := map[string][]byte{}, map[string][]byte{}
	var names []string
	for name, x := range files {
		var plain, b bytes.Buffer
		x.WriteTo(&plain)
		z, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
		z.Write(plain.Bytes())
		z.Close()
		packed["/"+name+".gz"], whole[name], names = b.Bytes(), plain.Bytes(), append(names, name)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(packed[r.URL.Path]) }))
	defer server.Close()

	rng, cache := random(), filepath.Join(t.TempDir(), "cache")
	began := time.Now()
	if out, err := job(t, "cache", "HOSTILE_CACHE="+cache, "HOSTILE_MIRROR="+server.URL).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := time.Since(began)
	n, killed, runs, left := times(2, 100), 0, 0, 0
	for killed < n && runs < 20*n {
		runs++
		os.RemoveAll(cache)
		if kill(t, rng, took, job(t, "cache", "HOSTILE_CACHE="+cache, "HOSTILE_MIRROR="+server.URL)) {
			killed++
		}
		for _, name := range names { // each is whole or not there
			if b, err := os.ReadFile(filepath.Join(cache, name)); err == nil && !bytes.Equal(b, whole[name]) {
				t.Fatalf("%s is half written", name)
			} else if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
		if _, err := os.Stat(cache); err == nil {
			left += len(leftovers(t, cache, names...))
		}
		src := data.MNISTSource{Cache: cache, Go: "no-such-go-command", Mirrors: []string{server.URL}}
		again, _, err := src.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Images.Data, train.Images.Data) {
			t.Fatal("other data were loaded")
		}
	}
	// The last of these may have found the cache whole, and written nothing.
	os.Remove(filepath.Join(cache, names[0]))
	if _, _, err := (data.MNISTSource{Cache: cache, Go: "no-such-go-command", Mirrors: []string{server.URL}}).Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if files := leftovers(t, cache, names...); len(files) > 0 {
		t.Errorf("there are still %q", files)
	}
	t.Logf("%d kills in %d runs; %d temporary files were left and removed by the next write", killed, runs, left)
}

// fetchModule has the go command fetch the module of MNIST.
func fetchModule() {
	fmt.Println("fetching")
	src := data.MNISTSource{Cache: os.Getenv("HOSTILE_CACHE"), Go: os.Getenv("HOSTILE_GO"), Mirrors: []string{}}
	src.Load(context.Background())
}

// What a program leaves that is killed while the go command runs, the next one removes.
func TestKillFetching(t *testing.T) {
	dir, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	// In place of the go command, one that takes its time and needs no network.
	command := filepath.Join(t.TempDir(), "go")
	if err := os.WriteFile(command, []byte("#!/bin/sh\nread line <\"$HOSTILE_PIPE\"\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe() // which says nothing, until it ends
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fetch := func(pipe string) *exec.Cmd {
		cmd := job(t, "module", "HOSTILE_CACHE="+cache, "HOSTILE_GO="+command, "TMPDIR="+dir, "HOSTILE_PIPE="+pipe)
		cmd.ExtraFiles = []*os.File{r}
		return cmd
	}
	rng := random()
	n, left := times(10, 50), 0
	for range n {
		kill(t, rng, 20*time.Millisecond, fetch(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), r.Fd())))
		left += len(leftovers(t, dir))
	}
	w.Close() // whoever still reads, ends
	cmd := fetch("/dev/null")
	cmd.Stdout = io.Discard
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if folders := leftovers(t, dir); len(folders) > 0 {
		t.Errorf("there are still %q", folders)
	}
	if left == 0 {
		t.Error("no kill left a folder, so that nothing was tested")
	}
	t.Logf("%d kills", n)
}
