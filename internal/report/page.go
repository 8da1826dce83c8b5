package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"

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

// Summarize sets the summary to the most important numbers of the log and of the first
// evaluation.
func (p *Page) Summarize() {
	add := func(name, value string) { p.Summary = append(p.Summary, Setting{name, value}) }
	if p.Log != nil && p.Log.Entries > 0 {
		epochs, steps := p.Log.End()
		add("epochs", strconv.FormatFloat(epochs, 'g', 4, 64))
		add("steps", strconv.FormatFloat(steps, 'f', 0, 64))
		for _, name := range []string{"loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_accuracy"} {
			if c := p.Log.Find(name); c != nil {
				add("last "+words(name), format(c.Last()))
			}
		}
		if c := p.Log.Find("validation_loss"); c != nil {
			value, epoch := c.Best()
			add("best validation loss", format(value)+", epoch "+strconv.FormatFloat(epoch, 'g', 4, 64))
		}
		if c := p.Log.Find("seconds"); c != nil {
			add("time", Duration(c.Last()))
		}
	}
	if p.Network != nil {
		add("parameters", strconv.Itoa(p.Network.Params))
	}
}

// Duration is a time in seconds as it is read.
func Duration(seconds float64) string {
	if seconds < 60 {
		return strconv.FormatFloat(seconds, 'f', 1, 64) + " s"
	}
	return time.Duration(seconds * 1e9).Round(time.Second).String()
}
