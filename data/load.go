package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/data/picture"
	"github.com/chainrule-go/chainrule/tensor"
)

// Load reads data to train on from a file or a folder, and divides them into parts. path is
//
//   - a table of text (CSV, TSV), plain or gzip, one record per line, with fields separated by commas, tabs,
//     semicolons or vertical bars. A column is read as numbers if, in the first MiB, more of its
//     fields are numbers than texts. A text after that is an error, so that a typing mistake
//     does not turn numbers into categories;
//   - a folder with a folder of pictures (PNG, JPEG, GIF) for each class; or a folder that holds
//     such a folder named train, and one named test, validation or both;
//   - an IDX file of unsigned bytes, plain or gzip, and a second file with the labels;
//   - an npy file of samples and a second file with the targets, or an npz file with both
//     (x and y; x_train, y_train, x_test and y_test). Integers are classes, floats are
//     values to predict.
//
// The parts do not depend on the order of the records: see [Options]. All statistics come from
// the training part. Parts.Preparation describes how samples were prepared; keep it in the
// model, and [Read] prepares new samples in the same way.
//
// A table takes 8 bytes for each field of a column that is used, a T for each input (a column of
// text has one for each category), 33 bytes for each record, and 8 MiB. An array takes 12 bytes
// for each number (a float64 while it is read, and a T), pictures their bytes, and each half a
// MiB more.
//
// Parts.SHA256 is the sum of the file. For several files, it is the sum of the lines that
// sha256sum prints for them, sorted by name.
func Load[T tensor.Float](ctx context.Context, path string, o Options) (*Parts[T], error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	var sums fileSums
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return loadFolder[T](ctx, path, o)
	}
	f, err := openSource(ctx, path, &sums)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var p *Parts[T]
	switch f.kind {
	case kindTable:
		p, err = loadTable[T](f, path, o)
	case kindIDX:
		p, err = loadIDX[T](ctx, f, path, o, &sums)
	default:
		p, err = loadArrays[T](ctx, f, path, o, &sums)
	}
	if err != nil {
		return nil, err
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	return finish(ctx, p, path, o, &sums)
}

// finish reads the parts that are in files of their own.
func finish[T tensor.Float](ctx context.Context, p *Parts[T], path string, o Options, sums *fileSums) (*Parts[T], error) {
	for _, part := range []struct {
		path string
		to   *Samples[T]
	}{{o.ValidationPath, &p.Validation}, {o.TestPath, &p.Test}} {
		if part.path == "" {
			continue
		}
		r, err := read[T](ctx, part.path, "", p.Preparation, sums)
		if err != nil {
			return nil, err
		}
		if !r.Labelled {
			return nil, fmt.Errorf("%s lacks what is predicted; name a file that has it", part.path)
		}
		*part.to = r.Samples
	}
	for _, part := range []struct {
		name   string
		of     Samples[T]
		wanted bool
	}{{"to train on", p.Train, true}, {"for validation", p.Validation, o.Validation > 0}, {"to test", p.Test, o.Test > 0}} {
		if part.wanted && part.of == nil {
			return nil, fmt.Errorf("%s: no sample is left %s; name other shares, or data with more samples", path, part.name)
		}
	}
	p.SHA256 = sums.all()
	return p, nil
}

func loadTable[T tensor.Float](r io.Reader, path string, o Options) (*Parts[T], error) {
	f, err := openTable(r, path, o.Header, o.missing())
	if err != nil {
		return nil, err
	}
	slots, err := f.slots(&o)
	if err != nil {
		return nil, err
	}
	t, err := f.read(slots, o.missing())
	if err != nil {
		return nil, err
	}
	keys, classes := t.sortTexts()
	part := split(t.rows, o.Seed, o.Validation, o.Test, func() []uint64 { return keys }, classes,
		func(i int) uint64 { return hashRow(t.row(i)[t.inputs():]) })
	if last := len(slots) - 1; o.PartColumn != "" {
		for i := range part {
			part[i] = uint8(t.row(i)[last])
		}
	}
	if !slices.Contains(part, trainPart) {
		return nil, fmt.Errorf("%s: no record is left to train on", path)
	}
	p, err := t.prepare(f, &o, part)
	if err != nil {
		return nil, err
	}
	all := sets[T](t, p, part)
	return &Parts[T]{Train: all[trainPart], Validation: all[validationPart], Test: all[testPart], Preparation: p, Unused: t.unused}, nil
}

