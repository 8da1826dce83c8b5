package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// stroke writes a picture of a dark stroke on light paper.
func stroke(t *testing.T, width, height int, format string) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for y := height / 4; y < height-height/4; y++ {
		img.SetGray(width/2, y, color.Gray{})
	}
	return encode(t, img, format)
}

func encode(t *testing.T, img image.Image, format string) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	if format == "png" {
		err = png.Encode(&b, img)
	} else {
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 75})
	}
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "picture."+format, b.Bytes())
}

// idxFile writes an IDX file of zeros.
func idxFile(t *testing.T, shape ...int) string {
	t.Helper()
	n := 1
	for _, d := range shape {
		n *= d
	}
	var b bytes.Buffer
	if _, err := (&data.IDX{Shape: shape, Data: make([]byte, n)}).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return write(t, "images", b.Bytes())
}

// testPictures: MNIST digits enlarged, inverted and shifted keep their class in
// 98 of 100 cases, and pixels taken raw keep it always.
func testPictures(t *testing.T, file string, test data.MNISTSplit, predicted []prediction) {
	const n = 100
	for _, format := range []string{"png", "jpeg"} {
		rng := rand.New(rand.NewPCG(3, 4))
		args := []string{"predict", "--json", file}
		for i := range n {
			args = append(args, encode(t, enlarge(test.Images.Data[i*784:(i+1)*784], rng), format))
		}
		kept := 0
		for i, p := range lines[prediction](t, must(t, args...)) {
			if p.Class == predicted[i].Class {
				kept++
			}
		}
		if kept < 98 {
			t.Errorf("%s: %d of %d digits keep their class", format, kept, n)
		}
	}

	args := []string{"predict", "--json", "--raw", file}
	for i := range n {
		img := image.NewGray(image.Rect(0, 0, 28, 28))
		copy(img.Pix, test.Images.Data[i*784:(i+1)*784])
		args = append(args, encode(t, img, "png"))
	}
	for i, p := range lines[prediction](t, must(t, args...)) {
		if p.Class != predicted[i].Class || p.Probabilities[p.Class] != predicted[i].Probabilities[p.Class] {
			t.Errorf("raw digit %d: class %d, as IDX it was %d", i, p.Class, predicted[i].Class)
		}
	}
	if code, _, stderr := call(t, "predict", "--raw", file, stroke(t, 29, 28, "png")); code != exitFailure || !strings.Contains(stderr, "28") {
		t.Errorf("raw picture of another size: exit code %d, %s", code, stderr)
	}
	// A bad file does not keep the good ones from being classified.
	good := stroke(t, 60, 50, "png")
	code, stdout, stderr := call(t, "predict", file, "/no/such/file", good, t.TempDir())
	if code != exitFailure || strings.Count(stderr, "\n") != 2 || !strings.HasPrefix(stdout, good+"\t0\t1\t") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

// enlarge draws a digit black on white, 3 to 12 times as large, somewhere on
// a larger sheet.
func enlarge(digit []byte, rng *rand.Rand) image.Image {
	k := 3 + rng.IntN(10)
	side := 28 * k
	width, height := side+rng.IntN(side), side+rng.IntN(side)
	left, top := rng.IntN(width-side+1), rng.IntN(height-side+1)
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for y := range side {
		for x := range side {
			img.SetGray(left+x, top+y, color.Gray{Y: 255 - digit[y/k*28+x/k]})
		}
	}
	return img
}

// TestWithoutSoftmax: the logits of a model are found at any depth.
func TestWithoutSoftmax(t *testing.T) {
	affine := nn.NewAffine[float32](4, 3, train.Random(1, "weights"))
	softmax, relu := nn.NewSoftmax[float32](), nn.NewReLU[float32]()
	seq := nn.NewSequential[float32]
	for want, net := range map[string]*nn.Sequential[float32]{
		"Sequential(Affine(4->3))":               seq(affine, softmax),
		"Sequential(Affine(4->3), ReLU)":         seq(affine, relu),
		"Sequential(Sequential(Affine(4->3)))":   seq(seq(affine, softmax)),
		"Sequential(Affine(4->3), Sequential())": seq(affine, seq(softmax)),
		"Sequential(ReLU)":                       seq(relu, softmax, seq()),
		"Sequential(Softmax, Affine(4->3))":      seq(softmax, affine),
		"Sequential()":                           seq(),
	} {
		if got := fmt.Sprint(withoutSoftmax(net)); got != want {
			t.Errorf("%v without its softmax is %s, want %s", net, got, want)
		}
	}
}

// TestPredictNaN: a model whose results are no numbers has no class to tell.
func TestPredictNaN(t *testing.T) {
	affine := nn.NewAffine[float32](4, 3, train.Random(1, "weights"))
	affine.B.Value.Data[1] = float32(math.NaN())
	file := filepath.Join(t.TempDir(), "nan.safetensors")
	if err := model.Save(file, nn.NewSequential[float32](affine), 4); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, "predict", "--json", file, idxFile(t, 2, 2, 2))
	if code != exitFailure || stdout != "" || !strings.Contains(stderr, "sample 0: the model's result is not a number") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

// TestUntilDone: what blocks for ever does not keep Ctrl-C from ending it.
func TestUntilDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n, err := untilDone(ctx, func() (int, error) {
		cancel()
		select {}
	})
	if n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := untilDone(t.Context(), func() (int, error) { return 1, io.EOF }); n != 1 || err != io.EOF {
		t.Errorf("got %d, %v", n, err)
	}
}
