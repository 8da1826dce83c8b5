package draw

import (
	"slices"

	"github.com/chainrule-go/chainrule/graph"
)

// Distances, in points.
const (
	columnGap   = 18
	rowGap      = 12
	wireGap     = 6 // beside a line that passes through a column
	framePad    = 12
	frameHeader = 20 // for its name
)

// layout places all items from left to right by the layered method of Sugiyama: items get columns, then an order in each column with few crossings,
// then heights that make lines straight.
//
// A frame is laid out by itself, with a port on its border for each line that
// crosses it, and is then a cell among the others; so nothing else can lie in it.
func (d *diagram) layout() {
	root := &level{}
	levels := map[*graph.Group]*level{nil: root}
	for _, f := range d.frames {
		inner := &level{frame: f}
		inner.cell = &cell{inner: inner}
		levels[f.group] = inner
		outer := levels[f.group.Outer]
		outer.cells = append(outer.cells, inner.cell)
	}
	cells := map[*item]*cell{}
	for _, it := range d.items {
		it.measure()
		c := &cell{item: it, w: it.w, h: it.h}
		cells[it] = c
		l := levels[it.group]
		l.cells = append(l.cells, c)
	}
	for _, l := range d.links {
		l.wires = wire(levels, cells, l.from, l.to)
	}
	root.place()
	top := 0.0
	if d.title != "" {
		top = titleHeight
	}
	d.w, d.h = max(root.w, measure(d.title, textSize)*1.1), root.h+top
	root.move(0, top)
	for _, l := range d.links {
		l.route()
	}
}

// A level is what lies directly in a frame, or in the whole drawing.
type level struct {
	frame *frame // nil for the whole
	cell  *cell  // the frame's, in the level around it
	cells []*cell
	wires []*wiring
	w, h  float64
}

// A cell is what is placed: an item, a frame, a port on the border of the
// level's frame, or a knee where a wire passes through a column.
type cell struct {
	item    *item
	inner   *level
	in, out []*wiring // at first the level's wires, then the pieces between its columns
	entry   bool      // a port on the left
	exit    bool      // a port on the right
	column  int
	place   int // in the column
	x, y    float64
	w, h    float64
}

// A wiring joins two cells of a level. If an end is a frame, its port is the place on
// the border of the frame.
type wiring struct {
	from, to         *cell
	fromPort, toPort *cell
	knees            []*cell
	back             bool // against the order of columns, in a graph whose frames form a cycle
}

// fromY and toY are the heights of its ends, from the middles of the cells.
func (w *wiring) fromY() float64 { return portY(w.from, w.fromPort) }
func (w *wiring) toY() float64   { return portY(w.to, w.toPort) }

func portY(c, port *cell) float64 {
	if port == nil {
		return 0
	}
	return port.y - c.h/2
}

// wire leads a link out of the frames around its start, and into those around
// its end.
func wire(levels map[*graph.Group]*level, cells map[*item]*cell, from, to *item) []*wiring {
	top := common(from.group, to.group)
	var ascent, descent []*wiring
	a, aPort := cells[from], (*cell)(nil)
	for g := from.group; g != top; g = g.Outer {
		l := levels[g]
		port := &cell{exit: true}
		l.cells = append(l.cells, port)
		ascent = append(ascent, l.join(a, aPort, port, nil))
		a, aPort = l.cell, port
	}
	b, bPort := cells[to], (*cell)(nil)
	for g := to.group; g != top; g = g.Outer {
		l := levels[g]
		port := &cell{entry: true}
		l.cells = append(l.cells, port)
		descent = append(descent, l.join(port, nil, b, bPort))
		b, bPort = l.cell, port
	}
	slices.Reverse(descent)
	return slices.Concat(ascent, []*wiring{levels[top].join(a, aPort, b, bPort)}, descent)
}

func (l *level) join(from, fromPort, to, toPort *cell) *wiring {
	w := &wiring{from: from, fromPort: fromPort, to: to, toPort: toPort}
	l.wires = append(l.wires, w)
	from.out, to.in = append(from.out, w), append(to.in, w)
	return w
}

