package plot

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lines are series of points: curves, scatters or paths, which share two axes.
type Lines struct {
	Title  string
	X, Y   Axis
	Series []Series

	// Surface, if it is not nil, is a function of x and y whose contours at Levels are
	// drawn below the series. X and Y need their ranges then.
	Surface func(x, y float64) float64
	Levels  []float64
}

// A Series is a series of points. Points that are not finite are left out, and divide a line.
type Series struct {
	Name string
	X, Y []float64
	Mark Mark
}

// A Mark says how a series is drawn.
type Mark int

// The marks.
const (
	Line   Mark = iota // joined points
	Points             // the points alone
	Path               // both
)

func (f Lines) Name() string { return f.Title }

func (f Lines) check() error {
	for _, s := range f.Series {
		if len(s.X) != len(s.Y) {
			return fmt.Errorf("plot: the series %q has %d x and %d y; each point needs both", s.Name, len(s.X), len(s.Y))
		}
	}
	if f.Surface != nil && (!(f.X.Min < f.X.Max) || !(f.Y.Min < f.Y.Max)) {
		return fmt.Errorf("plot: %q has a surface, and no ranges of X and Y to draw it in", f.Title)
	}
	for _, a := range []Axis{f.X, f.Y} {
		if a.Log && (a.Min < 0 || a.Max < 0 || (a.Min == 0) != (a.Max == 0)) {
			return fmt.Errorf("plot: the axis %q is logarithmic; want its range above 0, got %v to %v", a.Label, a.Min, a.Max)
		}
	}
	return nil
}

func (f Lines) height(width, em vg.Length) vg.Length {
	return axesHeight(f.Title, f.Y, f.names(), width, em)
}

func (f Lines) names() (names []string) {
	for _, s := range f.Series {
		names = append(names, s.Name)
	}
	return names
}

func (f Lines) draw(c draw.Canvas, em vg.Length) {
	p := axes(f.X, f.Y, em)
	if f.Surface != nil {
		p.Add(contours(f))
	}
	for i, s := range f.Series {
		for _, points := range pieces(s.X, s.Y, f.X, f.Y) {
			if s.Mark != Points {
				p.Add(&plotter.Line{XYs: points, LineStyle: lineStyle(i)})
			}
			if s.Mark != Line || len(points) == 1 { // a line of one point is not visible
				p.Add(&plotter.Scatter{XYs: points, GlyphStyle: glyphStyle(i, em)})
			}
		}
	}
	limits(p, f.X, f.Y)
	drawAxes(c, em, f.Title, p, f.names(), func(i int, c draw.Canvas) {
		y, x := (c.Min.Y+c.Max.Y)/2, (c.Min.X+c.Max.X)/2
		if f.Series[i].Mark != Points {
			c.StrokeLine2(lineStyle(i), c.Min.X, y, c.Max.X, y)
		}
		if f.Series[i].Mark != Line {
			c.DrawGlyph(glyphStyle(i, em), vg.Point{X: x, Y: y})
		}
	})
}

// contours returns the lines on which the surface has one of the levels. Each cell of a
// grid is divided into two triangles, in which the surface counts as flat: a level crosses
// a triangle in one segment or not at all.
type contours Lines

func (f contours) Plot(c draw.Canvas, p *plot.Plot) {
	const cells = 100
	style := draw.LineStyle{Color: color.RGBA{170, 170, 170, 255}, Width: 0.6}
	type corner struct{ x, y, z float64 }
	at := func(i, j int) corner {
		x := f.X.Min + (f.X.Max-f.X.Min)*float64(i)/cells
		y := f.Y.Min + (f.Y.Max-f.Y.Min)*float64(j)/cells
		return corner{x, y, f.Surface(x, y)}
	}
	toX, toY := p.Transforms(&c)
	for _, level := range f.Levels {
		var path vg.Path
		triangle := func(corners ...corner) {
			var ends []vg.Point
			for k, a := range corners {
				b := corners[(k+1)%3]
				if (a.z < level) != (b.z < level) {
					t := (level - a.z) / (b.z - a.z)
					ends = append(ends, vg.Point{X: toX(a.x + t*(b.x-a.x)), Y: toY(a.y + t*(b.y-a.y))})
				}
			}
			if len(ends) == 2 {
				path.Move(ends[0])
				path.Line(ends[1])
			}
		}
		for i := range cells {
			for j := range cells {
				triangle(at(i, j), at(i+1, j), at(i+1, j+1))
				triangle(at(i, j), at(i+1, j+1), at(i, j+1))
			}
		}
		c.SetLineStyle(style)
		c.Stroke(path)
	}
}
