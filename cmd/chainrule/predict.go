package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/data/picture"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func (a *app) predictCommand() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "predict MODEL FILE...",
		Short: "Predict the classes or values of pictures, tables and other files",
		Long: `Predict the samples of files. The file - is standard input. They are prepared as in
the training, which the model file describes: the columns of a table (CSV, TSV) are
found by name, scaled and filled in the same way; pictures (PNG, JPEG, GIF) are
scaled to the model's size. A file may also be an IDX file, plain or gzip, an npy or
npz file, or a folder, of which all pictures are taken, in folders or not. MODEL may be
the folder of a run: the model at its end, or else the best one so far.

A picture of a digit, for a model trained on MNIST, is prepared as MNIST's were: made
gray, inverted if its ink is darker than the paper at its border, the digit
fitted into 20x20 pixels and centered by its mass in 28x28. How a camera was held
(EXIF) is not looked at: turn the picture upright. With --raw its pixels are
taken as they are, and it must have the model's own size.

A model that does not say how its samples were prepared takes pictures of digits, and
texts with one sample a line: its numbers, taken as they are, with commas, tabs or
spaces between them.

A line of the result has four columns, with tabs between them: the file, the
number of the sample in it, counted from 0, its most probable class, and the
probability of that class. Of a model of numbers, they are the file, the number of
the sample, and the predicted numbers. On a terminal a line above names the columns.`,
		Example: `  chainrule predict model.safetensors seven.png
  chainrule predict iris.safetensors new.csv`,
		Args: arguments(2, math.MaxInt, "a model file and one or more files to classify"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.predict(cmd.Context(), args[0], args[1:], raw)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return modelFiles()
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "take the pixels of pictures as they are")
	return cmd
}

