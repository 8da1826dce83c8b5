package plot

import (
	"image/color"
	"strings"
	"unicode"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// series are the colors of Okabe and Ito ("Color Universal Design", 2008), without the
// yellow, which is faint on white.
var series = []color.RGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255},
	{230, 159, 0, 255}, {86, 180, 233, 255}, {0, 0, 0, 255},
}

// dashes of lines, from one series to the next.
var dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 3, 2, 3}}

var (
	ink  = color.RGBA{34, 34, 34, 255}
	grey = color.RGBA{225, 225, 225, 255}
	mid  = color.RGBA{150, 150, 150, 255}
)

// lineStyle is the style of the series i.
func lineStyle(i int) draw.LineStyle {
	return draw.LineStyle{Color: series[i%len(series)], Width: 1.6, Dashes: dashes[i%len(dashes)]}
}

// glyphStyle is the mark of the series i.
func glyphStyle(i int, em vg.Length) draw.GlyphStyle {
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}}
	return draw.GlyphStyle{Color: series[i%len(series)], Radius: em / 5, Shape: shapes[i%len(shapes)]}
}

// letter returns the style of text of the given size.
func letter(size vg.Length, x, y float64) text.Style {
	return text.Style{
		Color: ink, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign: text.XAlignment(x), YAlign: text.YAlignment(y), Handler: text.Plain{Fonts: font.DefaultCache},
	}
}

// The alignments of text: which part of it is at the point.
const (
	left, centre, right = 0, -0.5, -1
	bottom, middle, top = 0, -0.5, -1
)

// bold is the style of titles.
func bold(s text.Style) text.Style {
	s.Font.Weight = xfont.WeightBold
	return s
}

// clean removes characters that cannot be drawn, such as the control characters that XML
// forbids, and shortens long names.
func clean(s string) string {
	const most = 60
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	if all := []rune(s); len(all) > most {
		return string(all[:most-1]) + "…"
	}
	return s
}

// heading draws a title at the top of c and returns the canvas below it.
func heading(c draw.Canvas, title string, em vg.Length) draw.Canvas {
	if title == "" {
		return c
	}
	c.FillText(bold(letter(em*1.1, left, top)), vg.Point{X: c.Min.X, Y: c.Max.Y}, clean(title))
	return draw.Crop(c, 0, 0, 0, -em*1.7)
}

// headingHeight is the height of a heading.
func headingHeight(title string, em vg.Length) vg.Length {
	if title == "" {
		return 0
	}
	return em * 1.7
}

// legend draws the names of series in rows at the top of c, each after its mark, and
// returns the canvas below them.
func legend(c draw.Canvas, names []string, em vg.Length, sign func(i int, c draw.Canvas)) draw.Canvas {
	at, height := legendPlaces(names, c.Max.X-c.Min.X, em)
	for i, name := range names {
		p := c.Min.Add(at[i])
		p.Y = c.Max.Y - at[i].Y
		box := c
		box.Rectangle = rectangle(p.X, p.Y-em/2, em*2.2, em)
		sign(i, box)
		c.FillText(letter(em*0.95, left, middle), vg.Point{X: p.X + em*2.6, Y: p.Y}, clean(name))
	}
	return draw.Crop(c, 0, 0, 0, -height)
}

// legendPlaces returns the place of each name in a legend, from its upper left corner, and
// the height of all rows.
func legendPlaces(names []string, width, em vg.Length) (at []vg.Point, height vg.Length) {
	row := em * 1.4
	p := vg.Point{Y: row / 2}
	for _, name := range names {
		w := em*2.6 + letter(em*0.95, left, middle).Width(clean(name))
		if p.X > 0 && p.X+w > width {
			p = vg.Point{Y: p.Y + row}
		}
		at = append(at, p)
		p.X += w + em*1.2
	}
	return at, p.Y + row/2 + em*0.5
}

// shade returns a color of the scale from white (0) to dark blue (1), the Blues of
// ColorBrewer, which is also in order without colors.
func shade(v float64) color.RGBA {
	stops := []color.RGBA{{255, 255, 255, 255}, {198, 219, 239, 255}, {107, 174, 214, 255}, {33, 113, 181, 255}, {8, 48, 107, 255}}
	switch {
	case !(v > 0):
		return stops[0]
	case v >= 1:
		return stops[len(stops)-1]
	}
	at := v * float64(len(stops)-1)
	i := int(at)
	part := at - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-part) + float64(b)*part + 0.5) }
	a, b := stops[i], stops[i+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}
