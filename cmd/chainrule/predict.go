package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/data/picture"
	"github.com/chainrule-go/chainrule/internal/inputfile"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func (a *app) predictCommand() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "predict MODEL FILE...",
		Short: "Classify pictures of digits (PNG, JPEG) or the images of an IDX file",
		Long: `Classify pictures of digits (PNG or JPEG) or the images of an IDX file.

A picture is prepared as the digits of MNIST were: made grey, inverted if its
ink is darker than the paper at its border, the digit fitted into 20x20 pixels
and centred by its mass in 28x28. How a camera was held (EXIF) is not looked at:
turn the picture upright. With --raw its pixels are taken as they are, and it must have
the model's own size. The images of an IDX file, plain or gzip, are always taken
as they are.`,
		Args: arguments(2, math.MaxInt, "a model file and one or more files to classify"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.predict(cmd.Context(), args[0], args[1:], raw)
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
	for _, file := range files {
		images, err := c.open(ctx, file, raw)
		if err == nil {
			err = a.classify(ctx, c, file, images)
			images.Close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed.add(err)
	}
	return failed.err()
}

// images are the images of a file, to be read as bytes, c.pixels each. io.EOF says
// that the whole file is well-formed.
type images struct {
	io.Reader
	io.Closer
}

// open opens the images of a file, of which there is at least one.
func (c *classifier) open(ctx context.Context, file string, raw bool) (*images, error) {
	f, err := inputfile.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	im := &images{Closer: f}
	if err := untilDone(ctx, func() (err error) { // a picture may take long
		im.Reader, err = c.reader(f, file, raw)
		return err
	}); err != nil {
		f.Close()
		return nil, err
	}
	return im, nil
}

// reader is given the file, and returns what reads its images.
func (c *classifier) reader(f io.Reader, file string, raw bool) (io.Reader, error) {
	r := bufio.NewReader(f)
	begin, err := r.Peek(2)
	if err == io.EOF && len(begin) == 0 {
		return nil, fmt.Errorf("%s is empty", file)
	} else if err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if !bytes.HasPrefix(begin, []byte{0, 0}) && !bytes.HasPrefix(begin, []byte{0x1f, 0x8b}) {
		pixels, err := c.picture(r, file, raw)
		return bytes.NewReader(pixels), err
	}
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

// picture returns the pixels of a PNG or JPEG, as the model takes them.
func (c *classifier) picture(r io.Reader, file string, raw bool) ([]byte, error) {
	height, width, ok := c.side()
	switch {
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
	Probabilities []number `json:"probabilities"`
}

// classify prints the class of each image, as the images come.
func (a *app) classify(ctx context.Context, c *classifier, file string, images io.Reader) error {
	const most = 1000 // at a time, for the memory of the results in between
	softmax := nn.NewSoftmax[float32]()
	pass := &nn.Pass[float32]{}
	for first := 0; ; first += most {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		part, err := io.ReadAll(io.LimitReader(images, int64(most)*int64(c.pixels)))
		if err != nil || len(part) == 0 {
			return err
		}
		pass.Reset()
		x := pass.New(append([]int{len(part) / c.pixels}, c.Input...)...)
		data.Brightness(x.Data, part)
		y := softmax.Forward(pass, c.logits.Forward(pass, x))
		for i, class := range nn.Classes(y) {
			row := y.Data[i*c.classes : (i+1)*c.classes]
			if row[class] != row[class] {
				return fmt.Errorf("%s, image %d: the model's result is not a number; its training has diverged", file, first+i)
			}
			if !a.json {
				fmt.Fprintf(a.stdout, "%s\t%d\t%d\t%.4f\n", file, first+i, class, row[class])
				continue
			}
			p := prediction{file, first + i, class, make([]number, len(row))}
			for k, v := range row {
				p.Probabilities[k] = number(v)
			}
			a.printJSON(p)
		}
	}
}