func (a *app) predict(ctx context.Context, path string, files []string, raw bool) error {
	c, err := loadClassifier(ctx, path)
	if err != nil {
		return err
	}
	// One bad file does not keep the others from being classified.
	var failed failures
	header := a.terminal && !a.json
	for _, file := range c.withPictures(ctx, files, &failed) {
		in, err := c.open(ctx, file, raw)
		if err == nil {
			if header {
				fmt.Fprintln(a.stdout, "file\tsample\t"+c.resultNames())
				header = false
			}
			err = a.classify(ctx, c, file, in)
			in.Close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed.add(err)
	}
	return failed.err()
}

// withPictures returns the files, with its pictures in place of each folder of them.
func (c *classifier) withPictures(ctx context.Context, files []string, failed *failures) (all []string) {
	for _, file := range files {
		if !isFolder(file) || c.Preparation != nil && c.Preparation.Image == nil {
			all = append(all, file)
			continue
		}
		pictures, err := data.Pictures(ctx, file)
		failed.add(err)
		all = append(all, pictures...)
	}
	return all
}

// samples are some samples of a file, one after another: pixels of a byte each, or
// numbers.
type samples struct {
	pixels  []byte
	numbers []float64
}

func (s samples) len() int { return max(len(s.pixels), len(s.numbers)) }

// copySamples copies the numbers of s into x. A pixel becomes a number from 0 to 1.
func copySamples[T tensor.Float](x []T, s samples) {
	if s.pixels != nil {
		data.Brightness(x, s.pixels)
		return
	}
	for i, v := range s.numbers {
		x[i] = T(v)
	}
}

// input is the samples of a file as they are read.
type input struct {
	pixels  io.Reader // whose io.EOF says that the whole file is well-formed; or
	numbers []float64 // those that are left
	io.Closer
}

// next returns the next samples, at most most numbers of them. It returns none at the end.
func (in *input) next(most int) (s samples, err error) {
	if in.pixels != nil {
		s.pixels, err = io.ReadAll(io.LimitReader(in.pixels, int64(most)))
		return s, err
	}
	n := min(most, len(in.numbers))
	s.numbers, in.numbers = in.numbers[:n], in.numbers[n:]
	return s, nil
}

// resultNames are the columns of the results.
func (c *classifier) resultNames() string {
	if !c.values() {
		return "class\tprobability"
	}
	var names []string
	for i := range c.Preparation.Targets {
		names = append(names, shortened(c.Preparation.Targets[i].Name))
	}
	return strings.Join(names, "\t")
}

// open opens the samples of a file, of which there is at least one.
func (c *classifier) open(ctx context.Context, path string, raw bool) (*input, error) {
	if c.Preparation != nil && c.Preparation.Array != nil || isFolder(path) {
		return untilDone(ctx, func() (*input, error) { return c.readPrepared(ctx, path) })
	}
	f, err := openInput(ctx, path)
	if err != nil {
		return nil, err
	}
	in, err := untilDone(ctx, func() (*input, error) { return c.begin(f, fileName(path), raw) }) // a picture may take long
	if err != nil {
		f.Close()
	}
	return in, err
}

// begin finds out what a file is and reads as much of it as that takes.
func (c *classifier) begin(f io.ReadCloser, file string, raw bool) (*input, error) {
	in, r := &input{Closer: f}, bufio.NewReader(f)
	begin, err := r.Peek(512)
	if err == io.EOF && len(begin) == 0 {
		return nil, fmt.Errorf("%s is empty", file)
	} else if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	table := c.Preparation != nil && len(c.Preparation.Columns) > 0
	switch {
	case bytes.HasPrefix(begin, []byte{0, 0}) || bytes.HasPrefix(begin, []byte{0x1f, 0x8b}) && !table:
		in.pixels, err = c.readIDX(r, file)
	case table, http.DetectContentType(begin) == "text/plain; charset=utf-8":
		err = c.readText(in, r, file)
	default:
		var pixels []byte
		pixels, err = c.readPicture(r, file, raw)
		in.pixels = bytes.NewReader(pixels)
	}
	return in, err
}

// readPrepared reads all samples of a file or folder as the model says.
func (c *classifier) readPrepared(ctx context.Context, path string) (*input, error) {
	read, err := preparedSamples[float64](ctx, c, path, "")
	if err != nil {
		return nil, err
	}
	return &input{numbers: read.Set().X.Data, Closer: io.NopCloser(nil)}, nil
}

// readText reads all samples of a table, or of a text of numbers if the model does not say
// how they are prepared.
func (c *classifier) readText(in *input, r io.Reader, file string) (err error) {
	if c.Preparation == nil {
		in.numbers, _, err = readNumbers[float64](r, file, c.pixels, 0)
		return err
	}
	inputs := *c.Preparation // what is predicted may be there, empty or new, and is not looked at
	inputs.Label, inputs.Targets = "", nil
	read, err := data.ReadTable[float64](r, file, &inputs)
	if err == nil {
		in.numbers = read.Set().X.Data
	}
	return err
}

func (c *classifier) readIDX(r io.Reader, file string) (io.Reader, error) {
	in, err := data.NewIDXReader(r, file)
	if err != nil {
		return nil, err
	}
	sample := in.Shape[1:]
	size, _ := tensor.Size(sample...)
	switch {
	case len(sample) == 0:
		return nil, fmt.Errorf("%s holds single numbers (labels?), and the model takes %s", file, tensor.FormatShape(c.Input))
	case size != c.pixels:
		return nil, fmt.Errorf("%s holds samples of %s, and the model takes %s", file, tensor.FormatShape(sample), tensor.FormatShape(c.Input))
	case in.Shape[0] == 0:
		return nil, fmt.Errorf("%s holds no images; name a file that has some", file)
	}
	return in, nil
}

// readPicture returns the pixels of a picture, as the model takes them.
func (c *classifier) readPicture(r io.Reader, file string, raw bool) ([]byte, error) {
	if c.Preparation != nil && !raw {
		return data.ReadPicture(r, file, c.Preparation)
	}
	height, width, ok := c.side()
	switch {
	case raw && c.Preparation != nil && c.Preparation.Image != nil && c.Preparation.Image.Channels != 1:
		return nil, fmt.Errorf("%s: --raw takes grey pictures, and the model takes pictures in color; leave --raw out", file)
	case raw && !ok:
		return nil, fmt.Errorf("%s is a picture, and the model takes %s, which is none", file, tensor.FormatShape(c.Input))
	case !raw && c.pixels != picture.Side*picture.Side:
		return nil, fmt.Errorf("%s: a prepared digit has %d pixels, and the model takes %s; see --raw", file, picture.Side*picture.Side, tensor.FormatShape(c.Input))
	}
	img, err := picture.Decode(r, file)
	if err != nil {
		return nil, err
	}
	var pixels []byte
	if raw {
		pixels, err = picture.Raw(img, width, height)
	} else {
		pixels, err = picture.Digit(img)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return pixels, nil
}

// side returns the height and width of the pictures the model takes: its last
// two axes, or a square if it has but one.
func (c *classifier) side() (height, width int, ok bool) {
	if n := len(c.Input); n >= 2 {
		height, width = c.Input[n-2], c.Input[n-1]
	} else {
		height = int(math.Sqrt(float64(c.pixels)))
		width = height
	}
	return height, width, height > 0 && height*width == c.pixels
}

// prediction is a line of predict --json.
type prediction struct {
	File          string   `json:"file"`
	Index         int      `json:"index"`
	Class         int      `json:"class"`
	Name          string   `json:"name,omitempty"` // of the class
	Probabilities []number `json:"probabilities"`
}

// predictedValues is a line of predict --json of a model of numbers.
type predictedValues struct {
	File   string            `json:"file"`
	Index  int               `json:"index"`
	Values map[string]number `json:"values"`
}

// classify prints what is predicted of each sample, as the samples come.
func (a *app) classify(ctx context.Context, c *classifier, file string, in *input) error {
	most := c.part() // at a time
	softmax := nn.NewSoftmax[float32]()
	pass := &nn.Pass[float32]{}
	for first := 0; ; first += most {
		y, err := untilDone(ctx, func() (y *tensor.Tensor[float32], err error) {
			part, err := in.next(most * c.pixels)
			if err != nil || part.len() == 0 {
				return nil, err
			}
			pass.Reset()
			x := pass.New(append([]int{part.len() / c.pixels}, c.Input...)...)
			copySamples(x.Data, part)
			y = c.logits.Forward(pass, x)
			if c.values() {
				data.Restore(c.Preparation, y.Data)
			} else {
				y = softmax.Forward(pass, y)
			}
			return y, nil
		})
		if err != nil || y == nil {
			return err
		}
		for i := range y.Shape[0] {
			if err := a.printPrediction(c, file, first+i, y.Data[i*c.classes:(i+1)*c.classes]); err != nil {
				return err
			}
		}
	}
}

// printPrediction prints what is predicted of a sample: probabilities or values.
func (a *app) printPrediction(c *classifier, file string, sample int, row []float32) error {
	if slices.ContainsFunc(row, func(v float32) bool { return v != v }) {
		return fmt.Errorf("%s, sample %d: the model's result is not a number: %s", fileName(file), sample, c.notFinite())
	}
	if c.values() {
		values, columns := map[string]number{}, ""
		for k, v := range row {
			values[c.Preparation.Targets[k].Name] = number(v)
			columns += "\t" + strconv.FormatFloat(float64(v), 'g', -1, 32)
		}
		if a.json {
			a.printJSON(predictedValues{file, sample, values})
		} else {
			fmt.Fprintf(a.stdout, "%s\t%d%s\n", fileName(file), sample, columns)
		}
		return nil
	}
	class := nn.Classes(tensor.Of(row, 1, len(row)))[0]
	if !a.json {
		fmt.Fprintf(a.stdout, "%s\t%d\t%s\t%.4f\n", fileName(file), sample, shortened(c.className(class)), row[class])
		return nil
	}
	p := prediction{File: file, Index: sample, Class: class, Probabilities: make([]number, len(row))}
	if c.Preparation != nil && len(c.Preparation.Classes) > 0 {
		p.Name = c.className(class)
	}
	for k, v := range row {
		p.Probabilities[k] = number(v)
	}
	a.printJSON(p)
	return nil
}
