package picture

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"iter"
	"slices"
)

// Side is the width and the height of the result of [Digit].
const Side = 28

const (
	fit         = 20 // the longer side of the digit's box, inside Side
	minContrast = 24 // of 255: yellow felt pen on white has 29, a good photo of blank paper less, by its noise
	weakest     = 25 // of 255: ink weaker than this is paper; JPEG ripples around a stroke stay below
	boxed       = 64 // of 255: ink weaker than this does not widen the box, which the noise of JPEG would do
)

// ErrBlank is the error of [Digit] for a picture without ink.
var ErrBlank = errors.New("the picture shows no digit: nothing on it differs from its border; write darker or light it better")

// Digit prepares a picture of one digit in the way of MNIST. It returns Side*Side bytes, row by
// row: 0 for paper, 255 for the strongest ink.
//
// LeCun, Cortes and Burges (http://yann.lecun.com/exdb/mnist/) scaled each digit "to fit in
// a 20x20 pixel box while preserving their aspect ratio", with the gray levels of
// anti-aliasing, and placed its center of mass at the center of 28 x 28 pixels: in their
// files, always within half a pixel of index 14. Here each pixel is the mean of the area
// under it, which comes nearest to their files (mean difference of an enlarged MNIST digit:
// 0.6 of 255; by Catmull-Rom 2.6). A digit that would lose ink over the edge is moved back
// inside.
//
// The paper is the median brightness of the picture's border. Ink is what differs from it
// in the same direction as the pixel that differs most: so black on white and chalk on a
// board are the same, and so is a dim photo. Paper that is lit unevenly is distinguished
// from ink by how much the border varies. Transparent pixels are white paper; if nothing is
// visible on that, they are black paper, so that white ink is found as well.
//
// Anything else on the paper, such as a ruled line, a shadow or a second digit, counts as
// ink. The error for a blank picture is [ErrBlank].
func Digit(img image.Image) ([]byte, error) {
	for _, paper := range []color.Color{color.White, color.Black} {
		g := gray(img, paper)
		if ink, box := findInk(g); !box.Empty() {
			return center(shrink(g, box, &ink)), nil
		}
	}
	return nil, ErrBlank
}

// Raw returns the brightness of the pixels as they are, row by row: 0 for black and
// transparent, 255 for white. It is for pictures that are already prepared. A picture that
// is not width x height is an error.
func Raw(img image.Image, width, height int) ([]byte, error) {
	if got := img.Bounds(); got.Dx() != width || got.Dy() != height {
		return nil, fmt.Errorf("the picture has %d x %d pixels, and raw wants %d x %d: scale it, or have it prepared", got.Dx(), got.Dy(), width, height)
	}
	return gray(img, color.Black).Pix, nil
}

// gray returns the luminance of img on paper, which may be img itself. It converts the
// picture in tiles, which package draw does fast for every kind of picture, so that there is
// no second copy of a large photo in color.
func gray(img image.Image, paper color.Color) *image.Gray {
	from := img.Bounds()
	if g, ok := img.(*image.Gray); ok && from.Min == (image.Point{}) && g.Stride == from.Dx() {
		return g
	}
	out := image.NewGray(image.Rect(0, 0, from.Dx(), from.Dy()))
	tile := image.NewRGBA(image.Rect(0, 0, min(from.Dx(), 4096), min(from.Dy(), 16)))
	background := image.NewUniform(paper)
	for y := 0; y < out.Rect.Dy(); y += tile.Rect.Dy() {
		for x := 0; x < out.Rect.Dx(); x += tile.Rect.Dx() {
			draw.Draw(tile, tile.Rect, background, image.Point{}, draw.Src)
			draw.Draw(tile, tile.Rect, img, from.Min.Add(image.Pt(x, y)), draw.Over)
			for dy := range min(tile.Rect.Dy(), out.Rect.Dy()-y) {
				row := tile.Pix[dy*tile.Stride:]
				pix := out.Pix[(y+dy)*out.Stride+x:][:min(tile.Rect.Dx(), out.Rect.Dx()-x)]
				for i := range pix {
					p := row[4*i : 4*i+3 : 4*i+3]
					pix[i] = luminance(p)
				}
			}
		}
	}
	return out
}

