package picture

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
)

// mostWidth is the largest width and height that [Resize] takes, the same as of a JPEG.
const mostWidth = 1 << 16

// Resize scales a picture to width x height pixels, whatever its proportions, and returns
// its brightness, row by row. With 1 channel it is gray; with 3 channels, first all of red,
// then all of green, then all of blue. Transparent pixels are black.
//
// Each pixel becomes the mean of the area under it, rounded. A picture that already has the size
// does not change.
func Resize(img image.Image, width, height, channels int) ([]byte, error) {
	from := img.Bounds()
	switch {
	case width < 1 || height < 1 || channels != 1 && channels != 3:
		return nil, fmt.Errorf("want 1 pixel or more, and 1 or 3 channels, got %d x %d and %d", width, height, channels)
	case from.Empty():
		return nil, fmt.Errorf("the picture has no pixels: %d x %d", from.Dx(), from.Dy())
	case from.Dx() > mostWidth || from.Dy() > mostWidth:
		return nil, fmt.Errorf("the picture has %d x %d pixels, at most %d on a side are scaled; cut it", from.Dx(), from.Dy(), mostWidth)
	}
	out := make([]byte, channels*width*height)
	sums := make([]uint64, channels*width) // of the areas of a row of the result
	rows := &tile{img: img}
	area := uint64(from.Dx()) * uint64(from.Dy()) // the number of parts that a pixel of the result covers
	for j := range height {
		clear(sums)
		for y, dy := range under(j, height, from.Dy()) {
			row := rows.row(y)
			for i := range width {
				var sum [3]uint64
				for x, dx := range under(i, width, from.Dx()) {
					p := row[4*x : 4*x+3 : 4*x+3]
					if channels == 1 {
						sum[0] += uint64(dx) * uint64(luminance(p))
						continue
					}
					for c := range sum {
						sum[c] += uint64(dx) * uint64(p[c])
					}
				}
				for c := range channels {
					sums[c*width+i] += uint64(dy) * sum[c]
				}
			}
		}
		for c := range channels {
			for i := range width {
				out[(c*height+j)*width+i] = byte((sums[c*width+i] + area/2) / area)
			}
		}
	}
	return out, nil
}

// luminance is the formula of color.GrayModel.
func luminance(p []byte) uint8 {
	return uint8((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
}

// A tile is a few rows of a picture as RGBA, on black.
type tile struct {
	img  image.Image
	rgba *image.RGBA
	from int // the first row in it
}

// row returns the pixels of row y, 4 bytes each. They are valid until the next call.
func (t *tile) row(y int) []byte {
	b := t.img.Bounds()
	if t.rgba == nil {
		t.rgba = image.NewRGBA(image.Rect(0, 0, b.Dx(), min(16, b.Dy())))
		t.from = -16
	}
	if y < t.from || y >= t.from+t.rgba.Rect.Dy() {
		t.from = y
		draw.Draw(t.rgba, t.rgba.Rect, image.NewUniform(color.Black), image.Point{}, draw.Src)
		draw.Draw(t.rgba, t.rgba.Rect, t.img, b.Min.Add(image.Pt(0, y)), draw.Over)
	}
	return t.rgba.Pix[(y-t.from)*t.rgba.Stride:][:4*b.Dx()]
}

// Grey reports whether the kind of a picture has no colors.
func Grey(img image.Image) bool {
	switch img.ColorModel() {
	case color.GrayModel, color.Gray16Model:
		return true
	}
	palette, ok := img.ColorModel().(color.Palette)
	if !ok {
		return false
	}
	for _, c := range palette {
		if r, g, b, _ := c.RGBA(); r != g || g != b {
			return false
		}
	}
	return true
}
