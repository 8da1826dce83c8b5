package picture

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"slices"
	"testing"
)

// A shape says how much ink there is at a point of its box, 1 high.
type shape struct {
	name  string
	width float64
	ink   func(x, y float64) bool
}

var shapes = []shape{
	{"one", 0.15, func(x, y float64) bool { return true }},
	{"slanted one", 0.5, func(x, y float64) bool { return math.Abs(x-0.06-0.38*(1-y)) < 0.06 }},
	{"ring", 0.8, func(x, y float64) bool {
		d := math.Hypot((x-0.4)/0.4, (y-0.5)/0.5)
		return 0.7 < d && d < 1
	}},
	{"seven", 0.6, func(x, y float64) bool { return y < 0.12 || math.Abs(x-0.54*(1-y)-0.03) < 0.06 }},
	{"dash", 3, func(x, y float64) bool { return true }},
}

// paint draws a shape of the given height at a place of a w x h picture.
func paint(s shape, w, h, left, top, height int, ink, paper color.Color) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(img, img.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	for y := range height {
		for x := range int(s.width * float64(height)) {
			if s.ink((float64(x)+0.5)/float64(height), (float64(y)+0.5)/float64(height)) {
				img.Set(left+x, top+y, ink)
			}
		}
	}
	return img
}

func mustDigit(t *testing.T, img image.Image) []byte {
	t.Helper()
	d, err := Digit(img)
	if err != nil {
		t.Fatal(err)
	}
	if len(d) != Side*Side {
		t.Fatalf("%d bytes, want %d", len(d), Side*Side)
	}
	return d
}

// distance returns the mean and the largest difference of two digits.
func distance(a, b []byte) (mean float64, most int) {
	for i := range a {
		d := max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
		mean += float64(d) / float64(len(a))
		most = max(most, d)
	}
	return mean, most
}

// inked returns how many pixels have ink.
func inked(d []byte) int { return len(d) - bytes.Count(d, []byte{0}) }

// rotate moves a digit by n pixels in reading order; its margins are empty.
func rotate(d []byte, n int) []byte {
	n = (n + len(d)) % len(d)
	return slices.Concat(d[n:], d[:n])
}

// grain makes a picture as unclean as a photo: light from one side, and noise.
func grain(src image.Image) image.Image {
	b := src.Bounds()
	out := image.NewGray(b)
	seed := uint32(1)
	for i := range out.Pix {
		seed = seed*1664525 + 1013904223
		v := color.GrayModel.Convert(src.At(i%b.Dx(), i/b.Dx())).(color.Gray).Y
		light := 0.7 + 0.2*float64(i%b.Dx())/float64(b.Dx())
		out.Pix[i] = uint8(float64(v)*light + float64(seed>>28))
	}
	return out
}

func jpegOf(t *testing.T, src image.Image, quality int) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, src, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	img, err := Decode(&b, "test.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestDigitIgnoresWhatIsNotShape(t *testing.T) {
	white, black, clear := color.White, color.Black, color.Transparent
	for _, s := range shapes {
		want := mustDigit(t, paint(s, 350, 150, 25, 25, 100, black, white))
		for _, c := range []struct {
			name string
			img  image.Image
			mean float64
		}{
			{"white on black", paint(s, 350, 150, 25, 25, 100, white, black), 0},
			{"grey on grey, dark", paint(s, 350, 150, 25, 25, 100, color.Gray{20}, color.Gray{110}), 0},
			{"red on yellow", paint(s, 350, 150, 25, 25, 100, color.NRGBA{200, 0, 0, 255}, color.NRGBA{255, 240, 120, 255}), 0},
			{"yellow on blue", paint(s, 350, 150, 25, 25, 100, color.NRGBA{255, 240, 0, 255}, color.NRGBA{0, 0, 160, 255}), 0},
			{"black on nothing", paint(s, 350, 150, 25, 25, 100, black, clear), 0},
			{"white on nothing", paint(s, 350, 150, 25, 25, 100, white, clear), 0},
			{"top left", paint(s, 350, 150, 1, 1, 100, black, white), 0},
			{"bottom right", paint(s, 350, 150, 49, 49, 100, black, white), 0},
			{"small on a large page", paint(s, 700, 700, 350, 50, 100, black, white), 0},
			{"bounds not at the origin", paint(s, 450, 200, 75, 60, 100, black, white).SubImage(image.Rect(60, 50, 425, 195)), 0},
			{"larger", paint(s, 1250, 500, 25, 25, 400, black, white), 1},
			{"smaller", paint(s, 180, 80, 15, 10, 50, black, white), 4},
			{"JPEG 60", jpegOf(t, paint(s, 350, 150, 25, 25, 100, black, white), 60), 1},
			{"JPEG 60, coloured", jpegOf(t, paint(s, 350, 150, 25, 25, 100, color.NRGBA{200, 0, 0, 255}, color.NRGBA{255, 240, 120, 255}), 60), 2},
			{"photo", jpegOf(t, grain(paint(s, 350, 150, 25, 25, 100, black, white)), 75), 3},
		} {
			t.Run(s.name+"/"+c.name, func(t *testing.T) {
				got := mustDigit(t, c.img)
				mean, most := distance(got, want)
				if c.mean > 0 { // a centre of mass between two pixels may be rounded either way
					for _, shift := range []int{-Side - 1, -Side, -Side + 1, -1, 1, Side - 1, Side, Side + 1} {
						m, _ := distance(rotate(got, shift), want)
						mean = min(mean, m)
					}
				}
				if inked(got) > inked(want)*5/4 {
					t.Errorf("%d pixels have ink, want about %d: some of it is noise", inked(got), inked(want))
				}
				if mean > c.mean {
					t.Errorf("differs by %.2f in the mean and %d at most, want a mean of at most %g", mean, most, c.mean)
				}
			})
		}
	}
}

