package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/nn"
)

// A Page is a report. What is nil or empty has no section.
type Page struct {
	Title       string
	Summary     []Setting // the most important numbers
	Log         *Log
	Evaluations []*Evaluation
	Network     *nn.Summary
	Config      []Setting
}

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"figure": figure,
	"format": format,
	"shape":  shape,
}).Parse(pageHTML))

// Write writes the page, which loads nothing: its figures and style are in it.
func (p *Page) Write(w io.Writer) error {
	var b bytes.Buffer // whole, or not at all
	if err := pageTemplate.Execute(&b, p); err != nil {
		return err
	}
	_, err := b.WriteTo(w)
	return err
}

// figure is a drawing as a part of the page. Package plot escapes what is text in it.
func figure(f plot.Figure) (template.HTML, error) {
	var b strings.Builder
	err := plot.SVG(&b, f)
	return template.HTML(b.String()), err
}

// shape is the shape of a sample, as in "1×28×28".
func shape(sizes []int) string {
	var parts []string
	for _, n := range sizes {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, "×")
}
