package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/internal/draw"
	"github.com/chainrule-go/chainrule/internal/spelling"
)

// graphOptions are the flags of graph.
type graphOptions struct {
	input        string // "" if it was not given
	data         folder
	sample       count
	label        class
	format       drawingFormat
	out          string
	fold, unfold []string
}

func (a *app) graphCommand() *cobra.Command {
	o := &graphOptions{sample: count{0, 0, mnistTest - 1}}
	var figures strings.Builder
	for _, f := range graph.Figures() {
		fmt.Fprintf(&figures, "  %-18s %s\n", f.Name, f.Title)
	}
	cmd := &cobra.Command{
		Use:   "graph NAME|MODEL",
		Short: "Draw a computational graph with its values and gradients",
		Long: `Draw a computational graph of the book: circles are operations, above each line
stands the value, below it the gradient. NAME is one of

` + figures.String() + `
or the file of a model: its layers and its loss on one sample, an image of MNIST's
test set (--sample) or --input, with --unfold all node by node.

The end of the file's name decides the format; without one it is svg. The drawing goes to standard output
if that is a pipe or a file; on a terminal, which shows no pictures, it goes to a
file of this folder named after the graph. A page (html) runs the passes
forward and backward step by step. Drawings round numbers; json has them exactly.`,
		Args: arguments(1, 1, "the name of one graph, or one model file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			toFile := cmd.Flags().Changed("out")
			if err := a.resolve(o, toFile); err != nil {
				return err
			}
			if f := cmd.Flags(); f.Changed("input") && o.input == "" {
				return usagef("--input wants values, or for a model the file of an image")
			} else if o.input != "" && f.Changed("sample") {
				return usagef("--input and --sample are two samples; choose one")
			}
			s, err := a.graphSource(cmd, args[0], o)
			if err != nil {
				return err
			}
			if !toFile && a.terminal && o.format.picture() {
				if o.out, err = o.format.fileFor(args[0]); err != nil {
					return err
				}
			}
			return a.drawGraph(cmd.Context(), s, o, toFile)
		},
		ValidArgsFunction: completeGraph,
	}
	cmd.Flags().StringVar(&o.input, "input", "", "values for the inputs, in order, all of them, such as 2,100,1.1; for a model also the file of a picture, an IDX file or a text of numbers, - for standard input")
	dataFlag(cmd, &o.data)
	cmd.Flags().Var(&o.sample, "sample", "which image of MNIST's test set, counted from 0, for a model without --input")
	cmd.Flags().Var(&o.label, "label", "the class the loss of a model is for (default the image's own, or with --input the predicted one)")
	cmd.Flags().Lookup("label").DefValue = ""
	cmd.Flags().Var(&o.format, "format", "svg, png, dot, json or html")
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "file to write (default standard output, or a file of its own on a terminal)")
	completeFlag(cmd, "format", "svg", "png", "dot", "json", "html")
	cmd.Flags().StringSliceVar(&o.fold, "fold", nil, "groups to draw as one box, or all")
	cmd.Flags().StringSliceVar(&o.unfold, "unfold", nil, "groups to draw node by node, or all")
	return cmd
}

// drawingFormats are the formats and the endings of their files.
var drawingFormats = []struct {
	name    drawingFormat
	endings []string
}{
	{"svg", []string{".svg"}},
	{"png", []string{".png"}},
	{"dot", []string{".dot", ".gv"}},
	{"json", []string{".json"}},
	{"html", []string{".html", ".htm"}},
}

// resolve finds the format, and checks that the result can go where it shall.
func (a *app) resolve(o *graphOptions, toFile bool) error {
	if toFile && o.out == "" {
		return usagef("--out wants the name of a file")
	}
	if o.format == "" && toFile {
		ending := strings.ToLower(filepath.Ext(o.out))
		for _, f := range drawingFormats {
			if slices.Contains(f.endings, ending) {
				o.format = f.name
			}
		}
		if o.format == "" {
			return usagef("the name %s tells no format; end it in .svg, .png, .dot, .json or .html, or give --format", quoted(o.out))
		}
	}
	if toFile {
		return nil
	}
	if a.json {
		if o.format != "" && o.format != "json" {
			return usagef("--json and --format %s are two formats for standard output; choose one, or name a file with --out", o.format)
		}
		o.format = "json"
	}
	if o.format == "" {
		o.format = "svg"
	}
	return nil
}

// picture reports whether the format is for a program that shows it, not for
// reading.
func (f drawingFormat) picture() bool { return f == "svg" || f == "png" || f == "html" }

// fileFor is the file of this folder for the drawing of a figure or a model. One
// that is there already is not replaced.
func (f drawingFormat) fileFor(name string) (string, error) {
	base := filepath.Base(name)
	file := strings.TrimSuffix(base, filepath.Ext(base)) + "." + string(f)
	if _, err := os.Lstat(file); err == nil {
		return "", fmt.Errorf("a terminal shows no %s, and the file %s exists; -o %[2]s replaces it, another name keeps it", strings.ToUpper(string(f)), quoted(file))
	}
	return file, nil
}

// A source is a graph, run backward, and what to tell of it.
type source struct {
	graph       *graph.Graph[float64]
	title, note string
	folded      bool // whether its groups are folded unless the user says otherwise
}

