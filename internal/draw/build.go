package draw

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/graph"
)

// builder makes a diagram of a graph.
type builder struct {
	diagram
	g      *graph.Graph[float64]
	folded func(*graph.Group) bool
	named  bool   // whether nodes without a label are named too
	needed []bool // by node: whether the output depends on it
	inside []bool // by node: whether it has uses in its own box
	boxes  map[*graph.Group]*item
	known  map[*graph.Group]bool
	ids    map[*graph.Group]string
}

func newDiagram(g *graph.Graph[float64], o Options, named bool) (*diagram, error) {
	b := &builder{g: g, folded: o.Folded, named: named, boxes: map[*graph.Group]*item{}, known: map[*graph.Group]bool{}, ids: map[*graph.Group]string{}}
	b.title, b.names, b.members = o.Title, names(g), map[*item][]*graph.Node[float64]{}
	for i, group := range groups(g) {
		b.ids[group] = groupName(i)
	}
	if b.folded == nil {
		b.folded = func(*graph.Group) bool { return false }
	}
	n := len(g.Nodes())
	b.inside, b.uses, b.shown = make([]bool, n), make([][]use, n), make([]*item, n)
	b.needed, _ = dependence(g)
	for _, n := range g.Nodes() {
		b.show(n)
		if len(b.items) > maxItems {
			return nil, fmt.Errorf("the graph has more than %d nodes to draw; fold its groups", maxItems)
		}
	}
	for _, n := range g.Nodes() {
		b.use(n)
	}
	for _, n := range g.Nodes() {
		b.edges(n)
	}
	return &b.diagram, nil
}

// show adds the item that shows the node: one of its own, or the box of the
// outermost folded group it lies in.
func (b *builder) show(n *graph.Node[float64]) {
	var group *graph.Group
	for _, g := range chain(n.Group) {
		b.enter(g)
		if b.folded(g) {
			group = g
			break
		}
	}
	if group == nil {
		it := &item{name: fmt.Sprintf("n%d", n.ID), kind: operation, text: symbol(n), group: n.Group, node: n}
		if n.Leaf() {
			it.kind, it.text = leaf, leafText(n)
		}
		b.shown[n.ID] = it
		b.items = append(b.items, it)
		return
	}
	it := b.boxes[group]
	if n.Op == graph.OpInput {
		it.below = append(it.below, inputText(n))
	}
	b.shown[n.ID] = it
	b.members[it] = append(b.members[it], n)
}

// enter adds a frame or a box for a group that has none yet.
func (b *builder) enter(g *graph.Group) {
	if b.known[g] {
		return
	}
	b.known[g] = true
	if b.folded(g) {
		it := &item{name: b.ids[g], kind: box, text: g.Name, group: g.Outer}
		b.boxes[g] = it
		b.items = append(b.items, it)
		return
	}
	b.frames = append(b.frames, &frame{name: b.ids[g], group: g})
}

// use notes for each input of n that n uses it.
func (b *builder) use(n *graph.Node[float64]) {
	known := b.needed[n.ID]
	var terms [][]float64
	if known {
		terms = n.Terms()
	}
	to := b.shown[n.ID]
	for i, a := range n.In {
		if b.shown[a.ID] == to {
			b.inside[a.ID] = true // inside a folded group, not drawn
			continue
		}
		u := use{item: to, known: known, terms: make([]float64, len(a.Value))}
		if at := slices.IndexFunc(b.uses[a.ID], func(u use) bool { return u.item == to }); to.kind == box && at >= 0 {
			u = b.uses[a.ID][at]
			b.uses[a.ID] = slices.Delete(b.uses[a.ID], at, at+1)
			u.known = u.known || known
		}
		if known {
			for j, v := range terms[i] {
				u.terms[j] += v
			}
		}
		b.uses[a.ID] = append(b.uses[a.ID], u)
	}
}

// edges adds the edges from a node to its uses.
func (b *builder) edges(n *graph.Node[float64]) {
	from, uses := b.shown[n.ID], b.uses[n.ID]
	if len(uses) == 0 && b.inside[n.ID] {
		return
	}
	group := from.group
	for _, u := range uses {
		group = common(group, u.item.group)
	}
	last := from
	if n.Op != graph.OpConst {
		last = b.add(&item{name: fmt.Sprintf("v%d", n.ID), kind: edge, group: group, node: n,
			caption: b.caption(n, len(uses) == 0), above: lines(n.Shape, n.Value), below: b.gradient(n)})
		b.link(from, last, false)
	}
	switch len(uses) {
	case 0:
		if n.Op != graph.OpConst {
			b.link(last, b.add(&item{name: fmt.Sprintf("end%d", n.ID), kind: leaf, text: n.Label, group: group, node: n}), true)
		}
	case 1:
		b.link(last, uses[0].item, true)
	default:
		dot := b.add(&item{name: fmt.Sprintf("b%d", n.ID), kind: branch, group: group, node: n})
		b.link(last, dot, false)
		for k, u := range uses {
			if n.Op == graph.OpConst || !u.known {
				b.link(dot, u.item, true)
				continue
			}
			it := b.add(&item{name: fmt.Sprintf("v%d.%d", n.ID, k), kind: edge, group: common(group, u.item.group), node: n, to: u.item})
			it.below = lines(n.Shape, u.terms)
			it.above = make([]string, len(it.below))
			b.link(dot, it, false)
			b.link(it, u.item, true)
		}
	}
}

// gradient returns the lines below the value of a node: its gradient, or, if part of
// that comes from inside the node's own folded group, the other part.
func (b *builder) gradient(n *graph.Node[float64]) []string {
	if !b.needed[n.ID] {
		return nil
	}
	if !b.inside[n.ID] {
		return lines(n.Shape, n.Grad)
	}
	sum := make([]float64, len(n.Value))
	for _, u := range b.uses[n.ID] {
		for j, v := range u.terms {
			sum[j] += v
		}
	}
	return lines(n.Shape, sum)
}

func (b *builder) add(it *item) *item {
	b.items = append(b.items, it)
	return it
}

func (b *builder) link(from, to *item, arrow bool) {
	l := &link{from: from, to: to, arrow: arrow}
	b.links = append(b.links, l)
	to.arriving = append(to.arriving, l)
}

// symbol returns the sign of an operation, as in the book.
func symbol(n *graph.Node[float64]) string {
	switch n.Op {
	case "*":
		return "×"
	case "-":
		return "−"
	case "sum":
		return "Σ"
	case "maximum":
		return "max"
	case "gather":
		if n.Attr.Kind != "" {
			return n.Attr.Kind
		}
	}
	return n.Op
}

// leafText returns the name of an input, or the number of a constant.
func leafText(n *graph.Node[float64]) string {
	if n.Op == graph.OpInput {
		return n.Label
	}
	text := "no elements"
	if len(n.Value) > 0 {
		text = round(n.Value[0])
	}
	if n.Label != "" {
		text = n.Label + " = " + text
	}
	return text
}

// inputText returns the text for an input in the box of its group.
func inputText(n *graph.Node[float64]) string {
	return strings.TrimSpace(n.Label + " " + shapeText(n.Shape))
}

// caption returns the text above a value: the name, unless an item beside it shows
// that, and the shape.
func (b *builder) caption(n *graph.Node[float64], end bool) string {
	label := n.Label
	if b.named {
		label = b.names[n.ID]
	}
	if n.Leaf() || end && n.Label != "" {
		label = ""
	}
	return strings.TrimSpace(label + " " + shapeText(n.Shape))
}

func shapeText(shape []int) string {
	if len(shape) == 0 {
		return ""
	}
	return graph.FormatShape(shape)
}
