package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMNISTDir(t *testing.T) {
	f := newFake()
	for name, spelling := range map[string]func(string) string{"gz": gzName, "plain": plain, "dotted": dotted} {
		t.Run(name, func(t *testing.T) {
			src, log := f.source(t)
			src.Dir = f.fill(t, t.TempDir(), spelling)
			f.loads(t, src)
			says(t, log.String(), "from the folder "+src.Dir)
			if _, err := os.Stat(src.Cache); err == nil {
				t.Error("files of Dir were copied into the cache")
			}
		})
	}
}

// With Dir nothing else is asked, however much is there.
func TestMNISTDirDoesNotFallThrough(t *testing.T) {
	f := newFake()
	url, asked := serve(t, f.mirror())
	src, _ := f.source(t)
	f.fill(t, src.Cache, plain)
	src.Mirrors = []string{url}
	f.loads(t, src) // so it would find them

	src.Dir = t.TempDir()
	err := fails(t, src)
	says(t, err.Error(), src.Dir, "lacks train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}

	f.fill(t, src.Dir, gzName)
	os.Remove(filepath.Join(src.Dir, "t10k-labels-idx1-ubyte.gz"))
	if err := fails(t, src).Error(); !strings.HasSuffix(err, "lacks t10k-labels-idx1-ubyte") {
		t.Errorf("got error %q", err)
	}

	src.Dir = filepath.Join(src.Dir, "none")
	says(t, fails(t, src).Error(), src.Dir)
	os.WriteFile(src.Dir, nil, 0o644)
	says(t, fails(t, src).Error(), src.Dir, "not a folder")
	if asked() != 0 {
		t.Error("the mirror was asked")
	}
}

func TestMNISTDirWrong(t *testing.T) {
	f := newFake()
	src, _ := f.source(t)
	src.Dir = f.fill(t, t.TempDir(), gzName)
	path := filepath.Join(src.Dir, "train-labels-idx1-ubyte.gz")

	other := idxFile("\x05\x00\x08", 3)
	os.WriteFile(path, gzipped(other), 0o644)
	sum := sha256.Sum256(other)
	says(t, fails(t, src).Error(), path, "want SHA-256 "+f.of.files[1].sha256, "got "+hex.EncodeToString(sum[:]))

	os.WriteFile(path, gzipped(idxFile("\x05\x00", 3)), 0o644)
	err := fails(t, src)
	says(t, err.Error(), path+", byte 10: want 3 elements")
	if !errors.As(err, new(*IDXError)) {
		t.Errorf("%v is no *IDXError", err)
	}

	os.WriteFile(path, gzipped(idxFile("", 1<<30)), 0o644)
	says(t, fails(t, src).Error(), path+", byte 4: want at most", "got 1073741824")
}

// The right data under the wrong name is wrong.
func TestMNISTSwapped(t *testing.T) {
	f := newFake()
	src, _ := f.source(t)
	src.Dir = f.fill(t, t.TempDir(), plain)
	a, b := filepath.Join(src.Dir, f.of.files[0].name), filepath.Join(src.Dir, f.of.files[2].name)
	os.Rename(a, a+"x")
	os.Rename(b, a)
	os.Rename(a+"x", b)
	says(t, fails(t, src).Error(), a, f.of.files[0].sha256, f.of.files[2].sha256)
}

func TestMNISTPoisonedCacheIsRepaired(t *testing.T) {
	f := newFake()
	url, asked := serve(t, f.mirror())
	for name, poison := range map[string][]byte{
		"other data": idxFile("\x01\x02\x03", 3), "damaged": {0, 0, 8}, "empty": {}, "too large": idxFile("", 1<<30),
	} {
		t.Run(name, func(t *testing.T) {
			src, log := f.source(t)
			src.Mirrors = []string{url}
			f.fill(t, src.Cache, plain)
			path := filepath.Join(src.Cache, "train-labels-idx1-ubyte")
			os.WriteFile(path, poison, 0o644)
			before := asked()
			f.loads(t, src)
			f.cached(t, src.Cache)
			says(t, log.String(), "skipped the cache", path)
			if got := asked() - before; got != 1 {
				t.Errorf("the mirror was asked for %d files, want the 1 that was wrong", got)
			}
		})
	}
}

// A damaged file in the cache under a name that Load does not write is not read
// either, or it would be in the way forever.
func TestMNISTCacheReadsWhatItWrites(t *testing.T) {
	f := newFake()
	src, log := f.source(t)
	f.fill(t, src.Cache, plain)
	for _, name := range []func(string) string{gzName, dotted} {
		os.WriteFile(filepath.Join(src.Cache, name(f.of.files[0].name)), nil, 0o644)
	}
	f.loads(t, src)
	if strings.Contains(log.String(), "skipped") {
		t.Error(log)
	}
}

func TestMNISTUnwritableCache(t *testing.T) {
	f := newFake()
	url, _ := serve(t, f.mirror())
	src, log := f.source(t)
	src.Mirrors = []string{url}
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o644)
	src.Cache = filepath.Join(file, "cache") // below a file: not even root can make it
	f.loads(t, src)
	says(t, log.String(), "not saved in the cache")
}

func TestMNISTNoCacheFolder(t *testing.T) {
	f := newFake()
	url, _ := serve(t, f.mirror())
	src, log := f.source(t)
	src.Mirrors, src.Cache = []string{url}, ""
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData", "home"} {
		t.Setenv(name, "")
	}
	if _, err := os.UserCacheDir(); err == nil {
		t.Skip("this system has a cache folder without the environment")
	}
	f.loads(t, src)
	says(t, log.String(), "skipped the cache, which has no folder")
}

func TestLoadMNIST(t *testing.T) {
	f := newFake()
	src, _ := f.source(t)
	src.Dir = f.fill(t, t.TempDir(), gzName)
	train, test, err := LoadMNIST[float32](t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(train.X.Shape, []int{3, 4}) || !slices.Equal(test.X.Shape, []int{1, 4}) {
		t.Errorf("shapes %v and %v", train.X.Shape, test.X.Shape)
	}
	if !slices.Equal(train.T, []int{5, 0, 9}) || !slices.Equal(test.T, []int{7}) {
		t.Errorf("labels %v and %v", train.T, test.T)
	}
	bytes := "\x00\x01\x02\x03\x7f\x80\xfe\xff\x10\x20\x30\x40"
	train64, _, err := LoadMNIST[float64](t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []byte(bytes) {
		if train.X.Data[i] != float32(v)/255 || train64.X.Data[i] != float64(v)/255 {
			t.Errorf("pixel %d is %v and %v", v, train.X.Data[i], train64.X.Data[i])
		}
	}
	src.Dir = t.TempDir()
	if _, _, err := LoadMNIST[float32](t.Context(), src); err == nil {
		t.Error("no error")
	}
}