// findInk returns how strong the ink of each brightness is, 0 to 255, and the box around
// all ink, which is empty if there is none.
func findInk(g *image.Gray) (ink [256]uint8, box image.Rectangle) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if w == 0 || h == 0 {
		return
	}
	border := borderOf(g)
	paper, dark, bright := int(border.rank(1, 2)), int(slices.Min(g.Pix)), int(slices.Max(g.Pix))
	sign, peak, uneven := 1, bright-paper, border.rank(19, 20)
	if paper-dark > peak {
		sign, peak, uneven = -1, paper-dark, border.rank(1, 20)
	}
	if peak < minContrast {
		return
	}
	for v := range ink {
		ink[v] = uint8(min(max(sign*(v-paper), 0), peak) * 255 / peak)
	}

	// The border is paper. So whatever differs from its median by up to twice the difference
	// within the border is paper too; but at most half of the strength, since the digit may
	// touch the border.
	shade := uint8(min(2*int(ink[uneven]), 127))
	for v := range ink {
		if ink[v] < max(weakest, shade) {
			ink[v] = 0
		}
	}
	edge := max(boxed, shade)
	for y := range h {
		row := g.Pix[w*y : w*y+w]
		left := slices.IndexFunc(row, func(v uint8) bool { return ink[v] >= edge })
		if left < 0 {
			continue
		}
		right := w
		for ink[row[right-1]] < edge {
			right--
		}
		box = box.Union(image.Rect(left, y, right, y+1))
	}
	return ink, box
}

// A histogram counts how often each brightness occurs.
type histogram [256]int

// borderOf counts the pixels of the border. It counts the corners twice.
func borderOf(g *image.Gray) *histogram {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	var border histogram
	for x := range w {
		border[g.Pix[x]]++
		border[g.Pix[w*(h-1)+x]]++
	}
	for y := range h {
		border[g.Pix[w*y]]++
		border[g.Pix[w*y+w-1]]++
	}
	return &border
}

// rank returns the brightness at part/parts of the sorted pixels.
func (n *histogram) rank(part, parts int) uint8 {
	total := 0
	for _, count := range n {
		total += count
	}
	at := int(int64(total) * int64(part) / int64(parts))
	for v, count := range n {
		if at -= count; at < 0 {
			return uint8(v)
		}
	}
	return 255
}

// shrink scales the box of g to at most fit x fit pixels. Each pixel becomes the mean of
// the ink in the area under it. Then the strongest is scaled to 255: in MNIST a thin stroke
// is not pale either.
func shrink(g *image.Gray, box image.Rectangle, ink *[256]uint8) *image.Gray {
	long := max(box.Dx(), box.Dy())
	w := max(1, (2*fit*box.Dx()+long)/(2*long)) // rounded
	h := max(1, (2*fit*box.Dy()+long)/(2*long))
	sums := make([]uint64, w*h) // of at most 255 * maxPixels
	for j := range h {
		for y, dy := range under(j, h, box.Dy()) {
			row := g.Pix[g.PixOffset(box.Min.X, box.Min.Y+y):][:box.Dx()]
			for i := range w {
				var sum uint64
				for x, dx := range under(i, w, box.Dx()) {
					sum += uint64(dx) * uint64(ink[row[x]])
				}
				sums[j*w+i] += uint64(dy) * sum
			}
		}
	}
	out := image.NewGray(image.Rect(0, 0, w, h))
	most := slices.Max(sums)
	for i, s := range sums {
		out.Pix[i] = uint8((255*s + most/2) / most)
	}
	return out
}

// under yields which of n pixels lie under pixel i of m pixels that cover the same length,
// and for each the part of its length that does, in units of 1/m.
func under(i, m, n int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		from, to := i*n, (i+1)*n
		for x := from / m; x*m < to; x++ {
			if !yield(x, min((x+1)*m, to)-max(x*m, from)) {
				return
			}
		}
	}
}

// center places the digit on Side x Side pixels, with its center of mass within half a pixel of
// index Side/2 in both directions.
func center(digit *image.Gray) []byte {
	w, h := digit.Rect.Dx(), digit.Rect.Dy()
	var mass, mx, my int
	for i, v := range digit.Pix {
		mass += int(v)
		mx += int(v) * (i % w)
		my += int(v) * (i / w)
	}
	offset := func(moment, size int) int {
		o := (Side*mass - 2*moment + mass) / (2 * mass) // Side/2 - moment/mass, rounded
		return min(max(o, 0), Side-size)
	}
	left, top := offset(mx, w), offset(my, h)
	out := make([]byte, Side*Side)
	for y := range h {
		copy(out[(top+y)*Side+left:], digit.Pix[y*w:y*w+w])
	}
	return out
}
