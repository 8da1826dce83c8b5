package draw

import "math"

// The measures of texts, in points.
const (
	lineHeight    = 1.2 * textSize
	captionHeight = 1.2 * captionSize
	baseline      = 0.35 * textSize // below the middle of a line
	gap           = 4               // between an edge's line and its texts
	branchRadius  = 2.5
	titleHeight   = 30
)

// A text is a line of an item, centered at its x and with its baseline at y,
// counted from the middle of the item.
type text struct {
	text  string
	class string // text, value, grad or caption
	y     float64
}

func (it *item) texts() (all []text) {
	switch it.kind {
	case operation, leaf:
		all = append(all, text{it.text, "text", baseline})
	case edge:
		y := -gap - float64(len(it.above))*lineHeight
		all = append(all, text{it.caption, "caption", y - 2})
		for _, line := range it.above {
			y += lineHeight
			all = append(all, text{line, "value", y - 2})
		}
		y = gap
		for _, line := range it.below {
			y += lineHeight
			all = append(all, text{line, "grad", y - 4})
		}
	case box:
		y := -(lineHeight + float64(len(it.below))*captionHeight) / 2
		y += lineHeight
		all = append(all, text{it.text, "text", y - 4})
		for _, line := range it.below {
			y += captionHeight
			all = append(all, text{line, "caption", y - 3})
		}
	}
	return all
}

// head is the triangle of an arrow.
func (l *link) head() [3]point {
	const half = 3 // of its base
	end := l.curve[len(l.curve)-1]
	dx, dy := l.tip.x-end.x, l.tip.y-end.y
	if length := math.Hypot(dx, dy); length > 0 {
		dx, dy = dx/length*half, dy/length*half
	}
	return [3]point{l.tip, {end.x - dy, end.y + dx}, {end.x + dy, end.y - dx}}
}
