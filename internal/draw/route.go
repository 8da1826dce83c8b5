package draw

import (
	"cmp"
	"math"
	"slices"
)

// spreadAngle is the angle between the arrows that arrive at a circle.
const spreadAngle = math.Pi / 4

// arrowLength is the length of an arrow's head.
const arrowLength = 8

// route finds the curve of a link: level at its start, at every port and beside
// every knee; at a circle it arrives at an angle of its own.
func (l *link) route() {
	at := []point{{l.from.x + l.from.right(), l.from.y}}
	for i, w := range l.wires {
		for _, knee := range w.knees {
			at = append(at, point{knee.x - knee.w/2, knee.y}, point{knee.x + knee.w/2, knee.y})
		}
		if i+1 < len(l.wires) {
			port := w.to
			if !port.exit {
				port = l.wires[i+1].from
			}
			at = append(at, point{port.x, port.y})
		}
	}
	angle := l.arrival()
	end := point{l.to.x - l.to.left()*math.Cos(angle), l.to.y + l.to.h/2*math.Sin(angle)}
	if l.to.kind != operation {
		end.y = l.to.y
	}
	// The curve ends where the head begins.
	l.tip = end
	if l.arrow {
		end.x -= arrowLength * math.Cos(angle)
		end.y += arrowLength * math.Sin(angle)
	}
	l.curve = []point{at[0]}
	for i, p := range at {
		next, slope := end, math.Tan(angle)
		if i+1 < len(at) {
			next, slope = at[i+1], 0
		}
		reach := max(math.Abs(next.x-p.x)/2, min(columnGap, math.Abs(next.y-p.y)/4))
		l.curve = append(l.curve, point{p.x + reach, p.y}, point{next.x - reach, next.y + float64(reach*slope)}, next)
	}
}

// right and left are the distances from the middle at which lines leave and arrive.
func (it *item) right() float64 {
	if it.kind == branch {
		return 0
	}
	return it.w / 2
}

func (it *item) left() float64 { return it.right() }

// arrival is the angle at which a link arrives at a circle: above for one from above.
func (l *link) arrival() float64 {
	if l.to.kind != operation {
		return 0
	}
	arriving := slices.Clone(l.to.arriving)
	slices.SortStableFunc(arriving, func(a, b *link) int { return cmp.Compare(a.cameFrom(), b.cameFrom()) })
	i := slices.Index(arriving, l)
	return (float64(i) - float64(len(arriving)-1)/2) * spreadAngle
}

// cameFrom is the height of the last place a link passes before its end.
func (l *link) cameFrom() float64 {
	last := l.wires[len(l.wires)-1]
	switch {
	case len(last.knees) > 0:
		return last.knees[len(last.knees)-1].y
	case last.from.entry:
		return last.from.y
	case last.fromPort != nil:
		return last.fromPort.y
	}
	return l.from.y
}