// place gives the cells of a level their places in it.
func (l *level) place() {
	for _, c := range l.cells {
		if c.inner != nil {
			c.inner.place()
			c.w, c.h = c.inner.w, c.inner.h
		}
	}
	l.breakCycles()
	columns := l.insertKnees(l.rank())
	untangle(columns)
	l.w = spread(columns)
	l.h = align(columns)
	if l.frame == nil {
		return
	}
	l.w = max(l.w+2*framePad, measure(l.frame.group.Name, textSize)+2*framePad)
	for _, c := range l.cells {
		c.y += frameHeader + framePad/2
		switch {
		case c.entry:
			c.x = 0
		case c.exit:
			c.x = l.w
		default:
			c.x += framePad
		}
	}
	for _, column := range columns {
		for _, c := range column {
			if c.knee() {
				c.x += framePad
				c.y += frameHeader + framePad/2
			}
		}
	}
	l.h += frameHeader + framePad
}

func (c *cell) knee() bool { return c.item == nil && c.inner == nil && !c.entry && !c.exit }

// breakCycles removes the wires that close a cycle: two frames may each use
// something of the other. Those wires are drawn backward.
func (l *level) breakCycles() {
	const entered, left = 1, 2
	state := map[*cell]int{}
	var visit func(c *cell)
	visit = func(c *cell) {
		state[c] = entered
		for _, w := range c.out {
			switch state[w.to] {
			case entered:
				w.back = true
			case 0:
				visit(w.to)
			}
		}
		state[c] = left
	}
	for _, c := range l.cells {
		if state[c] == 0 {
			visit(c)
		}
	}
	isBack := func(w *wiring) bool { return w.back }
	for _, c := range l.cells {
		c.in, c.out = slices.DeleteFunc(c.in, isBack), slices.DeleteFunc(c.out, isBack)
	}
	l.wires = slices.DeleteFunc(l.wires, isBack)
}

// rank gives each cell a column, to the right of its sources and as near as possible
// to its destinations. It returns the number of columns.
func (l *level) rank() int {
	order := l.topological()
	columns := 1
	for _, c := range order {
		for _, w := range c.in {
			c.column = max(c.column, w.from.column+1)
		}
		columns = max(columns, c.column+1)
	}
	for _, c := range slices.Backward(order) {
		if c.exit {
			c.column = columns - 1
		}
		if len(c.out) > 0 && !c.entry {
			c.column = columns
			for _, w := range c.out {
				c.column = min(c.column, w.to.column-1)
			}
		}
	}
	return columns
}

// topological returns the cells, each after its sources.
func (l *level) topological() []*cell {
	waiting := map[*cell]int{}
	var order []*cell
	for _, c := range l.cells {
		waiting[c] = len(c.in)
		if len(c.in) == 0 {
			order = append(order, c)
		}
	}
	for i := 0; i < len(order); i++ {
		for _, w := range order[i].out {
			if waiting[w.to]--; waiting[w.to] == 0 {
				order = append(order, w.to)
			}
		}
	}
	return order
}

// insertKnees breaks wires into pieces from column to column, and returns the
// cells by column.
func (l *level) insertKnees(n int) [][]*cell {
	columns := make([][]*cell, n)
	for _, c := range l.cells {
		columns[c.column] = append(columns[c.column], c)
		c.in, c.out = nil, nil
	}
	for _, w := range l.wires {
		from, fromPort := w.from, w.fromPort
		for column := w.from.column + 1; column < w.to.column; column++ {
			knee := &cell{column: column}
			columns[column] = append(columns[column], knee)
			w.knees = append(w.knees, knee)
			piece(from, fromPort, knee, nil)
			from, fromPort = knee, nil
		}
		piece(from, fromPort, w.to, w.toPort)
	}
	for _, column := range columns {
		for i, c := range column {
			c.place = i
		}
	}
	return columns
}

func piece(from, fromPort, to, toPort *cell) {
	w := &wiring{from: from, fromPort: fromPort, to: to, toPort: toPort}
	from.out, to.in = append(from.out, w), append(to.in, w)
}

// move turns places in the level into places in the drawing.
func (l *level) move(dx, dy float64) {
	if l.frame != nil {
		l.frame.x, l.frame.y, l.frame.w, l.frame.h = dx+l.w/2, dy+l.h/2, l.w, l.h
	}
	for _, c := range l.cells {
		c.x, c.y = c.x+dx, c.y+dy
		if c.item != nil {
			c.item.x, c.item.y = c.x, c.y
		}
		if c.inner != nil {
			c.inner.move(c.x-c.w/2, c.y-c.h/2)
		}
	}
	for _, w := range l.wires {
		for _, knee := range w.knees {
			knee.x, knee.y = knee.x+dx, knee.y+dy
		}
	}
}
