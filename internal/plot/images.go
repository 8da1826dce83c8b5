package plot

import (
	"fmt"
	"image"
	"strings"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Images are pictures in rows, each with lines of text below it, such as the filters of a
// convolution or the worst mistakes. Small pictures are enlarged so that each pixel is
// visible.
type Images struct {
	Title   string
	Columns int // 6 if 0
	Images  []Image
}

// An Image is one picture of Images.
type Image struct {
	Picture image.Image
	Caption string // one or more lines
}

func (f Images) Name() string { return f.Title }

func (f Images) check() error {
	if f.Columns < 0 {
		return fmt.Errorf("plot: want 1 or more pictures a row, got %d", f.Columns)
	}
	for i, m := range f.Images {
		if m.Picture == nil || m.Picture.Bounds().Empty() {
			return fmt.Errorf("plot: picture %d of %q is empty", i+1, f.Title)
		}
	}
	return nil
}

// layout returns the number of columns and rows, the width of a picture, and the height of
// a picture with its caption.
func (f Images) layout(width, em vg.Length) (columns, rows int, side, row vg.Length) {
	columns = f.Columns
	if columns == 0 {
		columns = 6
	}
	lines := 0
	for _, m := range f.Images {
		if m.Caption != "" {
			lines = max(lines, 1+strings.Count(m.Caption, "\n"))
		}
	}
	side = width/vg.Length(columns) - em*0.8
	return columns, (len(f.Images) + columns - 1) / columns, side, side + em*(0.8+1.2*vg.Length(lines))
}

func (f Images) height(width, em vg.Length) vg.Length {
	_, rows, _, row := f.layout(width-16, em)
	return headingHeight(f.Title, em) + vg.Length(rows)*row + 16
}

func (f Images) draw(c draw.Canvas, em vg.Length) {
	columns, _, side, row := f.layout(c.Max.X-c.Min.X, em)
	c = heading(c, f.Title, em)
	for i, m := range f.Images {
		x := c.Min.X + vg.Length(i%columns)*(side+em*0.8)
		y := c.Max.Y - vg.Length(i/columns)*row - side
		b := m.Picture.Bounds()
		scale := side / vg.Length(max(b.Dx(), b.Dy()))
		w, h := scale*vg.Length(b.Dx()), scale*vg.Length(b.Dy())
		box := rectangle(x+(side-w)/2, y+(side-h)/2, w, h)
		c.DrawImage(box, enlarged(m.Picture))
		c.SetLineStyle(draw.LineStyle{Color: mid, Width: 0.5})
		c.Stroke(box.Path())
		for k, line := range strings.Split(m.Caption, "\n") {
			style := letter(em*0.95, left, top)
			if wide := style.Width(clean(line)); wide > side {
				style.Font.Size *= side / wide
			}
			c.FillText(style, vg.Point{X: x, Y: y - em*(0.2+1.2*vg.Length(k))}, clean(line))
		}
	}
}

// enlarged repeats the pixels of a small picture, because a browser would blur it.
func enlarged(m image.Image) image.Image {
	b := m.Bounds()
	times := 168 / max(b.Dx(), b.Dy())
	if times < 2 {
		return m
	}
	large := image.NewRGBA(image.Rect(0, 0, b.Dx()*times, b.Dy()*times))
	xdraw.NearestNeighbor.Scale(large, large.Bounds(), m, b, xdraw.Src, nil)
	return large
}