func TestDigitFitsAndCentres(t *testing.T) {
	for _, s := range shapes {
		for _, height := range []int{20, 33, 100, 157, 210} {
			d := mustDigit(t, paint(s, 700, 300, 37, 61, height, color.Black, color.White))
			var box image.Rectangle
			var mass, mx, my float64
			for i, v := range d {
				if v > 0 {
					box = box.Union(image.Rect(i%Side, i/Side, i%Side+1, i/Side+1))
				}
				mass += float64(v)
				mx += float64(v) * float64(i%Side)
				my += float64(v) * float64(i/Side)
			}
			if long := max(box.Dx(), box.Dy()); long != 20 {
				t.Errorf("%s of height %d: the box is %v, want 20 in its longer side", s.name, height, box)
			}
			if x, y := mx/mass, my/mass; math.Abs(x-14) > 0.5 || math.Abs(y-14) > 0.5 {
				t.Errorf("%s of height %d: the centre of mass is (%.2f, %.2f), want (14, 14) within half a pixel", s.name, height, x, y)
			}
			if slices.Max(d) != 255 {
				t.Errorf("%s of height %d: the strongest ink is %d, want 255", s.name, height, slices.Max(d))
			}
		}
	}
}

// A digit that is as MNIST's are comes back as it is, and so does one enlarged
// without smoothing.
func TestDigitKeepsWhatIsPrepared(t *testing.T) {
	for _, s := range shapes {
		want := mustDigit(t, paint(s, 350, 150, 25, 25, 100, color.Black, color.White))
		for i, v := range want {
			if v < boxed { // fainter ink would be taken for paper, or left out of the box
				want[i] = 0
			}
		}
		want = mustDigit(t, &image.Gray{Pix: want, Stride: Side, Rect: image.Rect(0, 0, Side, Side)}) // which may move its centre
		for _, k := range []int{1, 2, 7} {
			big := image.NewGray(image.Rect(0, 0, Side*k+11, Side*k+5))
			for y := range Side * k {
				for x := range Side * k {
					big.SetGray(x+4, y+2, color.Gray{want[y/k*Side+x/k]})
				}
			}
			if got := mustDigit(t, big); !bytes.Equal(got, want) {
				mean, most := distance(got, want)
				t.Errorf("%s, %d times larger: differs by %.2f in the mean, %d at most", s.name, k, mean, most)
			}
		}
	}
}

func TestDigitOfAPoint(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 9, 9))
	img.SetGray(2, 7, color.Gray{255})
	if got := bytes.Count(mustDigit(t, img), []byte{255}); got != 20*20 {
		t.Errorf("%d bright pixels, want a square of 20 x 20", got)
	}
}

func TestDigitOfALine(t *testing.T) {
	for _, size := range []image.Point{{1, 500}, {500, 1}, {1, 20_000}} {
		img := image.NewGray(image.Rectangle{Max: size.Add(image.Pt(40, 40))})
		draw.Draw(img, image.Rectangle{Max: size}.Add(image.Pt(20, 20)), image.White, image.Point{}, draw.Src)
		want := make([]byte, Side*Side)
		for i := range 20 { // centred at index 14 or, as a length of 20 has its centre between two pixels, half a pixel off
			if size.X < size.Y {
				want[(i+5)*Side+14] = 255
			} else {
				want[14*Side+i+5] = 255
			}
		}
		if got := mustDigit(t, img); !bytes.Equal(got, want) {
			t.Errorf("a line of %v: not a line of 20 pixels through the centre", size)
		}
	}
}

