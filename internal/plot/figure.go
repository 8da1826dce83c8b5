package plot

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/color"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/chainrule-go/chainrule/internal/atomicfile"
)

// A Figure is a figure of any kind in this package.
type Figure interface {
	Name() string                         // its title
	check() error                         // what is wrong with it
	height(width, em vg.Length) vg.Length // for a width and a size of letters
	draw(c draw.Canvas, em vg.Length)
}

// The width of a figure and the size of its letters, in points: 4 pixels are 3 points.
const (
	figureWidth vg.Length = 600
	letters     vg.Length = 12
)

// SVG writes the figure as an element <svg>, which can be a file of its own or a part of an
// HTML page. It loads nothing.
func SVG(w io.Writer, f Figure) error {
	if err := f.check(); err != nil {
		return err
	}
	width, height := figureWidth, f.height(figureWidth, letters)
	c := &measured{Canvas: vgsvg.New(width, height)}
	drawOn(draw.New(c), f)
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return err
	}
	// The element of the library has a prologue, which HTML forbids, and no name. Its font
	// is not on every machine.
	_, body, ok := strings.Cut(b.String(), "xlink\">\n")
	if !ok {
		return errors.New("plot: the drawing does not begin as expected")
	}
	body = strings.ReplaceAll(body, "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,Helvetica,sans-serif")
	body = c.fitTexts(body)
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" aria-label="%s" width="%.0f" height="%.0f" viewBox="0 0 %.5g %.5g">`+"\n%s",
		html.EscapeString(clean(f.Name())), width.Points()*4/3, height.Points()*4/3, width.Points(), height.Points(), body)
	return err
}

// PNG writes the figure as a picture 1,600 pixels wide: two pixels for each pixel of the page.
func PNG(w io.Writer, f Figure) error {
	if err := f.check(); err != nil {
		return err
	}
	c := vgimg.NewWith(vgimg.UseWH(figureWidth, f.height(figureWidth, letters)), vgimg.UseDPI(192), vgimg.UseBackgroundColor(color.White))
	drawOn(draw.New(c), f)
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// Writer returns [SVG] or [PNG], by the end of a file name.
func Writer(path string) (func(io.Writer, Figure) error, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".svg":
		return SVG, nil
	case ".png":
		return PNG, nil
	}
	return nil, fmt.Errorf("want a file whose name ends in .svg or .png, got %q", path)
}

// Save writes the figure to a file, whose name ends in .svg or .png.
func Save(path string, f Figure) error {
	write, err := Writer(path)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return write(w, f) })
}

// measured records the width of each text, in the font for which the figure was laid out.
type measured struct {
	*vgsvg.Canvas
	widths []vg.Length
}

func (c *measured) FillString(f font.Face, at vg.Point, text string) {
	c.widths = append(c.widths, f.Width(text))
	c.Canvas.FillString(f, at, text)
}

// fitTexts gives each text its width, so that another font moves nothing.
func (c *measured) fitTexts(svg string) string {
	const tag = "<text "
	parts := strings.Split(svg, tag)
	for i, w := range c.widths {
		parts[i+1] = fmt.Sprintf(`textLength="%.5g" lengthAdjust="spacingAndGlyphs" `, w.Points()) + parts[i+1]
	}
	return strings.Join(parts, tag)
}

func drawOn(c draw.Canvas, f Figure) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	f.draw(draw.Crop(c, 8, -8, 8, -8), letters)
}
