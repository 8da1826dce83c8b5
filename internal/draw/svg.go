package draw

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/graph"
)

// margin is the space around a drawing.
const margin = 8

// SVG writes the graph as a picture.
func SVG(w io.Writer, g *graph.Graph[float64], o Options) error {
	d, err := newDiagram(g, o, false)
	if err != nil {
		return err
	}
	d.layout()
	_, err = io.WriteString(w, d.svg(svgStyle))
	return err
}

// svgStyle is for pictures outside a page, on white.
var svgStyle = fmt.Sprintf(`<style>
text{font:%dpx Helvetica,Arial,sans-serif;fill:%s;text-anchor:middle;white-space:pre}
.caption{font-size:%dpx}
.caption,.name{fill:%s}
.title,.box .text{font-weight:bold}
.grad{fill:%s}
.line,.arrow,.op .shape,.box .shape{stroke:%s}
.line,.frame{fill:none}
.arrow,.dot{fill:%s}
.op .shape{fill:%s}
.box .shape{fill:%s}
.frame{stroke:%s}
</style>
<rect width="100%%" height="100%%" fill="white"/>
`, textSize, inkColour, captionSize, quietColour, gradColour, inkColour, inkColour, fillColour, boxColour, quietColour)

// svg writes the drawing; what is in style comes first.
func (d *diagram) svg(style string) string {
	var s strings.Builder
	w, h := d.w+2*margin, d.h+2*margin
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="img" aria-label="%s">`+"\n",
		px(w), px(h), px(w), px(h), escape("computational graph: "+d.title))
	s.WriteString(style)
	fmt.Fprintf(&s, `<g transform="translate(%d %d)">`+"\n", margin, margin)
	if d.title != "" {
		fmt.Fprintf(&s, `<text class="title" x="%s" y="%s">%s</text>`+"\n", px(d.w/2), px(titleHeight/2), escape(d.title))
	}
	for _, f := range d.frames {
		fmt.Fprintf(&s, `<g id="%s"><rect class="frame" x="%s" y="%s" width="%s" height="%s" rx="8"/><text class="name" style="text-anchor:start" x="%s" y="%s">%s</text></g>`+"\n",
			f.name, px(f.x-f.w/2), px(f.y-f.h/2), px(f.w), px(f.h), px(f.x-f.w/2+8), px(f.y-f.h/2+16), escape(f.group.Name))
	}
	for i, l := range d.links {
		l.svg(&s, i)
	}
	for _, it := range d.items {
		it.svg(&s)
	}
	s.WriteString("</g>\n</svg>\n")
	return s.String()
}

func (l *link) svg(s *strings.Builder, i int) {
	fmt.Fprintf(s, `<path id="l%d" class="line" d="M%s,%sC`, i, px(l.curve[0].x), px(l.curve[0].y))
	for k, p := range l.curve[1:] {
		if k > 0 {
			s.WriteByte(' ')
		}
		fmt.Fprintf(s, "%s,%s", px(p.x), px(p.y))
	}
	s.WriteString(`"/>` + "\n")
	if l.arrow {
		head := l.head()
		fmt.Fprintf(s, `<path id="a%d" class="arrow" d="M%s,%sL%s,%sL%s,%sZ"/>`+"\n", i, px(head[0].x), px(head[0].y), px(head[1].x), px(head[1].y), px(head[2].x), px(head[2].y))
	}
}

func (it *item) svg(s *strings.Builder) {
	fmt.Fprintf(s, `<g id="%s" class="%s" transform="translate(%s %s)">`, it.name, it.kind, px(it.x), px(it.y))
	switch it.kind {
	case operation:
		fmt.Fprintf(s, `<ellipse class="shape" rx="%s" ry="%s"/>`, px(it.w/2), px(it.h/2))
	case branch:
		fmt.Fprintf(s, `<circle class="dot" r="%s"/>`, px(branchRadius))
	case box:
		fmt.Fprintf(s, `<rect class="shape" x="%s" y="%s" width="%s" height="%s" rx="8"/>`, px(-it.w/2), px(-it.h/2), px(it.w), px(it.h))
	case edge:
		fmt.Fprintf(s, `<path class="line" d="M%s,0H%s"/>`, px(-it.w/2), px(it.w/2))
	}
	for _, t := range it.texts() {
		if t.text != "" {
			fmt.Fprintf(s, `<text class="%s" y="%s">%s</text>`, t.class, px(t.y), escape(t.text))
		}
	}
	s.WriteString("</g>\n")
}

func px(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }
