package draw

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"github.com/chainrule-go/chainrule/graph"
)

// pngScale is the number of pixels in a point.
const pngScale = 2

// maxPixels keeps a picture below 400 MB of memory.
const maxPixels = 100_000_000

// PNG writes the graph as a picture in pixels. Its font has the letters of Latin,
// Greek and Cyrillic; for others use [SVG].
func PNG(w io.Writer, g *graph.Graph[float64], o Options) error {
	d, err := newDiagram(g, o, false)
	if err != nil {
		return err
	}
	d.layout()
	width, height := math.Ceil(pngScale*(d.w+2*margin)), math.Ceil(pngScale*(d.h+2*margin))
	if width*height > maxPixels {
		return fmt.Errorf("a PNG of the graph would have %.0f by %.0f pixels; fold its groups, or use SVG", width, height)
	}
	c := newCanvas(int(width), int(height))
	d.paint(c)
	return png.Encode(w, c.RGBA)
}

func (d *diagram) paint(c *canvas) {
	if d.title != "" {
		c.text(d.title, point{d.w / 2, titleHeight / 2}, textSize, true, inkColour)
	}
	for _, f := range d.frames {
		c.rectangle(point{f.x, f.y}, f.w, f.h, quietColour, "#ffffff")
		name := f.group.Name
		c.text(name, point{f.x - f.w/2 + 8 + measure(name, textSize)/2, f.y - f.h/2 + 16}, textSize, false, quietColour)
	}
	for _, l := range d.links {
		c.stroke(flatten(l.curve), inkColour)
		if l.arrow {
			head := l.head()
			c.fill(head[:], inkColour)
		}
	}
	for _, it := range d.items {
		at := point{it.x, it.y}
		switch it.kind {
		case operation:
			c.fill(ellipse(at, it.w/2+0.5, it.h/2+0.5), inkColour)
			c.fill(ellipse(at, it.w/2-0.5, it.h/2-0.5), fillColour)
		case branch:
			c.fill(ellipse(at, branchRadius, branchRadius), inkColour)
		case box:
			c.rectangle(at, it.w, it.h, inkColour, boxColour)
		case edge:
			c.stroke([]point{{it.x - it.w/2, it.y}, {it.x + it.w/2, it.y}}, inkColour)
		}
		for _, t := range it.texts() {
			size, colour := float64(textSize), inkColour
			switch t.class {
			case "caption":
				size, colour = captionSize, quietColour
			case "grad":
				colour = gradColour
			}
			c.text(t.text, point{it.x, it.y + t.y}, size, it.kind == box && t.class == "text", colour)
		}
	}
}

// A canvas is a picture. Its coordinates are points, from inside the margin.
type canvas struct {
	*image.RGBA
	faces map[string]font.Face
}

func newCanvas(width, height int) *canvas {
	c := &canvas{image.NewRGBA(image.Rect(0, 0, width, height)), map[string]font.Face{}}
	draw.Draw(c, c.Bounds(), image.White, image.Point{}, draw.Src)
	return c
}

func pixel(v float64) float32 { return float32((v + margin) * pngScale) }

// fill fills polygons; where two overlap, they must turn the same way.
func (c *canvas) fill(polygon []point, colour string) {
	c.fillAll([][]point{polygon}, colour)
}

func (c *canvas) fillAll(polygons [][]point, colour string) {
	// Only the part of the canvas that they cover: a large one would take long.
	left, top, right, bottom := math.MaxInt, math.MaxInt, 0, 0
	for _, polygon := range polygons {
		for _, p := range polygon {
			x, y := int(pixel(p.x)), int(pixel(p.y))
			left, top, right, bottom = min(left, x-1), min(top, y-1), max(right, x+2), max(bottom, y+2)
		}
	}
	area := image.Rect(left, top, right, bottom).Intersect(c.Bounds())
	r := vector.NewRasterizer(area.Dx(), area.Dy())
	at := func(p point) (x, y float32) {
		return pixel(p.x) - float32(area.Min.X), pixel(p.y) - float32(area.Min.Y)
	}
	for _, polygon := range polygons {
		r.MoveTo(at(polygon[0]))
		for _, p := range polygon[1:] {
			r.LineTo(at(p))
		}
		r.ClosePath()
	}
	r.Draw(c, area, image.NewUniform(parseColour(colour)), image.Point{})
}

// stroke draws a line of one point's width.
func (c *canvas) stroke(line []point, colour string) {
	const half = 0.5
	var polygons [][]point
	for i, to := range line[1:] {
		from := line[i]
		dx, dy := to.x-from.x, to.y-from.y
		length := math.Hypot(dx, dy)
		if length == 0 {
			continue
		}
		dx, dy = dx/length*half, dy/length*half
		// A little longer, to leave no gap at a bend.
		const more = 0.3
		polygons = append(polygons, []point{
			{from.x - more*dx - dy, from.y - more*dy + dx}, {to.x + more*dx - dy, to.y + more*dy + dx},
			{to.x + more*dx + dy, to.y + more*dy - dx}, {from.x - more*dx + dy, from.y - more*dy - dx}})
	}
	if len(polygons) > 0 {
		c.fillAll(polygons, colour)
	}
}

// rectangle draws one with round corners and a line around it.
func (c *canvas) rectangle(at point, w, h float64, line, fill string) {
	c.fill(rounded(at, w/2+0.5, h/2+0.5, 8.5), line)
	c.fill(rounded(at, w/2-0.5, h/2-0.5, 7.5), fill)
}

// text writes a line, centered, with its baseline at the point.
func (c *canvas) text(s string, at point, size float64, bold bool, colour string) {
	key := fmt.Sprint(size, bold)
	face := c.faces[key]
	if face == nil {
		f := regularFont()
		if bold {
			f = boldFont()
		}
		face = newFace(f, size*pngScale)
		c.faces[key] = face
	}
	pen := font.Drawer{Dst: c, Src: image.NewUniform(parseColour(colour)), Face: face}
	pen.Dot = fixed.Point26_6{
		X: fixed.Int26_6(64*pixel(at.x)) - pen.MeasureString(s)/2,
		Y: fixed.Int26_6(64 * pixel(at.y)),
	}
	pen.DrawString(s)
}

// parseColour reads "#rrggbb".
func parseColour(s string) color.Color {
	v, _ := strconv.ParseUint(s[1:], 16, 32) // of the constants of this package
	return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff}
}

// flatten turns a Bézier curve into short straight lines.
func flatten(curve []point) []point {
	const pieces = 24
	line := []point{curve[0]}
	for i := 0; i+3 < len(curve); i += 3 {
		for k := 1; k <= pieces; k++ {
			t := float64(k) / pieces
			a, b, c, d := (1-t)*(1-t)*(1-t), 3*t*(1-t)*(1-t), 3*t*t*(1-t), t*t*t
			line = append(line, point{
				float64(a*curve[i].x) + float64(b*curve[i+1].x) + float64(c*curve[i+2].x) + float64(d*curve[i+3].x),
				float64(a*curve[i].y) + float64(b*curve[i+1].y) + float64(c*curve[i+2].y) + float64(d*curve[i+3].y),
			})
		}
	}
	return line
}

func ellipse(at point, rx, ry float64) (polygon []point) {
	const corners = 72
	for i := range corners {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		polygon = append(polygon, point{at.x + rx*cos, at.y + ry*sin})
	}
	return polygon
}

func rounded(at point, halfW, halfH, radius float64) (polygon []point) {
	for i, p := range ellipse(point{}, radius, radius) {
		// Each quarter of a circle goes into a corner.
		dx, dy := halfW-radius, halfH-radius
		switch quarter := i / 18; quarter {
		case 1:
			dx = -dx
		case 2:
			dx, dy = -dx, -dy
		case 3:
			dy = -dy
		}
		polygon = append(polygon, point{at.x + p.x + dx, at.y + p.y + dy})
	}
	return polygon
}
