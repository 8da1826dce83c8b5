package draw

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

// randomGraph has groups in groups, branches, and groups that use one another.
func randomGraph(seed uint64) *graph.Graph[float64] {
	random := rand.New(rand.NewPCG(seed, 5))
	g := graph.New[float64]()
	nodes := []*graph.Node[float64]{g.Input("x", []float64{1}), g.Input("y", []float64{2})}
	var grow func(depth int)
	grow = func(depth int) {
		for range 1 + random.IntN(5) {
			a, b := nodes[random.IntN(len(nodes))], nodes[random.IntN(len(nodes))]
			switch random.IntN(5) {
			case 0:
				nodes = append(nodes, g.Add(a, b))
			case 1:
				nodes = append(nodes, g.Mul(a, g.Const(0.5)))
			case 2:
				nodes = append(nodes, g.Input("in", []float64{3}))
			case 3:
				nodes = append(nodes, g.Exp(a).As("a name"))
			default:
				if depth < 3 {
					g.Group(fmt.Sprint("group ", depth), func() { grow(depth + 1) })
				}
			}
		}
	}
	for range 3 {
		grow(0)
	}
	g.Backward(nodes[len(nodes)-1])
	return g
}

// TestLayout: nothing lies on anything else, what is in a frame lies in it and
// nothing else does, and lines go from item to item.
func TestLayout(t *testing.T) {
	frames, links := 0, 0
	for seed := range uint64(300) {
		g := randomGraph(seed)
		for _, folded := range []func(*graph.Group) bool{nil, func(g *graph.Group) bool { return g.Name == "group 1" }} {
			d, err := newDiagram(g, Options{Title: "random", Folded: folded}, false)
			if err != nil {
				t.Fatal(err)
			}
			d.layout()
			frames, links = frames+len(d.frames), links+len(d.links)
			check(t, seed, d)
			if t.Failed() {
				return
			}
		}
	}
	if frames < 500 || links < 5000 {
		t.Errorf("only %d frames and %d lines were seen", frames, links)
	}
}

func check(t *testing.T, seed uint64, d *diagram) {
	t.Helper()
	const eps = 1e-6
	apart := func(ax, ay, aw, ah, bx, by, bw, bh float64) bool {
		return math.Abs(ax-bx) >= (aw+bw)/2-eps || math.Abs(ay-by) >= (ah+bh)/2-eps
	}
	for i, a := range d.items {
		if !(a.x-a.w/2 >= -eps && a.x+a.w/2 <= d.w+eps && a.y-a.h/2 >= -eps && a.y+a.h/2 <= d.h+eps) {
			t.Errorf("graph %d: %s lies outside: %+v in %v by %v", seed, a.name, a, d.w, d.h)
		}
		for _, b := range d.items[i+1:] {
			if !apart(a.x, a.y, a.w, a.h, b.x, b.y, b.w, b.h) {
				t.Errorf("graph %d: %s lies on %s", seed, a.name, b.name)
			}
		}
		for _, f := range d.frames {
			inside := math.Abs(a.x-f.x) <= (f.w-a.w)/2+eps && math.Abs(a.y-f.y) <= (f.h-a.h)/2+eps
			if slices.Contains(chain(a.group), f.group) != inside {
				t.Errorf("graph %d: %s in the frame %s: %v", seed, a.name, f.name, inside)
			}
			if !inside && !apart(a.x, a.y, a.w, a.h, f.x, f.y, f.w, f.h) {
				t.Errorf("graph %d: %s lies across the frame %s", seed, a.name, f.name)
			}
		}
	}
	for _, l := range d.links {
		start, end := l.curve[0], l.curve[len(l.curve)-1]
		if len(l.curve)%3 != 1 || math.Abs(start.x-l.from.x) > l.from.w/2+eps || math.Abs(start.y-l.from.y) > eps {
			t.Errorf("graph %d: a line from %s at (%v, %v) begins at %v", seed, l.from.name, l.from.x, l.from.y, start)
		}
		// The tip touches the item; the curve ends there, or where the head begins.
		if math.Abs(l.tip.x-l.to.x) > l.to.w/2+eps || math.Abs(l.tip.y-l.to.y) > l.to.h/2+eps {
			t.Errorf("graph %d: a line to %s at (%v, %v) has its tip at %v", seed, l.to.name, l.to.x, l.to.y, l.tip)
		}
		if gap := math.Hypot(end.x-l.tip.x, end.y-l.tip.y); l.arrow && math.Abs(gap-arrowLength) > eps || !l.arrow && gap > eps {
			t.Errorf("graph %d: a line to %s ends %v before its tip", seed, l.to.name, gap)
		}
		for _, it := range []*item{l.from, l.to} {
			if it.kind == edge && common(l.from.group, l.to.group) != it.group {
				t.Errorf("graph %d: the value %s between %s and %s is in the wrong frame", seed, it.name, l.from.name, l.to.name)
			}
		}
		for i, w := range l.wires[1:] {
			// A line leaves a frame on its right, after all else in it.
			if port := l.wires[i].to; port.exit {
				f := w.from.inner.frame
				if math.Abs(port.x-(f.x+f.w/2)) > eps || slices.ContainsFunc(w.from.inner.cells, func(c *cell) bool { return c.column > port.column }) {
					t.Errorf("graph %d: a line from %s leaves the frame %s at %v", seed, l.from.name, f.name, port.x)
				}
			}
		}
		if l.tip.x < start.x && !slices.ContainsFunc(l.wires, func(w *wiring) bool { return w.back }) {
			t.Errorf("graph %d: a line from %s to %s goes back", seed, l.from.name, l.to.name)
		}
	}
}

func TestRound(t *testing.T) {
	for x, want := range map[float64]string{
		715.0000000000001: "715", 3.3000000000000003: "3.3", 0.1: "0.1", math.Copysign(0, -1): "0", -2: "-2", 39760: "39760",
		12345.678: "1.235e+04", 1e300: "1e+300", math.Inf(-1): "-Inf", math.Pi: "3.142",
	} {
		if got := round(x); got != want {
			t.Errorf("round(%v) = %s, want %s", x, got, want)
		}
	}
	if got := round(math.NaN()); got != "NaN" {
		t.Errorf("round(NaN) = %s", got)
	}
}

// TestSummary: the mean of what cancels is 0; a small mean is not, nor NaN.
func TestSummary(t *testing.T) {
	for _, test := range []struct {
		name string
		data []float64
		mean float64
	}{
		{"rounding", []float64{0.1, 0.2, -0.3}, 0},
		{"rounding, small numbers", []float64{0.1e-20, 0.2e-20, -0.3e-20}, 0},
		{"small numbers", []float64{1e-20, 3e-20}, 2e-20},
		{"a small difference", []float64{1, -1, 3e-10}, 1e-10},
		{"zeros", []float64{0, 0}, 0},
		{"NaN", []float64{1, math.NaN()}, math.NaN()},
		{"infinite", []float64{1, math.Inf(1)}, math.Inf(1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			mean, _, _ := summary(test.data)
			if !(math.Abs(mean-test.mean) <= 1e-7*math.Abs(test.mean)) && mean != test.mean && !(math.IsNaN(mean) && math.IsNaN(test.mean)) {
				t.Errorf("the mean is %v, want %v", mean, test.mean)
			}
		})
	}
}
