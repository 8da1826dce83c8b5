package draw

import (
	"slices"

	"github.com/chainrule-go/chainrule/graph"
)

// Options say how to draw a graph.
type Options struct {
	Title string // "" draws none
	Note  string // a sentence below the title of a page
	// Folded reports which groups are drawn as one box; nil folds none. On a page
	// these are the ones folded at first.
	Folded func(*graph.Group) bool
}

// maxItems is the largest number of nodes and boxes in a drawing. More would be
// unreadable, and slow to lay out.
const maxItems = 3000

// A diagram is what is drawn. The layout gives it places.
type diagram struct {
	title   string
	items   []*item
	links   []*link
	frames  []*frame                         // the unfolded groups, outer before inner
	shown   []*item                          // by node: the item that shows it, its own or a box
	members map[*item][]*graph.Node[float64] // of each box
	uses    [][]use                          // by node
	names   []string                         // by node: its name in a sentence
	w, h    float64                          // of the whole, by layout
}

// A use is an edge from a node to an operation or a folded group that uses it.
type use struct {
	item  *item
	terms []float64
	known bool // whether there are terms
}

// A kind is the appearance of an item.
type kind string

const (
	operation kind = "op"     // a circle or an ellipse with a symbol
	leaf      kind = "leaf"   // a name
	edge      kind = "edge"   // a line with values above and gradients below
	branch    kind = "branch" // a dot
	box       kind = "box"    // a folded group
)

// An item is a piece of a drawing that has a place of its own.
type item struct {
	name    string // "n3" of node 3, "v3" of its value, "v3.0" of a branch of it, "b3" of the dot, "g0" of group 0
	kind    kind
	text    string   // of an operation, a leaf, a box
	caption string   // of an edge: name and shape
	above   []string // of an edge: the value
	below   []string // of an edge: the gradient; of a box: what is in it
	group   *graph.Group

	node *graph.Node[float64] // it belongs to; nil for a box
	to   *item                // of the branch of an edge: the item that uses it

	arriving   []*link
	x, y, w, h float64 // center and size, by layout
}

// A link is a line from one item to another.
type link struct {
	from, to *item
	arrow    bool
	wires    []*wiring // by layout, as all below
	curve    []point   // a Bézier curve of 3n+1 points
	tip      point     // of the arrow
}

type point struct{ x, y float64 }

// A frame is drawn around an unfolded group.
type frame struct {
	name  string
	group *graph.Group
	x, y  float64 // center, by layout
	w, h  float64
}

// chain returns the groups g lies in, the outermost first, and g.
func chain(g *graph.Group) []*graph.Group {
	var all []*graph.Group
	for ; g != nil; g = g.Outer {
		all = append(all, g)
	}
	slices.Reverse(all)
	return all
}

// common returns the innermost group both lie in.
func common(a, b *graph.Group) (g *graph.Group) {
	x, y := chain(a), chain(b)
	for i := range min(len(x), len(y)) {
		if x[i] == y[i] {
			g = x[i]
		}
	}
	return g
}
