package plot

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Heat draws a matrix as shades, from white for the smallest number to dark blue for the
// largest. The first row is at the top.
type Heat struct {
	Title         string
	X, Y          string   // labels of the columns and of the rows
	Columns, Rows []string // their names
	Values        [][]float64
	Min, Max      float64    // range of the scale; the range of the values if both are 0
	Scale         string     // what the numbers are, with the unit
	Text          [][]string // written in the cells, if they are large enough; nil is none
}

func (f Heat) Name() string { return f.Title }

func (f Heat) check() error {
	wrong := len(f.Values) != len(f.Rows) || f.Text != nil && len(f.Text) != len(f.Rows)
	for i := range f.Rows {
		wrong = wrong || len(f.Values[i]) != len(f.Columns) || f.Text != nil && len(f.Text[i]) != len(f.Columns)
	}
	if wrong || len(f.Rows) == 0 || len(f.Columns) == 0 {
		return fmt.Errorf("plot: %q wants a value, and a text if there are any, for each of %d rows and %d columns, at least one", f.Title, len(f.Rows), len(f.Columns))
	}
	return nil
}

func (f Heat) height(width, em vg.Length) vg.Length {
	left, below, beside := f.margins(em)
	cell := min((width-left-beside)/vg.Length(len(f.Columns)), width*0.9/vg.Length(len(f.Rows)), em*5)
	return cell*vg.Length(len(f.Rows)) + below + headingHeight(f.Title, em) + 16
}

// margins returns the space for the names of the rows and columns, and for the scale.
func (f Heat) margins(em vg.Length) (left, below, beside vg.Length) {
	left, below, beside = em*3, em*3.2, em*9
	for _, s := range f.Rows {
		left = max(left, letter(em, 0, 0).Width(clean(s))+em*2.2)
	}
	for _, s := range f.Columns {
		below = max(below, letter(em, 0, 0).Width(clean(s))+em*2.4)
	}
	return min(left, em*14), min(below, em*14), beside
}

func (f Heat) draw(c draw.Canvas, em vg.Length) {
	c = heading(c, f.Title, em)
	leftOf, below, beside := f.margins(em)
	cells := draw.Crop(c, leftOf, -beside, below, 0)
	w := (cells.Max.X - cells.Min.X) / vg.Length(len(f.Columns))
	h := (cells.Max.Y - cells.Min.Y) / vg.Length(len(f.Rows))
	if len(f.Columns) > 1 && len(f.Rows) > 1 {
		w = min(w, 2*h)
		h = min(h, 2*w)
	}
	cells.Max.X = cells.Min.X + w*vg.Length(len(f.Columns))
	cells.Min.Y = cells.Max.Y - h*vg.Length(len(f.Rows))
	lo, hi := f.scale()
	size := f.textSize(w, h, em)
	for i, row := range f.Values {
		for j, v := range row {
			box := rectangle(cells.Min.X+w*vg.Length(j), cells.Max.Y-h*vg.Length(i+1), w, h)
			part := (v - lo) / (hi - lo)
			fill := shade(part)
			if math.IsNaN(v) {
				fill = grey
			}
			if fill != shade(0) { // the white of the figure
				c.SetColor(fill)
				c.Fill(box.Path())
			}
			if size > 0 {
				style := letter(size, centre, middle)
				if part > 0.5 {
					style.Color = color.White
				}
				c.FillText(style, vg.Point{X: box.Min.X + w/2, Y: box.Min.Y + h/2}, clean(f.Text[i][j]))
			}
		}
	}
	c.SetLineStyle(draw.LineStyle{Color: mid, Width: 0.5})
	c.Stroke(cells.Rectangle.Path())
	f.drawNames(c, cells, w, h, em)
	f.drawScale(c, cells, lo, hi, em)
}

// scale returns the range of the shades.
func (f Heat) scale() (lo, hi float64) {
	if f.Min != 0 || f.Max != 0 {
		return f.Min, f.Max
	}
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, row := range f.Values {
		for _, v := range row {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if !(lo < hi) {
		return 0, 1
	}
	return lo, hi
}

// textSize returns the size at which all texts fit into cells of w and h, or 0 if it is too
// small to read.
func (f Heat) textSize(w, h, em vg.Length) vg.Length {
	if f.Text == nil {
		return 0
	}
	size := min(em, h*0.7)
	for _, row := range f.Text {
		for _, s := range row {
			if wide := letter(em, 0, 0).Width(clean(s)); wide > 0 {
				size = min(size, em*(w*0.9)/wide)
			}
		}
	}
	if size < em*0.6 {
		return 0
	}
	return size
}

// drawNames writes the names of rows and columns: only every second, third or fourth one if
// they do not all fit.
func (f Heat) drawNames(c, cells draw.Canvas, w, h, em vg.Length) {
	every := func(cell vg.Length) int { return max(1, int(math.Ceil(float64(em*1.1/cell)))) }
	for i := 0; i < len(f.Rows); i += every(h) {
		c.FillText(letter(em, right, middle), vg.Point{X: cells.Min.X - em*0.4, Y: cells.Max.Y - h*(vg.Length(i)+0.5)}, clean(f.Rows[i]))
	}
	widest := vg.Length(0)
	for _, s := range f.Columns {
		widest = max(widest, letter(em, 0, 0).Width(clean(s)))
	}
	down := em * 1.7
	for j := 0; j < len(f.Columns); j += every(w) {
		at := vg.Point{X: cells.Min.X + w*(vg.Length(j)+0.5), Y: cells.Min.Y - em*0.3}
		style := letter(em, centre, top)
		if widest > w*0.95 {
			style = letter(em, right, middle)
			style.Rotation = math.Pi / 2
			down = widest + em*0.8
		}
		c.FillText(style, at, clean(f.Columns[j]))
	}
	c.FillText(letter(em, centre, top), vg.Point{X: (cells.Min.X + cells.Max.X) / 2, Y: cells.Min.Y - down}, clean(f.X))
	style := letter(em, centre, top)
	style.Rotation = math.Pi / 2
	c.FillText(style, vg.Point{X: c.Min.X, Y: (cells.Min.Y + cells.Max.Y) / 2}, clean(f.Y))
}

// drawScale draws the scale at the right of the cells.
func (f Heat) drawScale(c, cells draw.Canvas, lo, hi float64, em vg.Length) {
	const steps = 32
	x, y := cells.Max.X+em*1.2, max(cells.Min.Y, cells.Max.Y-em*12)
	h := (cells.Max.Y - y) / steps
	for i := range steps {
		c.SetColor(shade((float64(i) + 0.5) / steps))
		c.Fill(rectangle(x, y+h*vg.Length(i), em, h+0.2).Path())
	}
	c.SetLineStyle(draw.LineStyle{Color: mid, Width: 0.5})
	c.Stroke(rectangle(x, y, em, h*steps).Path())
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	c.FillText(letter(em*0.9, left, top), vg.Point{X: x + em*1.3, Y: cells.Max.Y}, number(hi))
	c.FillText(letter(em*0.9, left, bottom), vg.Point{X: x + em*1.3, Y: y}, number(lo))
	style := letter(em*0.9, centre, top)
	style.Rotation = math.Pi / 2
	c.FillText(style, vg.Point{X: x + em*4, Y: (y + cells.Max.Y) / 2}, clean(f.Scale))
}

func rectangle(x, y, w, h vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + w, Y: y + h}}
}
