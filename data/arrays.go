package data

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// readArrayFiles reads the samples and the targets of an npy or npz file. y is nil if there are
// no targets.
func readArrayFiles(ctx context.Context, f *source, path, targets string, sums *fileSums) (*npz, error) {
	if f.kind == kindNPZ && targets != "" {
		return nil, fmt.Errorf("%s is an npz file, which has its targets itself; leave out the file %s (--labels)", path, targets)
	}
	if f.kind == kindNPZ {
		return readNPZ(f, path)
	}
	x, err := ReadNPY(f, path)
	if err != nil {
		return nil, err
	}
	of, err := openTargets(ctx, path, targets, sums)
	if of == nil || err != nil {
		return &npz{x: x}, err
	}
	defer of.Close()
	y, err := ReadNPY(of, of.path)
	if err != nil {
		return nil, err
	}
	return &npz{x: x, y: y}, of.end()
}

func loadArrays[T tensor.Float](ctx context.Context, f *source, path string, o Options, sums *fileSums) (*Parts[T], error) {
	a, err := readArrayFiles(ctx, f, path, o.Labels, sums)
	if err != nil {
		return nil, err
	}
	if a.y == nil {
		return nil, fmt.Errorf("%s: name the file of its targets (--labels)", path)
	}
	p, err := arrayPreparation(a, path)
	if err != nil {
		return nil, err
	}
	n := a.x.Shape[0]
	if a.xTest != nil {
		o.Test = 0
	}
	keys := func() []uint64 {
		keys := make([]uint64, n)
		size := len(a.x.Numbers) / n
		hashNumbers(keys, a.x.Numbers, size, size)
		return keys
	}
	var classes []int
	if len(p.Targets) == 0 {
		for _, class := range a.y.Numbers {
			classes = append(classes, int(class))
		}
	}
	width := len(a.y.Numbers) / n
	part := split(n, o.Seed, o.Validation, o.Test, keys, classes,
		func(i int) uint64 { return hashRow(a.y.Numbers[i*width:][:width]) })
	p.Array.scale(a.x, o.Raw, part)
	for k := range p.Targets {
		p.Targets[k].Mean, p.Targets[k].Std = 0, 1
		if width := len(p.Targets); !o.Raw {
			p.Targets[k].Mean, p.Targets[k].Std = statistics(a.y.Numbers, n, width, k, 1, part)
		}
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	made := &Parts[T]{Preparation: p}
	for of, to := range []*Samples[T]{trainPart: &made.Train, validationPart: &made.Validation, testPart: &made.Test} {
		if slices.Contains(part, uint8(of)) {
			*to = arraySet[T](p, a.x, a.y, func(i int) bool { return part[i] == uint8(of) })
		}
	}
	if a.xTest != nil && o.TestPath == "" {
		if err := p.fits(a.xTest, a.yTest, path); err != nil {
			return nil, err
		}
		made.Test = arraySet[T](p, a.xTest, a.yTest, func(int) bool { return true })
	}
	return made, nil
}

// arrayPreparation describes the samples and targets of arrays, without their statistics.
func arrayPreparation(a *npz, path string) (*Preparation, error) {
	if len(a.x.Shape) < 2 || len(a.x.Numbers) == 0 {
		return nil, fmt.Errorf("%s: want samples of 1 axis or more, as (N, ...), got %s", path, tensor.FormatShape(a.x.Shape))
	}
	p := &Preparation{Array: &Array{Shape: a.x.Shape[1:]}}
	if a.y.Type[0] != 'f' {
		most := 0.0
		if len(a.y.Numbers) > 0 {
			most = slices.Max(a.y.Numbers)
		}
		if most < 1 || most >= mostClasses {
			return nil, fmt.Errorf("%s: want classes from 0 to at least 1 and at most %d, got %v", path, mostClasses-1, most)
		}
		p.Classes = classNames(int(most) + 1)
	} else {
		width := 1
		if len(a.y.Shape) > 1 {
			width, _ = tensor.Size(a.y.Shape[1:]...)
		}
		if width < 1 || width > mostColumns {
			return nil, fmt.Errorf("%s: want 1 to %d targets a sample, got %s", path, mostColumns, tensor.FormatShape(a.y.Shape))
		}
		for _, name := range classNames(width) {
			p.Targets = append(p.Targets, Column{Name: name, Std: 1})
		}
	}
	return p, p.fits(a.x, a.y, path)
}

// fits returns an error unless the arrays hold samples and targets as p says. y may be nil.
func (p *Preparation) fits(x, y *NPY, path string) error {
	if p.Array == nil {
		return fmt.Errorf("%s holds arrays, and the model takes %s", path, p.takes())
	}
	if len(x.Shape) < 2 || !slices.Equal(x.Shape[1:], p.Array.Shape) || x.Shape[0] == 0 {
		return fmt.Errorf("%s: want samples of %s, got the shape %s", path, tensor.FormatShape(p.Array.Shape), tensor.FormatShape(x.Shape))
	}
	for i, v := range x.Numbers {
		if math.IsNaN(v) || math.Abs(v) > math.MaxFloat32 {
			return fmt.Errorf("%s: sample %d holds %v; leave it out, or mend it", path, i*x.Shape[0]/len(x.Numbers), v)
		}
	}
	if y == nil {
		return nil
	}
	if want := x.Shape[0] * max(1, len(p.Targets)); len(y.Shape) == 0 || y.Shape[0] != x.Shape[0] || len(y.Numbers) != want {
		return fmt.Errorf("%s: want %d targets for %d samples, got %s", path, want, x.Shape[0], tensor.FormatShape(y.Shape))
	}
	for i, v := range y.Numbers {
		switch {
		case len(p.Targets) == 0 && (v < 0 || v >= float64(len(p.Classes)) || v != math.Trunc(v)):
			return fmt.Errorf("%s: the label of sample %d is %v; want a class from 0 to %d", path, i, v, len(p.Classes)-1)
		case math.IsNaN(v) || math.Abs(v) > math.MaxFloat32:
			return fmt.Errorf("%s: a target of sample %d is %v; leave it out, or mend it", path, i/max(1, len(p.Targets)), v)
		}
	}
	return nil
}

// scale sets Mean and Std from the training part: for each element of a row of numbers; for all
// elements together if a sample has more axes; and 0 and 255 if such samples are bytes, which
// are pixels.
func (a *Array) scale(x *NPY, raw bool, part []uint8) {
	size := len(x.Numbers) / x.Shape[0]
	switch {
	case raw:
		a.Mean, a.Std = []float64{0}, []float64{1}
	case x.Type == "u1" && len(a.Shape) > 1:
		a.Mean, a.Std = []float64{0}, []float64{255}
	case len(a.Shape) > 1 || size > mostColumns:
		mean, std := statistics(x.Numbers, x.Shape[0], size, 0, size, part)
		a.Mean, a.Std = []float64{mean}, []float64{std}
	default:
		a.Mean, a.Std = make([]float64, size), make([]float64, size)
		for k := range size {
			a.Mean[k], a.Std[k] = statistics(x.Numbers, x.Shape[0], size, k, 1, part)
		}
	}
}

// statistics returns the mean and the standard deviation of the elements k to k+width-1 of the
// rows in the training part.
func statistics(numbers []float64, n, row, k, width int, part []uint8) (mean, std float64) {
	var sum, squares float64
	count := 0
	for i := range n {
		if part[i] == trainPart {
			for _, v := range numbers[i*row+k:][:width] {
				sum += v
			}
			count += width
		}
	}
	mean = sum / float64(count)
	for i := range n {
		if part[i] == trainPart {
			for _, v := range numbers[i*row+k:][:width] {
				squares += float64((v - mean) * (v - mean))
			}
		}
	}
	return mean, deviation(mean, squares/float64(count))
}

// arraySet prepares the samples for which in returns true. If y is nil, all labels are 0.
func arraySet[T tensor.Float](p *Preparation, x, y *NPY, in func(int) bool) Set[T] {
	var rows []int
	for i := range x.Shape[0] {
		if in(i) {
			rows = append(rows, i)
		}
	}
	size := len(x.Numbers) / x.Shape[0]
	s := Set[T]{X: tensor.New[T](append([]int{len(rows)}, p.Array.Shape...)...)}
	width := len(p.Targets)
	if width > 0 && y != nil {
		s.Values = tensor.New[T](len(rows), width)
	} else {
		s.T = make([]int, len(rows))
	}
	each := 0
	if len(p.Array.Mean) > 1 {
		each = 1
	}
	for j, i := range rows {
		for k, v := range x.Numbers[i*size:][:size] {
			s.X.Data[j*size+k] = T((v - p.Array.Mean[each*k]) / p.Array.Std[each*k])
		}
		switch {
		case y == nil:
		case width == 0:
			s.T[j] = int(y.Numbers[i])
		default:
			for k, v := range y.Numbers[i*width:][:width] {
				s.Values.Data[j*width+k] = T((v - p.Targets[k].Mean) / p.Targets[k].Std)
			}
		}
	}
	return s
}

func readArrays[T tensor.Float](ctx context.Context, f *source, path, targets string, p *Preparation, sums *fileSums) (*Reading[T], error) {
	a, err := readArrayFiles(ctx, f, path, targets, sums)
	if err != nil {
		return nil, err
	}
	if err := p.fits(a.x, a.y, path); err != nil {
		return nil, err
	}
	return &Reading[T]{Samples: arraySet[T](p, a.x, a.y, func(int) bool { return true }), Labelled: a.y != nil}, nil
}
