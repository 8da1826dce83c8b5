package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/tensor"
)

// dataOptions are the flags that name the data, and say how they become samples.
type dataOptions struct {
	source           dataSource
	own              data.Options // of data that are not MNIST's
	size             pictureSize
	channels         count
	validation, test part
	splitSeed        seed
	standardize      bool
}

// testShare is the part of one's own data that is tested unless another is named.
const testShare = 0.2

// flags adds the flags of train to cmd.
func (o *dataOptions) flags(cmd *cobra.Command) {
	*o = dataOptions{channels: count{0, 1, 3}, splitSeed: 1, standardize: true}
	f := cmd.Flags()
	f.Var(&o.source, "data", "what to train on: "+strings.Join(data.MNISTNames(), ", ")+", or a file or folder")
	o.tableFlags(cmd)
	f.StringVar(&o.own.Label, "label", "", "table: the column with the class, by its name or number (-1 is the last)")
	f.StringArrayVar(&o.own.Targets, "target", nil, "table: a column of numbers to predict; may be given again")
	f.StringArrayVar(&o.own.Ignore, "ignore", nil, "table: a column that is no input; may be given again")
	f.StringArrayVar(&o.own.Categorical, "categorical", nil, "table: a column of categories though it holds numbers; may be given again")
	f.StringArrayVar(&o.own.Fill, "fill", nil, "table: missing values become mean, median, most-frequent or =TEXT; COLUMN=mean for one column; may be given again")
	f.StringVar(&o.own.PartColumn, "part-column", "", "table: the column that says train, validation or test")
	f.Var(&o.size, "size", "pictures: scale them to WIDTHxHEIGHT pixels")
	f.Var(&o.channels, "channels", "pictures: 1 for gray, 3 for color (default as the first one)")
	f.Lookup("channels").DefValue = ""
	f.StringVar(&o.own.Labels, "labels", "", "IDX, npy: the file with the labels (default found by its name)")
	f.Var(&o.validation, "validation", "what to validate with after each epoch: a share such as 0.1, or a file or folder")
	f.Var(&o.test, "test", fmt.Sprintf("what to test with: a share, or a file or folder (default %v of data without a test set)", testShare))
	f.Var(&o.splitSeed, "split-seed", "seed of the shares of --validation and --test")
	f.BoolVar(&o.standardize, "standardize", true, "table, npy: give each column a mean of 0 and a standard deviation of 1")
}

// tableFlags adds the flags that say how a table is written.
func (o *dataOptions) tableFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.own.Header, "header", "", "table: whether the first line names the columns, yes or no (default: if it holds no number)")
	f.StringArrayVar(&o.own.Missing, "missing", nil, "table: a text for a missing value, in place of "+strings.Join(data.UsualMissing, ", ")+"; may be given again")
}

// options returns the options for data that are not MNIST's.
func (o *dataOptions) options() data.Options {
	own := o.own
	own.Width, own.Height = o.size.width, o.size.height
	own.Channels = o.channels.value
	own.Validation, own.ValidationPath = o.validation.share, o.validation.path
	own.Test, own.TestPath = o.test.share, o.test.path
	if o.test == (part{}) && own.PartColumn == "" {
		own.Test = testShare
	}
	own.Seed, own.Raw = uint64(o.splitSeed), !o.standardize
	return own
}

// dataset is what a network is trained on.
type dataset struct {
	train, validation, test data.Samples[float32] // nil where there are none

	shapes      [][]int // that a sample may have: an image with its channels, or a row
	input       []int   // the shape of a sample
	outputs     int     // of the network: the classes or the targets
	counts      []int   // samples to train on, of each class
	guess       float64 // the accuracy on the test set of naming the same class each time
	preparation *data.Preparation
	sha256      string // of the data
}