// pixelParts divides images among the parts.
func pixelParts[T tensor.Float](p *Preparation, pixels []byte, labels []int, o Options) *Parts[T] {
	all := Pixels[T]{X: pixels, T: labels, Shape: p.Shape()}
	part := split(len(labels), o.Seed, o.Validation, o.Test,
		func() []uint64 { return hashPixels(len(labels), pixels) }, labels, nil)
	var made [parts]Samples[T]
	for of := range made {
		if some := all.pick(part, uint8(of)); some.Len() == all.Len() {
			made[of] = all
		} else if some.Len() > 0 {
			made[of] = some
		}
	}
	return &Parts[T]{Train: made[trainPart], Validation: made[validationPart], Test: made[testPart], Preparation: p}
}

func loadIDX[T tensor.Float](ctx context.Context, f *source, path string, o Options, sums *fileSums) (*Parts[T], error) {
	images, labels, err := readIDXPair(ctx, f, path, o.Labels, sums)
	if err != nil {
		return nil, err
	}
	p, err := idxPreparation(images, path)
	if err != nil {
		return nil, err
	}
	if labels == nil {
		return nil, fmt.Errorf("%s: name the file of its labels (--labels)", path)
	}
	most := slices.Max(labels)
	if most == 0 {
		return nil, fmt.Errorf("%s: want 2 classes or more, got labels that are all 0", path)
	}
	p.Classes = classNames(most + 1)
	return pixelParts[T](p, images.Data, labels, o), nil
}

// idxPreparation says how the samples of an IDX file become inputs.
func idxPreparation(x *IDX, path string) (*Preparation, error) {
	if len(x.Shape) != 3 || x.Shape[0] == 0 {
		return nil, fmt.Errorf("%s: want images, of shape (N, height, width), got %s", path, tensor.FormatShape(x.Shape))
	}
	p := &Preparation{Image: &Image{Height: x.Shape[1], Width: x.Shape[2], Channels: 1}}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// classNames returns the names of n classes without names: "0", "1" ...
func classNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}

// readIDXPair reads images, and their labels from a second file. labels is nil if that file is
// not given and is not found by its name.
func readIDXPair(ctx context.Context, r *source, path, labelsPath string, sums *fileSums) (*IDX, []int, error) {
	x, err := ReadIDX(r, path, r.most())
	if err != nil {
		return nil, nil, err
	}
	f, err := openTargets(ctx, path, labelsPath, sums)
	if f == nil || err != nil {
		return x, nil, err
	}
	defer f.Close()
	y, err := ReadIDX(f, f.path, f.most())
	if err != nil {
		return nil, nil, err
	}
	if len(y.Shape) != 1 || y.Shape[0] != x.Shape[0] || y.Shape[0] == 0 {
		return nil, nil, fmt.Errorf("%s: want a label for each of the %d images of %s, got %s", f.path, x.Shape[0], path, tensor.FormatShape(y.Shape))
	}
	labels := make([]int, len(y.Data))
	for i, v := range y.Data {
		labels[i] = int(v)
	}
	return x, labels, f.end()
}

// openTargets opens the file with the targets of samples. If targets is "", it is found by its
// name; if there is no such file, the source is nil.
func openTargets(ctx context.Context, path, targets string, sums *fileSums) (*source, error) {
	named := targets != ""
	if !named {
		base := filepath.Base(path)
		other := strings.NewReplacer("images", "labels", "idx3", "idx1").Replace(base)
		if rest, ok := strings.CutPrefix(strings.ToLower(base), "x"); ok && filepath.Ext(base) == ".npy" {
			other = "y" + rest
		}
		if targets = filepath.Join(filepath.Dir(path), other); other == base {
			return nil, nil
		}
	}
	f, err := openSource(ctx, targets, sums)
	if !named && errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return f, err
}

// A Reading is the result of reading samples for a model.
type Reading[T tensor.Float] struct {
	Samples  Samples[T]
	Labelled bool     // the file has the targets; otherwise they are 0
	Unused   []string // columns of a table that the model does not use
}

// Set returns the samples as numbers.
func (r *Reading[T]) Set() Set[T] {
	if images, ok := r.Samples.(Pixels[T]); ok {
		return images.Set()
	}
	return r.Samples.(Set[T]) // read returns one of these two types
}

// Read reads samples and prepares them as p says. path is a file or a folder of any kind that
// [Load] reads, or a single picture. The columns of a table are found by name, in any order: a
// missing column is an error, and other columns are not used. The targets may be missing.
func Read[T tensor.Float](ctx context.Context, path string, p *Preparation) (*Reading[T], error) {
	return read[T](ctx, path, "", p, nil)
}

