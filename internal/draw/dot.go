package draw

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/chainrule-go/chainrule/graph"
)

// The sizes of text, in points.
const (
	textSize    = 14
	captionSize = 10
)

// The colors of a drawing on white; a page has its own for the dark.
const (
	inkColour   = "#1f2937" // values, operations, lines
	gradColour  = "#b42318" // gradients
	quietColour = "#57606a" // shapes and frames
	fillColour  = "#eef4ff" // of operations
	boxColour   = "#f3f4f6" // of folded groups
)

// DOT writes the graph in the language of Graphviz.
func DOT(w io.Writer, g *graph.Graph[float64], o Options) error {
	d, err := newDiagram(g, o, false)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, d.dot())
	return err
}

func (d *diagram) dot() string {
	var s strings.Builder
	fmt.Fprintf(&s, "digraph {\n\trankdir=LR\n\tnodesep=0.25\n\tranksep=0.2\n\tfontname=\"Helvetica\"\n")
	if d.title != "" {
		fmt.Fprintf(&s, "\tlabelloc=t\n\tlabel=<%s>\n", escape(d.title))
	}
	fmt.Fprintf(&s, "\tnode [fontname=\"Helvetica\" fontsize=%d fontcolor=%q color=%q fillcolor=%q]\n", textSize, inkColour, inkColour, fillColour)
	fmt.Fprintf(&s, "\tedge [color=%q arrowsize=0.7]\n", inkColour)
	d.dotGroup(&s, nil, "\t")
	for _, l := range d.links {
		var attributes []string
		if !l.arrow {
			attributes = append(attributes, "arrowhead=none")
		}
		if l.from.kind == edge {
			attributes = append(attributes, "tailport=e")
		}
		if l.to.kind == edge {
			attributes = append(attributes, "headport=w")
		}
		fmt.Fprintf(&s, "\t%q -> %q [%s]\n", l.from.name, l.to.name, strings.Join(attributes, " "))
	}
	s.WriteString("}\n")
	return s.String()
}

// dotGroup writes the content of a group, or of the whole drawing if it is nil.
func (d *diagram) dotGroup(s *strings.Builder, group *graph.Group, indent string) {
	for _, it := range d.items {
		if it.group == group {
			fmt.Fprintf(s, "%s%q [%s]\n", indent, it.name, it.attributes())
		}
	}
	for _, f := range d.frames {
		if f.group.Outer == group {
			fmt.Fprintf(s, "%ssubgraph \"cluster_%s\" {\n", indent, f.name)
			fmt.Fprintf(s, "%s\tlabel=<%s>\n%s\tstyle=rounded\n%s\tlabeljust=l\n%s\tcolor=%q\n%s\tfontcolor=%q\n",
				indent, escape(f.group.Name), indent, indent, indent, quietColour, indent, quietColour)
			d.dotGroup(s, f.group, indent+"\t")
			fmt.Fprintf(s, "%s}\n", indent)
		}
	}
}

func (it *item) attributes() string {
	switch it.kind {
	case operation:
		if len(it.text) <= 3 {
			return fmt.Sprintf("shape=circle style=filled fixedsize=true width=0.5 label=<%s>", escape(it.text))
		}
		return fmt.Sprintf("shape=ellipse style=filled margin=\"0.02,0.05\" label=<%s>", escape(it.text))
	case leaf:
		return fmt.Sprintf("shape=none width=0 height=0 margin=\"0.06,0.02\" label=<%s>", escape(it.text))
	case branch:
		return fmt.Sprintf("shape=point width=0.06 fillcolor=%q", inkColour)
	case box:
		label := "<b>" + escape(it.text) + "</b>"
		for _, line := range it.below {
			label += fmt.Sprintf("<br/><font point-size=\"%d\" color=%q>%s</font>", captionSize, quietColour, escape(line))
		}
		return fmt.Sprintf("shape=box style=\"rounded,filled\" fillcolor=%q margin=\"0.2,0.15\" label=<%s>", boxColour, label)
	}
	// The rule between the cells continues the line on either side; so the cells
	// must be equally high.
	caption := fmt.Sprintf("<font point-size=\"%d\" color=%q>%s</font>", captionSize, quietColour, escape(it.caption))
	blank := fmt.Sprintf("<font point-size=\"%d\"> </font>", captionSize)
	below := it.below
	if below == nil {
		below = make([]string, len(it.above))
	}
	return fmt.Sprintf("shape=plain label=<<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"3\">"+
		"<tr><td>%s<br/>%s</td></tr><hr/><tr><td>%s<br/>%s</td></tr></table>>",
		caption, dotLines(it.above, inkColour), dotLines(below, gradColour), blank)
}

func dotLines(lines []string, colour string) string {
	var all []string
	for _, line := range lines {
		all = append(all, fmt.Sprintf("<font color=%q>%s</font>", colour, escape(line)))
	}
	return strings.Join(all, "<br/>")
}

// escape makes any text fit for an HTML-like label and for SVG. No text becomes a
// space, since Graphviz requires some.
func escape(s string) string {
	if s == "" {
		return " "
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || slices.Contains([]rune{0xfffe, 0xffff}, r) {
			return ' ' // what XML forbids; and line breaks, which would displace the text after them
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return html.EscapeString(clean)
}