// load reads the data.
func (o *dataOptions) load(ctx context.Context, a *app) (*dataset, error) {
	if name, dir, ok := o.source.mnist(); ok {
		return o.loadMNIST(ctx, a, name, dir)
	}
	path, own := string(o.source), o.options()
	parts, err := untilDone(ctx, func() (*data.Parts[float32], error) { // it may be a pipe
		return data.Load[float32](ctx, path, own)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; --data takes %s, or a file or folder", err, strings.Join(data.MNISTNames(), ", "))
	} else if err != nil {
		return nil, ofOptions(err)
	}
	if err := o.fits(parts.Preparation, isFolder(path), false, fileName(path)); err != nil {
		return nil, err
	}
	set := &dataset{train: parts.Train, validation: parts.Validation, test: parts.Test, preparation: parts.Preparation, sha256: parts.SHA256}
	set.complete()
	return set, nil
}

// fits refuses a flag that says nothing of the data, which are of another kind.
func (o *dataOptions) fits(p *data.Preparation, folder, mnist bool, name string) error {
	table := len(p.Columns) > 0
	for _, f := range []struct {
		flag       string
		given, fit bool
		of         string
	}{
		{"label", o.own.Label != "", table, "a table"},
		{"target", len(o.own.Targets) > 0, table, "a table"},
		{"ignore", len(o.own.Ignore) > 0, table, "a table"},
		{"categorical", len(o.own.Categorical) > 0, table, "a table"},
		{"fill", len(o.own.Fill) > 0, table, "a table"},
		{"header", o.own.Header != "", table, "a table"},
		{"missing", len(o.own.Missing) > 0, table, "a table"},
		{"part-column", o.own.PartColumn != "", table, "a table"},
		{"size", o.size != (pictureSize{}), folder, "a folder of pictures"},
		{"channels", o.channels.value != 0, folder, "a folder of pictures"},
		{"labels", o.own.Labels != "", !table && !folder && !mnist, "an IDX or npy file"},
	} {
		if f.given && !f.fit {
			return usagef("--%s is for %s, and %s is none; leave it out, or name other data with --data", f.flag, f.of, name)
		}
	}
	return nil
}

// loadMNIST reads a collection of MNIST's form.
func (o *dataOptions) loadMNIST(ctx context.Context, a *app, name, dir string) (*dataset, error) {
	if o.test != (part{}) || o.validation.path != "" {
		return nil, usagef("%s has a test set; a share of its training set can be for validation (--validation 0.1)", name)
	}
	source := a.mnist(dir)
	source.Name = name
	if err := o.fits(source.Preparation(), false, true, name); err != nil {
		return nil, err
	}
	all, test, err := data.LoadMNISTPixels[float32](ctx, source)
	if err != nil {
		return nil, err
	}
	set := &dataset{train: all, test: test, preparation: source.Preparation()}
	if o.validation.share > 0 {
		set.train, set.validation = all.Split(o.validation.share, uint64(o.splitSeed))
	}
	if set.sha256, err = source.SHA256(); err != nil {
		return nil, err
	}
	set.complete()
	return set, nil
}

// String tells how many samples are for what, and the columns that are inputs.
func (s *dataset) String() string {
	text := fmt.Sprintf("%d samples to train on", s.train.Len())
	for _, part := range []struct {
		samples data.Samples[float32]
		what    string
	}{{s.validation, "to validate with"}, {s.test, "to test with"}} {
		if part.samples != nil && part.samples.Len() > 0 {
			text += fmt.Sprintf(", %d %s", part.samples.Len(), part.what)
		}
	}
	const most = 10 // columns
	for i, c := range s.preparation.Columns {
		switch {
		case i == 0:
			text += "; inputs: " + shortened(c.Name)
		case i < most:
			text += ", " + shortened(c.Name)
		case i == most:
			text += fmt.Sprintf(" and %d more", len(s.preparation.Columns)-most)
		}
	}
	return text
}

// ownTexts returns the names of columns that have another text in nearly every record.
func (s *dataset) ownTexts() (names []string) {
	records := 0
	for _, samples := range []data.Samples[float32]{s.train, s.validation, s.test} {
		if samples != nil {
			records += samples.Len()
		}
	}
	for _, c := range s.preparation.Columns {
		if ownTexts(len(c.Categories), records) {
			names = append(names, c.Name)
		}
	}
	return names
}

// complete derives what follows from the samples and their preparation.
func (s *dataset) complete() {
	shape := s.preparation.Shape()
	s.outputs = s.preparation.Outputs()
	row, _ := tensor.Size(shape...)
	s.shapes = [][]int{shape}
	if len(shape) > 1 {
		s.shapes = append(s.shapes, []int{row})
	}
	s.reshape([]int{row})
	s.counts = s.classCounts(s.train)
	if tested := s.classCounts(s.test); len(tested) > 0 && s.test != nil {
		s.guess = float64(slices.Max(tested)) / float64(max(s.test.Len(), 1))
	}
}

// reshape gives the samples one of the shapes that they may have.
func (s *dataset) reshape(input []int) {
	s.input = input
	for _, samples := range []*data.Samples[float32]{&s.train, &s.validation, &s.test} {
		if *samples != nil {
			*samples = reshaped(*samples, input)
		}
	}
}

// reshaped returns the samples in another shape.
func reshaped(samples data.Samples[float32], input []int) data.Samples[float32] {
	switch s := samples.(type) {
	case data.Pixels[float32]:
		s.Shape = input
		return s
	case data.Set[float32]:
		s.X = tensor.Of(s.X.Data, append([]int{s.Len()}, input...)...)
		return s
	}
	return samples
}

// values reports whether the targets are numbers.
func (s *dataset) values() bool { return len(s.preparation.Targets) > 0 }

// paths are the files and folders that the flags name.
func (o *dataOptions) paths() (paths []string) {
	source := string(o.source)
	if _, dir, mnist := o.source.mnist(); mnist {
		source = dir
	}
	for _, path := range []string{source, o.own.Labels, o.validation.path, o.test.path} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// logPaths says which files are read for a training that a model file records. Whoever
// wrote that file has chosen them.
func (a *app) logPaths(o *dataOptions, model string) {
	paths := o.paths()
	for i, path := range paths {
		paths[i] = fileName(path)
	}
	if len(paths) > 0 {
		a.logf("the data of the training of %s are read from %s", quoted(model), listed(paths))
	}
}

// notOverwritten refuses an output file, which flag names, that would replace the data, or
// could.
func (o *dataOptions) notOverwritten(flag, out string) error {
	for _, in := range o.paths() {
		if err := notInput(flag, out, in); err != nil {
			return err
		}
		info, err := os.Stat(in)
		if err != nil || !info.IsDir() {
			continue
		}
		if folder, err := os.Stat(filepath.Dir(out)); err == nil && os.SameFile(info, folder) {
			return usagef("%s %s is in the folder of --data, whose files it could replace", flag, quoted(out))
		}
		// A link from elsewhere leads there too.
		files, _ := os.ReadDir(in)
		for _, f := range files {
			if err := notInput(flag, out, filepath.Join(in, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// classCounts counts the samples of each class.
func (s *dataset) classCounts(samples data.Samples[float32]) []int {
	var labels []int
	switch s := samples.(type) {
	case data.Pixels[float32]:
		labels = s.T
	case data.Set[float32]:
		labels = s.T
	}
	counts := make([]int, len(s.preparation.Classes))
	for _, label := range labels {
		counts[label]++
	}
	return counts
}

// mnist says where to look for MNIST, and reports where it was found only if
// that is worth a line.
func (a *app) mnist(dir string) data.MNISTSource {
	return data.MNISTSource{Dir: dir, Log: a.logf}
}

// dataSource names data: a collection of MNIST's form, or a path. Empty it is MNIST.
type dataSource string

func (v *dataSource) Set(s string) error {
	if s == "" {
		return fmt.Errorf("want %s, or a file or folder, got no name", strings.Join(data.MNISTNames(), ", "))
	}
	*v = dataSource(s)
	return nil
}
func (v *dataSource) String() string { return string(*v) }
func (v *dataSource) Type() string   { return "data" }

// mnist reports whether the source is a collection of MNIST's form, of that name, or a
// folder with the files of MNIST.
func (v dataSource) mnist() (name, dir string, ok bool) {
	if v == "" {
		return "mnist", "", true
	}
	if slices.Contains(data.MNISTNames(), string(v)) {
		return string(v), "", true
	}
	for _, files := range []string{"train-images*", "train-labels*", "t10k-*"} {
		if found, _ := filepath.Glob(filepath.Join(globEscaped(string(v)), files)); len(found) > 0 {
			return "mnist", string(v), true
		}
	}
	return "", "", false
}

// globEscaped is a path as a pattern that matches it alone.
func globEscaped(path string) string {
	if os.PathSeparator == '\\' {
		return path // there is no escape, and * and ? are in no name
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// A part of the data is a share of them, or a file or folder.
type part struct {
	share float64
	path  string
}

func (v *part) Set(s string) error {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if !(f > 0 && f < 1) {
			return fmt.Errorf("want a share above 0 and below 1, such as 0.1, or a file or folder")
		}
		*v = part{share: f}
		return nil
	}
	if s == "" {
		return fmt.Errorf("want a share such as 0.1, or a file or folder, got no name")
	}
	*v = part{path: s}
	return nil
}
func (v *part) String() string {
	if v.share > 0 {
		return strconv.FormatFloat(v.share, 'g', -1, 64)
	}
	return v.path
}
func (v *part) Type() string { return "part" }

// pictureSize is the size that pictures are scaled to.
type pictureSize struct{ width, height int }

func (v *pictureSize) Set(s string) error {
	w, h, _ := strings.Cut(s, "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if errW != nil || errH != nil || width < 1 || height < 1 || max(width, height) > 4096 {
		return fmt.Errorf("want a width and a height of 1 to 4096 pixels, such as 32x32")
	}
	*v = pictureSize{width, height}
	return nil
}
func (v *pictureSize) String() string {
	if v.width == 0 {
		return ""
	}
	return fmt.Sprintf("%dx%d", v.width, v.height)
}
func (v *pictureSize) Type() string { return "size" }