// ReadLabelled is [Read] for an IDX or npy file. labels is the file with the labels or targets;
// see [Options].
func ReadLabelled[T tensor.Float](ctx context.Context, path, labels string, p *Preparation) (*Reading[T], error) {
	return read[T](ctx, path, labels, p, nil)
}

func read[T tensor.Float](ctx context.Context, path, labels string, p *Preparation, sums *fileSums) (*Reading[T], error) {
	if labels != "" && (p.Array == nil && p.Image == nil || isDir(path)) {
		return nil, optionf("%s has its labels itself; leave out the file %s (--labels)", path, labels)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if p.Image == nil {
			return nil, fmt.Errorf("%s is a folder, and the model takes %s", path, p.takes())
		}
		f, err := openImageFolder(ctx, path)
		if err != nil {
			return nil, err
		}
		pixels, labels, err := f.read(ctx, p.Image, p.Classes, false, sums)
		if err != nil {
			return nil, err
		}
		return &Reading[T]{Samples: Pixels[T]{X: pixels, T: labels, Shape: p.Shape()}, Labelled: true}, nil
	}
	f, err := openSource(ctx, path, sums)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r *Reading[T]
	switch f.kind {
	case kindTable:
		r, err = ReadTable[T](f, path, p)
	case kindIDX:
		r, err = readIDXPrepared[T](ctx, f, path, labels, p, sums)
	default:
		r, err = readArrays[T](ctx, f, path, labels, p, sums)
	}
	if err != nil {
		return nil, err
	}
	return r, f.end()
}

// takes describes the samples of p, for an error message.
func (p *Preparation) takes() string {
	switch {
	case p.Image != nil:
		return fmt.Sprintf("pictures of %d x %d", p.Image.Width, p.Image.Height)
	case p.Array != nil:
		return "arrays of " + tensor.FormatShape(p.Array.Shape)
	}
	return "tables"
}

// ReadTable is [Read] for a table of text, plain or gzip, from r. name is its name in errors.
func ReadTable[T tensor.Float](r io.Reader, name string, p *Preparation) (*Reading[T], error) {
	if len(p.Columns) == 0 {
		return nil, fmt.Errorf("%s is a table, and the model takes %s", name, p.takes())
	}
	t, labelled, err := readPrepared(r, name, p)
	if err != nil {
		return nil, err
	}
	targets := *p
	if !labelled {
		targets.Targets = nil
	}
	all := sets[T](t, &targets, make([]uint8, t.rows))
	return &Reading[T]{Samples: all[trainPart], Labelled: labelled, Unused: t.unused}, nil
}

func readIDXPrepared[T tensor.Float](ctx context.Context, f *source, path, labelsPath string, p *Preparation, sums *fileSums) (*Reading[T], error) {
	x, labels, err := readIDXPair(ctx, f, path, labelsPath, sums)
	if err != nil {
		return nil, err
	}
	got, err := idxPreparation(x, path)
	switch {
	case err != nil:
		return nil, err
	case p.Image == nil || !slices.Equal(got.Shape(), p.Shape()):
		return nil, fmt.Errorf("%s holds pictures of %d x %d, and the model takes %s", path, got.Image.Width, got.Image.Height, p.takes())
	}
	labelled := labels != nil
	if !labelled {
		labels = make([]int, x.Shape[0])
	}
	if most := slices.Max(labels); len(p.Classes) > 0 && most >= len(p.Classes) {
		return nil, fmt.Errorf("%s has a label %d, and the model knows %d classes", path, most, len(p.Classes))
	}
	return &Reading[T]{Samples: Pixels[T]{X: x.Data, T: labels, Shape: p.Shape()}, Labelled: labelled}, nil
}

// ReadPicture prepares a picture as p says.
func ReadPicture(r io.Reader, name string, p *Preparation) ([]byte, error) {
	if p.Image == nil {
		return nil, fmt.Errorf("%s is a picture, and the model takes %s", name, p.takes())
	}
	img, err := picture.Decode(r, name)
	if err != nil {
		return nil, err
	}
	var pixels []byte
	if p.Image.Digit {
		pixels, err = picture.Digit(img)
	} else {
		pixels, err = picture.Resize(img, p.Image.Width, p.Image.Height, p.Image.Channels)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return pixels, nil
}
