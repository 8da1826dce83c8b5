package plot

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Grid is several figures in rows, with smaller letters.
type Grid struct {
	Title   string
	Columns int // 2 if 0
	Figures []Figure
}

func (f Grid) Name() string { return f.Title }

func (f Grid) check() error {
	if f.Columns < 0 {
		return fmt.Errorf("plot: want 1 or more figures a row, got %d", f.Columns)
	}
	for _, g := range f.Figures {
		if err := g.check(); err != nil {
			return err
		}
	}
	return nil
}

// inner is the size of the letters in the figures: 11 pixels or more.
func (f Grid) inner(em vg.Length) vg.Length { return max(em*0.78, 8.25) }

func (f Grid) columns() int {
	if f.Columns == 0 {
		return 2
	}
	return f.Columns
}

// rows returns the width of a figure and the height of each row.
func (f Grid) rows(width, em vg.Length) (w vg.Length, heights []vg.Length) {
	w = width / vg.Length(f.columns())
	for i, g := range f.Figures {
		h := g.height(w-em, f.inner(em)) + em
		if i%f.columns() == 0 {
			heights = append(heights, h)
		} else {
			heights[len(heights)-1] = max(heights[len(heights)-1], h)
		}
	}
	return w, heights
}

func (f Grid) height(width, em vg.Length) vg.Length {
	all := headingHeight(f.Title, em) + 16
	_, heights := f.rows(width-16, em)
	for _, h := range heights {
		all += h
	}
	return all
}

func (f Grid) draw(c draw.Canvas, em vg.Length) {
	w, heights := f.rows(c.Max.X-c.Min.X, em)
	c = heading(c, f.Title, em)
	y := c.Max.Y
	for i, g := range f.Figures {
		column, row := i%f.columns(), i/f.columns()
		if column == 0 {
			y -= heights[row]
		}
		cell := c
		cell.Rectangle = rectangle(c.Min.X+w*vg.Length(column), y+em, w-em, heights[row]-em)
		g.draw(cell, f.inner(em))
	}
}
