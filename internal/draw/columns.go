package draw

import (
	"cmp"
	"slices"
)

// untangle orders the cells of each column so that few wires cross: sweeps, right
// and left in turn, move each cell to the mean place of its neighbors, and the
// best order found is used.
func untangle(columns [][]*cell) {
	fewest := crossings(columns)
	best := save(columns)
	for sweep := range 12 {
		if sweep%2 == 0 {
			for _, column := range columns[1:] {
				arrange(column, func(c *cell) []*wiring { return c.in }, func(w *wiring) *cell { return w.from })
			}
		} else {
			for _, column := range slices.Backward(columns[:len(columns)-1]) {
				arrange(column, func(c *cell) []*wiring { return c.out }, func(w *wiring) *cell { return w.to })
			}
		}
		if n := crossings(columns); n < fewest {
			fewest, best = n, save(columns)
		}
	}
	for i, column := range best {
		copy(columns[i], column)
		for place, c := range column {
			c.place = place
		}
	}
}

func save(columns [][]*cell) (saved [][]*cell) {
	for _, column := range columns {
		saved = append(saved, slices.Clone(column))
	}
	return saved
}

// arrange sorts a column by the mean place of the neighbors on one side; a cell
// without neighbors there keeps its place among the others.
func arrange(column []*cell, wires func(*cell) []*wiring, other func(*wiring) *cell) {
	target := map[*cell]float64{}
	for i, c := range column {
		target[c] = float64(i)
		if all := wires(c); len(all) > 0 {
			sum := 0.0
			for _, w := range all {
				sum += float64(other(w).place)
				if port := w.port(other(w)); port != nil {
					sum += port.y / max(other(w).h, 1) // the higher port first
				}
			}
			target[c] = sum / float64(len(all))
		}
	}
	slices.SortStableFunc(column, func(a, b *cell) int { return cmp.Compare(target[a], target[b]) })
	for i, c := range column {
		c.place = i
	}
}

// port returns the port at the end that is c.
func (w *wiring) port(c *cell) *cell {
	if c == w.from {
		return w.fromPort
	}
	return w.toPort
}

// crossings counts the pairs of wires between neighboring columns that cross.
func crossings(columns [][]*cell) (n int) {
	for _, column := range columns {
		var wires []*wiring
		for _, c := range column {
			wires = append(wires, c.out...)
		}
		for i, v := range wires {
			for _, w := range wires[i+1:] {
				from := cmp.Or(cmp.Compare(v.from.place, w.from.place), cmp.Compare(v.fromY(), w.fromY()))
				to := cmp.Or(cmp.Compare(v.to.place, w.to.place), cmp.Compare(v.toY(), w.toY()))
				if from*to < 0 {
					n++
				}
			}
		}
	}
	return n
}

// spread sets x, and returns the width of all columns.
func spread(columns [][]*cell) float64 {
	left := 0.0
	for _, column := range columns {
		width := 0.0
		for _, c := range column {
			width = max(width, c.w)
		}
		for _, c := range column {
			c.x = left + width/2
			switch {
			case c.knee():
				c.w = width // its wire crosses all of the column
			case c.item == nil || c.item.kind != leaf:
			case len(c.in) == 0:
				c.x = left + width - c.w/2 // near the cell it goes to
			default:
				c.x = left + c.w/2 // near the cell it comes from
			}
		}
		left += width + columnGap
	}
	return max(left-columnGap, 0)
}

// align sets y, and returns the height of the highest column.
func align(columns [][]*cell) float64 {
	for _, column := range columns {
		y := 0.0
		for i, c := range column {
			if i > 0 {
				y += distance(column[i-1], c)
			}
			c.y = y
		}
	}
	// First every cell moves toward all its neighbors, which brings connected cells
	// together; then lines are straightened.
	for range 24 {
		for _, column := range columns {
			settle(column, (*cell).drawn)
		}
		for _, column := range slices.Backward(columns) {
			settle(column, (*cell).drawn)
		}
	}
	for range 2 {
		for _, column := range slices.Backward(columns) {
			settle(column, (*cell).straight)
		}
		for _, column := range columns {
			settle(column, (*cell).straight)
		}
	}
	for _, column := range slices.Backward(columns) {
		settle(column, (*cell).straight)
	}
	top, bottom := 0.0, 0.0
	first := true
	for _, column := range columns {
		for _, c := range column {
			if first {
				top, bottom, first = c.y-c.h/2, c.y+c.h/2, false
			}
			top, bottom = min(top, c.y-c.h/2), max(bottom, c.y+c.h/2)
		}
	}
	for _, column := range columns {
		for _, c := range column {
			c.y -= top
		}
	}
	return bottom - top
}

// distance is the least distance between the middles of two neighbors in a column.
func distance(a, b *cell) float64 {
	gap := float64(rowGap)
	if a.h == 0 || b.h == 0 {
		gap = wireGap
	}
	return (a.h+b.h)/2 + gap
}

// settle moves the cells of a column to their target heights, or as near, by weighted
// least squares, as their order and sizes allow. (Pool adjacent violators: neighbors
// that would overlap form a block that moves as one.)
func settle(column []*cell, target func(*cell) (y, weight float64)) {
	type block struct{ sum, weight float64 } // of the targets, each less its cell's offset
	var blocks []block
	var sizes []int
	offset := 0.0
	offsets := make([]float64, len(column))
	for i, c := range column {
		if i > 0 {
			offset += distance(column[i-1], c)
		}
		offsets[i] = offset
		y, weight := target(c)
		blocks = append(blocks, block{weight * (y - offset), weight})
		sizes = append(sizes, 1)
		for n := len(blocks); n > 1 && blocks[n-2].sum/blocks[n-2].weight > blocks[n-1].sum/blocks[n-1].weight; n-- {
			blocks[n-2].sum += blocks[n-1].sum
			blocks[n-2].weight += blocks[n-1].weight
			sizes[n-2] += sizes[n-1]
			blocks, sizes = blocks[:n-1], sizes[:n-1]
		}
	}
	i := 0
	for k, b := range blocks {
		for range sizes[k] {
			column[i].y = b.sum/b.weight + offsets[i]
			i++
		}
	}
}

// drawn returns the mean height of all neighbors of a cell, and their number.
func (c *cell) drawn() (y, weight float64) { return c.pull(c.in, c.out) }

// straight is drawn, but a value lies level with the operation before it, and a long
// wire bends only at its start.
func (c *cell) straight() (y, weight float64) {
	switch {
	case c.followsSource():
		return c.pull(c.in, nil)
	case c.knee():
		return c.pull(nil, c.out)
	}
	return c.pull(c.in, c.out)
}

func (c *cell) followsSource() bool {
	if c.item == nil || c.item.kind != edge || len(c.in) == 0 {
		return false
	}
	from := c.in[0].from.item
	return from == nil || from.kind == operation || from.kind == box
}

// pull returns the height that makes the wires straight, on average, and their
// number.
func (c *cell) pull(in, out []*wiring) (y, weight float64) {
	sum := 0.0
	for _, w := range in {
		sum += w.from.y + w.fromY() - w.toY()
	}
	for _, w := range out {
		sum += w.to.y + w.toY() - w.fromY()
	}
	n := float64(len(in) + len(out))
	if n == 0 {
		return c.y, 0.1
	}
	return sum / n, n
}