// A heavy end far from the middle would push the other end over the edge.
func TestDigitLosesNoInk(t *testing.T) {
	for _, foot := range []image.Rectangle{image.Rect(60, 230, 240, 250), image.Rect(60, 50, 240, 70), image.Rect(50, 60, 70, 240), image.Rect(230, 60, 250, 240)} {
		img := image.NewGray(image.Rect(0, 0, 300, 300))
		draw.Draw(img, foot, image.White, image.Point{}, draw.Src)
		if foot.Dx() > foot.Dy() {
			draw.Draw(img, image.Rect(148, 50, 152, 250), image.White, image.Point{}, draw.Src)
		} else {
			draw.Draw(img, image.Rect(50, 148, 250, 152), image.White, image.Point{}, draw.Src)
		}
		var box image.Rectangle
		for i, v := range mustDigit(t, img) {
			if v > 0 {
				box = box.Union(image.Rect(i%Side, i/Side, i%Side+1, i/Side+1))
			}
		}
		if max(box.Dx(), box.Dy()) != 20 || min(box.Dx(), box.Dy()) != 18 {
			t.Errorf("heavy end at %v: the box is %v, want 20 and 18", foot, box)
		}
	}
}

func TestDigitBlank(t *testing.T) {
	faint := paint(shapes[2], 150, 150, 25, 25, 100, color.Gray{240}, color.White)
	for _, tt := range []struct {
		name string
		img  image.Image
	}{
		{"white", image.NewGray(image.Rect(0, 0, 50, 60))},
		{"transparent", image.NewNRGBA(image.Rect(0, 0, 50, 60))},
		{"one pixel", image.NewGray(image.Rect(0, 0, 1, 1))},
		{"no pixel", image.NewGray(image.Rect(0, 0, 0, 0))},
		{"no height", image.NewGray(image.Rect(0, 0, 5, 0))},
		{"no width", image.NewGray(image.Rect(0, 0, 0, 5))},
		{"faint", faint},
		{"faint JPEG", jpegOf(t, faint, 60)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Digit(tt.img); !errors.Is(err, ErrBlank) {
				t.Errorf("error %v, want ErrBlank", err)
			}
		})
	}
}

func TestDigitLeavesThePicture(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 30, 30))
	img.Pix[15*30+15] = 200
	was := slices.Clone(img.Pix)
	mustDigit(t, img)
	if !bytes.Equal(img.Pix, was) {
		t.Error("the picture was modified")
	}
}

func TestRaw(t *testing.T) {
	for _, size := range []image.Point{{16, 40}, {5000, 3}, {9000, 35}} { // less and more than a tile
		img := image.NewGray(image.Rectangle{Max: size}.Add(image.Pt(3, 5)))
		for i := range img.Pix {
			img.Pix[i] = uint8(i * i >> 5)
		}
		got, err := Raw(img, size.X, size.Y)
		if err != nil || !bytes.Equal(got, img.Pix) {
			t.Errorf("%v grey pixels are not as they are (error %v)", size, err)
		}
	}

	colours := image.NewNRGBA(image.Rect(0, 0, 4, 1))
	for x, c := range []color.Color{color.White, color.Transparent, color.NRGBA{255, 0, 0, 255}, color.NRGBA{255, 255, 255, 128}} {
		colours.Set(x, 0, c)
	}
	if got, err := Raw(colours, 4, 1); err != nil || !bytes.Equal(got, []byte{255, 0, 76, 128}) {
		t.Errorf("white, transparent, red, half white: %v, %v; want 255 0 76 128", got, err)
	}

	const want = "the picture has 16 x 40 pixels, and raw wants 28 x 28: scale it, or have it prepared"
	if _, err := Raw(image.NewGray(image.Rect(3, 5, 19, 45)), 28, 28); err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}

func BenchmarkDigit(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420) // a photo of 12 megapixels
	for i := range img.Y {
		img.Y[i] = 200
		if x, y := i%4000, i/4000; 1500 < x && x < 2500 && 500 < y && y < 2500 && (x-y)%900 < 200 {
			img.Y[i] = 30
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	for b.Loop() {
		if _, err := Digit(img); err != nil {
			b.Fatal(err)
		}
	}
}
