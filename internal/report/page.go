package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

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

// WriteFigures writes each figure of the page to a folder, as SVG and PNG. The names of the
// files are the titles of the figures.
func (p *Page) WriteFigures(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	used := map[string]int{}
	for _, f := range p.figures() {
		name := fileName(f.Name())
		if used[name]++; used[name] > 1 {
			name += "-" + strconv.Itoa(used[name])
		}
		for _, ending := range []string{".svg", ".png"} {
			if err := plot.Save(filepath.Join(dir, name+ending), f); err != nil {
				return err
			}
		}
	}
	return nil
}

// figures are all of the page.
func (p *Page) figures() (all []plot.Figure) {
	if p.Log != nil {
		all = p.Log.Figures()
	}
	for _, e := range p.Evaluations {
		all = append(all, e.Figures()...)
	}
	return all
}

// fileName is the beginning of a title in small letters, with hyphens for what is neither
// letter nor digit.
func fileName(title string) string {
	title, _, _ = strings.Cut(title, ":")
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	name := []rune(strings.Join(words, "-"))
	return string(name[:min(len(name), 60)])
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
