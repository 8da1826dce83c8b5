package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"

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
		Short: "Classify pictures of digits (PNG, JPEG), IDX files or numbers in a text file",
		Long: `Classify the samples of files. The file - is standard input. A file is

  a picture of a digit (PNG or JPEG), prepared as the digits of MNIST were: made
  grey, inverted if its ink is darker than the paper at its border, the digit
  fitted into 20x20 pixels and centred by its mass in 28x28. How a camera was held
  (EXIF) is not looked at: turn the picture upright. With --raw its pixels are
  taken as they are, and it must have the model's own size;

  an IDX file, plain or gzip, whose images are taken as they are;

  a text, such as CSV, with one sample a line: its numbers, taken as they are, with
  commas, tabs or spaces between them.

A line of the result has four columns, with tabs between them: the file, the
number of the sample in it, counted from 0, its most probable class, and the
probability of that class. On a terminal a line above them names the columns.`,
		Example: `  chainrule predict model.safetensors seven.png
  echo 5.1,3.5,1.4,0.2 | chainrule predict iris.safetensors -`,
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
	for _, file := range files {
		var in samples
		err := untilDone(ctx, func() (err error) { // a pipe, or a picture that takes long
			in, err = c.read(file, raw)
			return err
		})
		if err == nil {
			if header {
				fmt.Fprintln(a.stdout, "file\tsample\tclass\tprobability")
				header = false
			}
			err = a.classify(ctx, c, file, in)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed.add(err)
	}
	return failed.err()
}

// samples are what a file holds, one after another: pixels of a byte each, or
// numbers.
type samples struct {
	pixels  []byte
	numbers []float64
}

func (s samples) len() int { return max(len(s.pixels), len(s.numbers)) }

// first returns the first sample of n numbers.
func (s samples) first(n int) (x []float64) {
	for i := range n {
		if s.pixels != nil {
			x = append(x, float64(s.pixels[i])/255)
		} else {
			x = append(x, s.numbers[i])
		}
	}
	return x
}

// copyTo copies the numbers from index first into x. A pixel becomes a number from
// 0 to 1.
func (s samples) copyTo(x []float32, first int) {
	for i := range x {
		if s.pixels != nil {
			x[i] = float32(s.pixels[first+i]) / 255
		} else {
			x[i] = float32(s.numbers[first+i])
		}
	}
}

// read returns the samples of a file.
func (c *classifier) read(path string, raw bool) (s samples, err error) {
	f, err := openInput(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	file, r := fileName(path), bufio.NewReader(f)
	begin, err := r.Peek(512)
	if err == io.EOF && len(begin) == 0 {
		return s, fmt.Errorf("%s is empty", file)
	} else if err != nil && err != io.EOF {
		return s, fmt.Errorf("reading %s: %w", file, err)
	}
	switch {
	case bytes.HasPrefix(begin, []byte{0, 0}) || bytes.HasPrefix(begin, []byte{0x1f, 0x8b}):
		s.pixels, err = c.readIDX(r, file)
	case http.DetectContentType(begin) == "text/plain; charset=utf-8":
		s.numbers, _, err = readNumbers[float64](r, file, c.pixels, 0)
	default:
		s.pixels, err = c.readPicture(r, file, raw)
	}
	return s, err
}

func (c *classifier) readIDX(r io.Reader, file string) ([]byte, error) {
	idx, err := data.ReadIDX(r, file)
	if err != nil {
		return nil, err
	}
	size, _ := tensor.Size(idx.Shape[1:]...)
	if len(idx.Shape) < 2 {
		return nil, fmt.Errorf("%s holds single numbers (labels?), and the model takes %s", file, tensor.FormatShape(c.Input))
	}
	if size != c.pixels {
		return nil, fmt.Errorf("%s holds samples of %s, and the model takes %s", file, tensor.FormatShape(idx.Shape[1:]), tensor.FormatShape(c.Input))
	}
	if len(idx.Data) == 0 {
		return nil, fmt.Errorf("%s holds no image", file)
	}
	return idx.Data, nil
}

func (c *classifier) readPicture(r io.Reader, file string, raw bool) ([]byte, error) {
	img, err := picture.Decode(r, file)
	if err != nil {
		return nil, err
	}
	var pixels []byte
	if raw {
		height, width, ok := c.side()
		if !ok {
			return nil, fmt.Errorf("%s is a picture, and the model takes %s, which is none", file, tensor.FormatShape(c.Input))
		}
		pixels, err = picture.Raw(img, width, height)
	} else {
		if c.pixels != picture.Side*picture.Side {
			return nil, fmt.Errorf("%s: a prepared digit has %d pixels, and the model takes %s; see --raw", file, picture.Side*picture.Side, tensor.FormatShape(c.Input))
		}
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
	Probabilities []number `json:"probabilities"`
}

// classify prints the class of each sample.
func (a *app) classify(ctx context.Context, c *classifier, file string, in samples) error {
	const most = 200 // at a time, for the memory of the results in between
	softmax := nn.NewSoftmax[float32]()
	pass := &nn.Pass[float32]{}
	total := in.len() / c.pixels
	for first := 0; first < total; first += most {
		var y *tensor.Tensor[float32]
		if err := untilDone(ctx, func() error {
			pass.Reset()
			x := pass.New(append([]int{min(most, total-first)}, c.Input...)...)
			in.copyTo(x.Data, first*c.pixels)
			y = softmax.Forward(pass, c.logits.Forward(pass, x))
			return nil
		}); err != nil {
			return err
		}
		for i, class := range nn.Classes(y) {
			row := y.Data[i*c.classes : (i+1)*c.classes]
			if row[class] != row[class] {
				return fmt.Errorf("%s, sample %d: the model's result is not a number; its training has diverged, or the file is damaged", fileName(file), first+i)
			}
			if !a.json {
				fmt.Fprintf(a.stdout, "%s\t%d\t%d\t%.4f\n", fileName(file), first+i, class, row[class])
				continue
			}
			p := prediction{file, first + i, class, make([]number, len(row))}
			for k, v := range row {
				p.Probabilities[k] = number(v)
			}
			a.printJSON(p)
		}
	}
	return nil
}
