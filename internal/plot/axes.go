package plot

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// An Axis is one of the two axes of a figure.
type Axis struct {
	Label    string  // with the unit, as in "time (s)"
	Log      bool    // logarithmic; numbers of 0 or less are left out
	Min, Max float64 // the range; the range of the data if both are 0
}

// axes returns an empty plot.
func axes(x, y Axis, em vg.Length) *plot.Plot {
	p := plot.New()
	set := func(a *plot.Axis, from Axis) {
		a.Label.Text = clean(from.Label)
		a.Label.TextStyle.Font = letter(em, left, top).Font
		a.Label.TextStyle.Color, a.Tick.Label.Color = ink, ink
		a.Label.Padding = em / 3
		a.Tick.Label.Font = letter(em*0.9, left, top).Font
		a.Color, a.Tick.LineStyle.Color = mid, mid
		if from.Log {
			a.Scale, a.Tick.Marker = plot.LogScale{}, plot.TickerFunc(logTicks)
		}
	}
	set(&p.X, x)
	set(&p.Y, y)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = grey, grey
	p.Add(grid)
	return p
}

// limits sets the ranges of the axes. An axis without data gets a range that can be drawn.
func limits(p *plot.Plot, x, y Axis) {
	set := func(a *plot.Axis, from Axis) {
		if from.Min != 0 || from.Max != 0 {
			a.Min, a.Max = from.Min, from.Max
		}
		if math.IsInf(a.Min, 0) || math.IsInf(a.Max, 0) {
			a.Min, a.Max = 0, 1
			if from.Log {
				a.Min = 0.1
			}
		}
		if from.Log && a.Min == a.Max {
			a.Min, a.Max = a.Min/2, a.Max*2
		}
	}
	set(&p.X, x)
	set(&p.Y, y)
}

// logTicks returns marks at the powers of ten and their multiples. The smaller the range,
// the more of them have labels; a very small range has the marks of a linear axis.
func logTicks(lo, hi float64) (ticks []plot.Tick) {
	first, last := int(math.Floor(math.Log10(lo))), int(math.Ceil(math.Log10(hi)))
	every, labelled := max(1, (last-first)/6), "1"
	switch {
	case hi <= 4*lo:
		labelled = "123456789"
	case hi <= 10*lo:
		labelled = "12357"
	case hi <= 200*lo:
		labelled = "125"
	}
	labels := 0
	for e := first; e <= last; e++ {
		for m := 1; m < 10; m++ {
			digit := strconv.Itoa(m)
			v, _ := strconv.ParseFloat(digit+"e"+strconv.Itoa(e), 64)
			if v < lo || v > hi {
				continue
			}
			tick := plot.Tick{Value: v}
			if strings.Contains(labelled, digit) && (e-first)%every == 0 {
				tick.Label = strconv.FormatFloat(v, 'g', -1, 64)
				labels++
			}
			ticks = append(ticks, tick)
		}
	}
	if labels < 2 {
		return plot.DefaultTicks{}.Ticks(lo, hi)
	}
	return ticks
}

// pieces returns the parts of a line that can be drawn. Numbers that are not finite, and
// numbers of 0 or less on a logarithmic axis, divide a line.
func pieces(xs, ys []float64, x, y Axis) (all []plotter.XYs) {
	drawn := func(v float64, a Axis) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) && (!a.Log || v > 0) }
	var run plotter.XYs
	for i := range ys {
		if drawn(xs[i], x) && drawn(ys[i], y) {
			run = append(run, plotter.XY{X: xs[i], Y: ys[i]})
		} else if len(run) > 0 {
			all, run = append(all, run), nil
		}
	}
	if len(run) > 0 {
		all = append(all, run)
	}
	return all
}

// drawAxes draws a title, the names of the series, and the plot below them.
func drawAxes(c draw.Canvas, em vg.Length, title string, p *plot.Plot, names []string, sign func(i int, c draw.Canvas)) {
	c = heading(c, title, em)
	if named(names) {
		c = legend(c, names, em, sign)
	}
	// The library makes room for the label of Y as if a logarithmic axis were linear.
	label := p.Y.Label.Text
	p.Y.Label.Text = ""
	plotted := draw.Crop(c, em*1.5, 0, 0, 0)
	p.Draw(plotted)
	style := letter(em, centre, top)
	style.Rotation = math.Pi / 2
	inside := p.DataCanvas(plotted)
	c.FillText(style, vg.Point{X: c.Min.X, Y: (inside.Min.Y + inside.Max.Y) / 2}, label)
}

// axesHeight returns the height of a figure with axes: half its width for the plot, and
// enough for the label of Y.
func axesHeight(title string, y Axis, names []string, width, em vg.Length) vg.Length {
	h := max(width/2, letter(em, left, top).Width(clean(y.Label))+em*7, em*12) + headingHeight(title, em) + 16
	if named(names) {
		_, rows := legendPlaces(names, width-16, em)
		h += rows
	}
	return h
}

// named reports whether series have names, so that there is a legend.
func named(names []string) bool {
	return slices.ContainsFunc(names, func(s string) bool { return s != "" })
}
