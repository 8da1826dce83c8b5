package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// TestMain lets this program play the go command, as FAKE_GO says.
func TestMain(m *testing.M) {
	switch os.Getenv("FAKE_GO") {
	case "":
		os.Exit(m.Run())
	case "finds":
		if got := strings.Join(os.Args[1:], " "); got != "mod download -json "+collections[0].module {
			fmt.Fprintln(os.Stderr, "unexpected command: go", got)
			os.Exit(2)
		}
		if sum, err := os.ReadFile("go.sum"); err != nil || string(sum) != collections[0].sum {
			fmt.Fprintln(os.Stderr, "not in the folder with the go.sum:", err)
			os.Exit(2)
		}
		fmt.Printf("{%q: %q}\n", "Dir", os.Getenv("FAKE_GO_DIR"))
		os.Exit(0)
	case "fails":
		fmt.Printf("{%q: %q}\n", "Error", "module lookup\n\tdisabled")
		os.Exit(1)
	case "complains":
		fmt.Fprintf(os.Stderr, "go: downloading x\n\nverifying x: checksum mismatch\n\tmore\n")
		os.Exit(1)
	case "babbles":
		fmt.Println("hello")
		os.Exit(0)
	case "hangs": // until the server answers, which it does not
		http.Get(os.Getenv("FAKE_GO_URL"))
		os.Exit(1)
	}
}

// fakeGo returns this program, to play the go command.
func fakeGo(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "js" || runtime.GOOS == "wasip1" {
		t.Skip("no program can be started here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}

const noGo = "no-such-go-command"

// fake is a small MNIST: the decompressed files by name, and their sums.
type fake struct {
	content map[string][]byte
	of      *collection
}

func newFake() fake {
	f := fake{map[string][]byte{
		"train-images-idx3-ubyte": idxFile("\x00\x01\x02\x03\x7f\x80\xfe\xff\x10\x20\x30\x40", 3, 2, 2),
		"train-labels-idx1-ubyte": idxFile("\x05\x00\x09", 3),
		"t10k-images-idx3-ubyte":  idxFile("\xff\x00\xff\x00", 1, 2, 2),
		"t10k-labels-idx1-ubyte":  idxFile("\x07", 1),
	}, new(collections[0])}
	for i, real := range f.of.files {
		content := f.content[real.name]
		sum := sha256.Sum256(content)
		f.of.files[i] = mnistFile{real.name, len(content), hex.EncodeToString(sum[:])}
	}
	return f
}

// fill writes the files into a folder, compressed where the name says so, and
// returns the folder.
func (f fake) fill(t *testing.T, dir string, name func(string) string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for base, content := range f.content {
		if strings.HasSuffix(name(base), ".gz") {
			content = gzipped(content)
		}
		if err := os.WriteFile(filepath.Join(dir, name(base)), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func plain(name string) string  { return name }
func gzName(name string) string { return name + ".gz" }
func dotted(name string) string { return strings.Replace(name, "-idx", ".idx", 1) }

// serve is a mirror of files by path, and counts what it was asked for.
func serve(t *testing.T, files map[string][]byte) (url string, asked func() int) {
	var mu sync.Mutex
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		mu.Unlock()
		content, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Write(content)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/mnist/", func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// mirror is what a mirror of f serves.
func (f fake) mirror() map[string][]byte {
	files := map[string][]byte{}
	for name, content := range f.content {
		files["/mnist/"+name+".gz"] = gzipped(content)
	}
	return files
}

// source returns a source with an empty cache, no go command and no mirrors,
// and what it logs.
func (f fake) source(t *testing.T) (MNISTSource, *strings.Builder) {
	var log strings.Builder
	return MNISTSource{
		Cache: filepath.Join(t.TempDir(), "cache"), Go: noGo, Mirrors: []string{}, of: f.of,
		Log: func(format string, args ...any) { fmt.Fprintf(&log, format+"\n", args...) },
	}, &log
}

// loads fails unless src gives the files of f.
func (f fake) loads(t *testing.T, src MNISTSource) {
	t.Helper()
	train, test, err := src.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range []*IDX{train.Images, train.Labels, test.Images, test.Labels} {
		var b bytes.Buffer
		x.WriteTo(&b)
		if name := f.of.files[i].name; !bytes.Equal(b.Bytes(), f.content[name]) {
			t.Errorf("%s: got % x, want % x", name, b.Bytes(), f.content[name])
		}
	}
}

// cached fails unless the cache holds exactly the files of f.
func (f fake) cached(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("the cache holds %v, %v", entries, err)
	}
	for name, want := range f.content {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the cache has % x for %s, %v", got, name, err)
		}
	}
}

// says fails unless the text contains all parts.
func says(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("this does not say %q:\n%s", part, text)
		}
	}
}

func fails(t *testing.T, src MNISTSource) error {
	t.Helper()
	train, test, err := src.Load(t.Context())
	if err == nil {
		t.Fatal("no error")
	}
	if train != (MNISTSplit{}) || test != (MNISTSplit{}) {
		t.Error("data came with the error")
	}
	return err
}
