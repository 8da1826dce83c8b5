package draw

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/chainrule-go/chainrule/graph"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

// pageData is what the page's script works on. Lengths are those of the SVG.
type pageData struct {
	Steps  []step      `json:"steps"`
	Items  []pageItem  `json:"items"`
	Frames []pageFrame `json:"frames"`
	Links  []pageLink  `json:"links"`
	Width  float64     `json:"width"`
	Margin float64     `json:"margin"`
}

type pageItem struct {
	Name   string   `json:"name"`
	X      float64  `json:"x"`
	Y      float64  `json:"y"`
	W      float64  `json:"w"`
	Value  int      `json:"value"` // the step that shows its value
	Grad   int      `json:"grad"`
	Frames []string `json:"frames"` // it lies in, the outermost first
}

type pageFrame struct {
	Name   string   `json:"name"`
	Text   string   `json:"text"`
	Lines  []string `json:"lines"` // what is in it
	X      float64  `json:"x"`     // the middle
	Y      float64  `json:"y"`
	W      float64  `json:"w"`
	H      float64  `json:"h"`
	BoxW   float64  `json:"boxW"` // when folded
	Frames []string `json:"frames"`
	Folded bool     `json:"folded"`
}

type pageLink struct {
	From  string       `json:"from"`
	To    string       `json:"to"`
	Curve [][2]float64 `json:"curve"`
	Head  [][2]float64 `json:"head"`
}

// HTML writes a page, all in one file, on which the passes run step by step, and
// groups fold and unfold.
func HTML(w io.Writer, g *graph.Graph[float64], o Options) error {
	unfolded := o
	unfolded.Folded = nil
	unfolded.Title = "" // the page has it
	d, err := newDiagram(g, unfolded, true)
	if err != nil {
		return err
	}
	d.layout()
	return page.Execute(w, struct {
		Title, Note, Output string
		Drawing             template.HTML // it is escaped
		Data                pageData
	}{o.Title, o.Note, meaning(g), template.HTML(d.svg("")), d.pageData(g, o.Folded)})
}

// meaning says what L is.
func meaning(g *graph.Graph[float64]) string {
	out := g.Output()
	switch {
	case out == nil:
		return ""
	case len(out.Shape) > 0:
		return "L = Σ " + name(out) + " × its gradient"
	case name(out) == "L":
		return ""
	}
	return "L = " + name(out)
}

func (d *diagram) pageData(g *graph.Graph[float64], folded func(*graph.Group) bool) pageData {
	p := pageData{Width: d.w + 2*margin, Margin: margin, Steps: []step{}, Frames: []pageFrame{}, Items: []pageItem{}, Links: []pageLink{}}
	all, value, grad := steps(g)
	p.Steps = append(p.Steps, all...)
	frames := map[*graph.Group]string{}
	for _, f := range d.frames {
		frames[f.group] = f.name
	}
	in := func(group *graph.Group) []string {
		names := []string{}
		for _, g := range chain(group) {
			names = append(names, frames[g])
		}
		return names
	}
	for _, it := range d.items {
		item := pageItem{Name: it.name, X: it.x, Y: it.y, W: it.w, Value: value[it.node.ID], Grad: grad[it.node.ID], Frames: in(it.group)}
		if it.to != nil { // a branch shows its term when its user has computed it
			item.Grad = backwardStep(all, it.to)
		}
		p.Items = append(p.Items, item)
	}
	for _, f := range d.frames {
		folding := item{kind: box, text: f.group.Name, below: f.items}
		folding.measure()
		p.Frames = append(p.Frames, pageFrame{f.name, f.group.Name, append([]string{}, f.items...), f.x, f.y, f.w, f.h,
			folding.w, in(f.group.Outer), folded != nil && folded(f.group)})
	}
	for _, l := range d.links {
		link := pageLink{From: l.from.name, To: l.to.name, Curve: pairs(l.curve), Head: [][2]float64{}}
		if l.arrow {
			head := l.head()
			link.Head = pairs(head[:])
		}
		p.Links = append(p.Links, link)
	}
	return p
}

func backwardStep(all []step, n *graph.Node[float64]) int {
	for i, s := range all {
		if s.Backward && s.Node == itemName(n) {
			return i + 1
		}
	}
	return never
}

func pairs(points []point) (all [][2]float64) {
	for _, p := range points {
		all = append(all, [2]float64{p.x, p.y})
	}
	return all
}
