package draw

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"github.com/chainrule-go/chainrule/graph"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

// maxPageItems is the largest number of items in all drawings of a page together.
const maxPageItems = 6000

// maxPageSets is of how many groups it is tried whether a drawing with them open has room.
const maxPageSets = 200

// A pageView is the drawing of a graph with some of its groups open and the others
// folded, and its steps.
type pageView struct {
	Open  []string   `json:"open"` // the groups that are drawn as frames, outer before inner
	Steps []step     `json:"steps"`
	Items []pageItem `json:"items"`

	Drawing template.HTML `json:"-"` // it is escaped
}

// A pageItem says from which step on the value and the gradient of an item are
// visible.
type pageItem struct {
	Name  string `json:"name"`
	Value int    `json:"value"`
	Grad  int    `json:"grad"`
}

type pageGroup struct {
	Name  string  `json:"name"`
	Text  string  `json:"text"`
	Outer *string `json:"outer"` // null if it lies in none
}

// HTML writes a page, all in one file, on which the passes run step by step, and
// groups fold and unfold. A folded group is one step forward and one backward.
//
// The page has a drawing for each group open alone, for all of them and for none,
// up to a limit; groups that are too large stay folded.
func HTML(w io.Writer, g *graph.Graph[float64], o Options) error {
	all := groups(g)
	sets := []map[*graph.Group]bool{{}, {}, {}} // as the options say, none open, all open
	for _, group := range all {
		sets[0][group] = o.Folded == nil || !o.Folded(group)
		sets[2][group] = true
	}
	for _, group := range all[:min(len(all), maxPageSets)] {
		alone := map[*graph.Group]bool{}
		for _, outer := range chain(group) {
			alone[outer] = true
		}
		sets = append(sets, alone)
	}
	var views []pageView
	known := map[string]bool{}
	room := maxPageItems // for more items
	least := 0           // items of the drawing with none open, the smallest
	for i, open := range sets {
		if least > room {
			break
		}
		d, err := newDiagram(g, Options{Folded: func(group *graph.Group) bool { return !open[group] }}, true)
		if err != nil && i == 0 {
			return err
		}
		if i == 1 {
			if err != nil {
				break // the others are larger
			}
			least = len(d.items)
		}
		if err != nil || i > 0 && len(d.items) > room {
			continue // it is too large to be drawn
		}
		v := pageView{Open: []string{}}
		for _, f := range d.frames {
			v.Open = append(v.Open, f.name)
		}
		if key := strings.Join(v.Open, " "); !known[key] {
			known[key] = true
			room -= len(d.items)
			d.layout()
			d.fillView(&v, g)
			views = append(views, v)
		}
	}
	return page.Execute(w, struct {
		Title, Note, Output string
		Views               []pageView
		Groups              []pageGroup
	}{o.Title, o.Note, meaning(g), views, pageGroups(all)})
}

func pageGroups(all []*graph.Group) []pageGroup {
	names := map[*graph.Group]*string{}
	pages := []pageGroup{}
	for i, group := range all {
		name := groupName(i)
		names[group] = &name
		pages = append(pages, pageGroup{name, group.Name, names[group.Outer]})
	}
	return pages
}

// meaning returns the sentence that says what L is.
func meaning(g *graph.Graph[float64]) string {
	out := g.Output()
	if out == nil {
		return ""
	}
	switch name := names(g)[out.ID]; {
	case len(out.Shape) > 0:
		return "L = Σ " + name + " × its gradient"
	case name == "L":
		return ""
	default:
		return "L = " + name
	}
}

func (d *diagram) fillView(v *pageView, g *graph.Graph[float64]) {
	walk := d.walk(g)
	v.Drawing, v.Steps, v.Items = template.HTML(d.svg("")), walk.steps, []pageItem{}
	for _, it := range d.items {
		if it.kind != edge {
			continue
		}
		item := pageItem{Name: it.name, Value: walk.value[it.node.ID], Grad: walk.grad[it.node.ID]}
		if it.to != nil { // a branch shows its term when its user has computed it
			item.Grad = never
			if at := walk.back[it.to]; at > 0 {
				item.Grad = at
			}
		}
		v.Items = append(v.Items, item)
	}
}