// graphSource finds the graph of a name: a figure, or else a model.
func (a *app) graphSource(cmd *cobra.Command, name string, o *graphOptions) (source, error) {
	var names []string
	for _, f := range graph.Figures() {
		if f.Name == name {
			for _, flag := range []string{"data", "sample", "label"} {
				if cmd.Flags().Changed(flag) {
					return source{}, usagef("--%s is for a model, and %s is a figure", flag, name)
				}
			}
			return figureSource(f, o.input)
		}
		names = append(names, f.Name)
	}
	if _, err := os.Stat(name); err != nil && !strings.ContainsAny(name, `./\`) {
		if near := spelling.Suggest(name, names); near != "" {
			return source{}, usagef("there is no graph %q%s", name, near)
		}
		return source{}, usagef("there is no graph %q; want %s, or the file of a model", name, strings.Join(names, ", "))
	}
	if err := notInput("--out", o.out, name, o.input); err != nil {
		return source{}, err
	}
	return a.modelSource(cmd.Context(), name, o, cmd.Flags().Changed("label"))
}

func figureSource(f graph.Figure, input string) (source, error) {
	var values []float64
	if input != "" {
		var err error
		if values, err = parseNumbers(input); err != nil {
			return source{}, usagef("--input: %w", err)
		}
	}
	g, err := f.Graph(values...)
	if err != nil {
		return source{}, usagef("--input: %w", err)
	}
	return source{graph: g, title: f.Title, note: f.Shows}, nil
}

// drawnEvent is the line of graph --json --out.
type drawnEvent struct {
	Event  string        `json:"event"` // "drawn"
	Out    string        `json:"out"`
	Format drawingFormat `json:"format"`
	Nodes  int           `json:"nodes"`
}

// drawGraph draws to standard output, or to the file o.out, of which it tells
// where the user has not named it.
func (a *app) drawGraph(ctx context.Context, s source, o *graphOptions, named bool) error {
	folded, err := s.folding(o.fold, o.unfold)
	if err != nil {
		return err
	}
	drawing, err := untilDone(ctx, func() ([]byte, error) {
		var drawing bytes.Buffer
		err := o.format.draw(&drawing, s.graph, draw.Options{Title: s.title, Note: s.note, Folded: folded})
		switch {
		case err != nil || o.out != "":
		case !a.terminal:
			_, err = a.stdout.Write(drawing.Bytes())
		case o.format == "json":
			_, err = a.stdout.Write(safeJSON(drawing.Bytes()))
		default:
			_, err = io.WriteString(a.stdout, shown(drawing.String()))
		}
		return drawing.Bytes(), err
	})
	if err != nil || o.out == "" {
		return err
	}
	err = writeFile(ctx, o.out, func(w io.Writer) error {
		_, err := w.Write(drawing)
		return err
	})
	if err == nil && a.json {
		a.printJSON(drawnEvent{"drawn", o.out, o.format, len(s.graph.Nodes())})
	} else if err == nil && !named {
		a.logf("drawn to %s", quoted(o.out))
	}
	return err
}

// folding says which groups are folded: those named, or else all or none of them,
// or else as the source has it.
func (s source) folding(fold, unfold []string) (func(*graph.Group) bool, error) {
	var names []string
	known := map[string]bool{}
	for _, n := range s.graph.Nodes() {
		for g := n.Group; g != nil; g = g.Outer {
			if !known[g.Name] {
				known[g.Name] = true
				names = append(names, g.Name)
			}
		}
	}
	for _, name := range slices.Concat(fold, unfold) {
		switch {
		case name == "all" || known[name]:
		case len(names) == 0:
			return nil, usagef("there is no group %q: the graph has none", name)
		default:
			return nil, usagef("there is no group %q; the graph has %s", name, some(names))
		}
		if slices.Contains(fold, name) && slices.Contains(unfold, name) {
			return nil, usagef("--fold and --unfold both name %q", name)
		}
	}
	return func(g *graph.Group) bool {
		switch {
		case slices.Contains(fold, g.Name):
			return true
		case slices.Contains(unfold, g.Name):
			return false
		}
		return slices.Contains(fold, "all") || s.folded && !slices.Contains(unfold, "all")
	}, nil
}

// some lists names, of a model perhaps, of which there may be thousands, and long ones.
func some(names []string) string {
	const most = 10
	var list []string
	for _, name := range names[:min(most, len(names))] {
		list = append(list, shortened(name))
	}
	if more := len(names) - len(list); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// drawingFormat is one of drawingFormats, or "" for whatever fits.
type drawingFormat string

func (f *drawingFormat) Set(s string) error {
	for _, known := range drawingFormats {
		if string(known.name) == s {
			*f = known.name
			return nil
		}
	}
	return fmt.Errorf("want svg, png, dot, json or html")
}
func (f *drawingFormat) String() string { return string(*f) }
func (f *drawingFormat) Type() string   { return "name" }

func (f drawingFormat) draw(w io.Writer, g *graph.Graph[float64], o draw.Options) error {
	switch f {
	case "png":
		return draw.PNG(w, g, o)
	case "dot":
		return draw.DOT(w, g, o)
	case "html":
		return draw.HTML(w, g, o)
	case "json":
		return json.NewEncoder(w).Encode(g)
	}
	return draw.SVG(w, g, o)
}

// parseNumbers reads numbers with commas between them, infinite ones too.
func parseNumbers(s string) (all []float64, err error) {
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		x, err := strconv.ParseFloat(part, 64)
		if errors.Is(err, strconv.ErrRange) {
			return nil, rangeError(part)
		} else if err != nil {
			return nil, fmt.Errorf("want numbers with commas between them, such as 1,-0.5,2e3")
		}
		all = append(all, x)
	}
	return all, nil
}

// rangeError is a number that float64 does not have.
type rangeError string

func (e rangeError) Error() string {
	return shortened(string(e)) + " is too large; the largest number is 1.8e308"
}
func (rangeError) Unwrap() error { return strconv.ErrRange }
