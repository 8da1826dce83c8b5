package draw_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/internal/draw"
)

var update = flag.Bool("update", false, "write the drawings in testdata anew")

type format func(io.Writer, *graph.Graph[float64], draw.Options) error

// render draws, twice, and requires the same bytes.
func render(t *testing.T, write format, g *graph.Graph[float64], o draw.Options) string {
	t.Helper()
	var first, second bytes.Buffer
	if err := errors.Join(write(&first, g, o), write(&second, g, o)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two drawings of the same graph differ")
	}
	return first.String()
}

func apples(t *testing.T) *graph.Graph[float64] {
	t.Helper()
	g, err := graph.Figures()[0].Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// layers is a network of two groups, the first one with an input of its own.
func layers() *graph.Graph[float64] {
	random := rand.New(rand.NewPCG(1, 4))
	normal := func(n int) (data []float64) {
		for range n {
			data = append(data, random.NormFloat64())
		}
		return data
	}
	g := graph.New[float64]()
	x := g.Input("x", normal(6), 2, 3)
	g.Group("Affine1", func() { x = graph.Affine(g, x, g.Input("W1", normal(12), 3, 4), g.Input("b1", normal(4), 4)) })
	g.Group("ReLU1", func() { x = graph.ReLU(g, x) })
	g.Backward(g.Sum(x).As("L"))
	return g
}

// TestGolden: the apples in DOT and SVG, as they were when a person looked.
// To look again: go test ./internal/draw -run Golden -update.
func TestGolden(t *testing.T) {
	for name, write := range map[string]format{"apples.dot": draw.DOT, "apples.svg": draw.SVG} {
		t.Run(name, func(t *testing.T) {
			got := render(t, write, apples(t), draw.Options{Title: "Two apples and the tax"})
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is not what it was:\n%s", path, got)
			}
		})
	}
}

// texts returns the class and the words of every text of an SVG, which must be
// well-formed.
func texts(t *testing.T, svg string) (all []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	class := ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			class = ""
			for _, a := range token.Attr {
				if token.Name.Local == "text" && a.Name.Local == "class" {
					class = a.Value
				}
			}
		case xml.CharData:
			if class != "" {
				all = append(all, class+": "+string(token))
				class = ""
			}
		}
	}
}

func draws(t *testing.T, g *graph.Graph[float64], o draw.Options, want ...string) {
	t.Helper()
	got := texts(t, render(t, draw.SVG, g, o))
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("the drawing lacks %q; it has\n%s", w, strings.Join(got, "\n"))
		}
	}
}

func fold(*graph.Group) bool { return true }

// TestRounded: the book's numbers, although none of these is one in binary.
func TestRounded(t *testing.T) {
	g, err := graph.Figures()[1].Graph()
	if err != nil {
		t.Fatal(err)
	}
	draws(t, g, draw.Options{Title: "Apples and oranges"}, "title: Apples and oranges", "value: 715", "grad: 3.3", "grad: 110", "caption: price before tax")
}

// TestArrays: small ones are printed whole, with their shape, others as shape,
// mean, smallest and largest element.
func TestArrays(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{1, -0.5, -2, 3}, 2, 2)
	large := g.Broadcast(g.Sum(x), 20, 30)
	g.Backward(g.Sum(large).As("L"))
	draws(t, g, draw.Options{}, "value: [1 -0.5]", "value: [-2 3]", "grad: [600 600]", "caption: (2, 2)",
		"caption: (20, 30)", "value: mean 1.5", "value: min 1.5", "grad: max 1", "value: 900")
}

// TestBranch: the gradient is before a branch, and its terms are after it.
func TestBranch(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{3})
	g.Backward(g.Mul(g.Mul(x, x), x))
	got := texts(t, render(t, draw.SVG, g, draw.Options{}))
	for _, c := range []struct {
		text  string
		times int
	}{{"grad: 27", 1}, {"grad: 9", 3}, {"value: 3", 1}} {
		t.Run(c.text, func(t *testing.T) {
			if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s != c.text })); n != c.times {
				t.Errorf("drawn %d times, want %d:\n%s", n, c.times, strings.Join(got, "\n"))
			}
		})
	}
}

// TestNoBackward: without gradients there is nothing below the lines.
func TestNoBackward(t *testing.T) {
	g := graph.New[float64]()
	g.Exp(g.Input("x", []float64{0}))
	got := texts(t, render(t, draw.SVG, g, draw.Options{}))
	if slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "grad") }) || !slices.Contains(got, "value: 1") {
		t.Errorf("%q", got)
	}
}

// TestFold: a group as a frame or a box, with what goes in and out.
func TestFold(t *testing.T) {
	g := layers()
	draws(t, g, draw.Options{}, "name: Affine1", "name: ReLU1", "text: dot", "text: W1")
	draws(t, g, draw.Options{Folded: fold}, "text: Affine1", "caption: W1 (3, 4)", "text: ReLU1", "caption: (2, 4)")
	for _, s := range texts(t, render(t, draw.SVG, g, draw.Options{Folded: fold})) {
		if s == "text: dot" || s == "text: W1" || strings.HasPrefix(s, "name") {
			t.Errorf("in the folded drawing is %q", s)
		}
	}
	dot := render(t, draw.DOT, g, draw.Options{Folded: func(g *graph.Group) bool { return g.Name == "Affine1" }})
	if strings.Count(dot, "subgraph") != 1 || !strings.Contains(dot, `label=<<b>Affine1</b><br/>`) || !strings.Contains(dot, "label=<ReLU1>") {
		t.Errorf("one folded, one not:\n%s", dot)
	}
}

// TestFoldedBranch: what a group uses several times goes into its box once, with
// the sum of the terms; what it keeps to itself is not counted outside.
func TestFoldedBranch(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{3})
	var square, cube, other *graph.Node[float64]
	g.Group("powers", func() {
		square = g.Mul(x, x)
		cube = g.Mul(square, x)
	})
	g.Group("other", func() { other = g.Mul(x, g.Const(5)) })
	g.Backward(g.Add(g.Add(square, cube), other))
	got := texts(t, render(t, draw.SVG, g, draw.Options{Folded: fold}))
	for _, want := range []string{"grad: 38", "grad: 33", "grad: 5", "grad: 1"} { // 2x + 3x² + 5, into the boxes 2x + 3x² and 5
		if !slices.Contains(got, want) {
			t.Errorf("the drawing lacks %q: %q", want, got)
		}
	}
	if slices.Contains(got, "grad: 4") { // of the square, 3 of which are for the cube
		t.Errorf("the gradient of the square counts what is in the box: %q", got)
	}
}

// TestHostileLabels: no label is markup, in any format.
func TestHostileLabels(t *testing.T) {
	const label = `<x> & "y" </script><b>\N &amp;`
	g := graph.New[float64]()
	var y *graph.Node[float64]
	g.Group(label, func() { y = g.Exp(g.Input(label, []float64{1})).As(label) })
	g.Backward(y)
	o := draw.Options{Title: label, Note: label}
	draws(t, g, o, "title: "+label, "name: "+label, "text: "+label)
	for name, write := range map[string]format{"DOT": draw.DOT, "SVG": draw.SVG, "HTML": draw.HTML} {
		t.Run(name, func(t *testing.T) {
			if got := render(t, write, g, o); strings.Contains(got, "<x>") || strings.Contains(got, "</script><b>") {
				t.Errorf("the label is there as it is:\n%s", got)
			}
		})
	}
	y.As("a\x00b\nc\xffd\ufffe")
	draws(t, g, o, "text: a b c\ufffdd ")
}

// TestPNG: as large as the SVG, at two pixels a point, and with ink of each kind.
func TestPNG(t *testing.T) {
	got := render(t, draw.PNG, apples(t), draw.Options{})
	picture, err := png.Decode(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	var svg struct {
		Width  float64 `xml:"width,attr"`
		Height float64 `xml:"height,attr"`
	}
	if err := xml.Unmarshal([]byte(render(t, draw.SVG, apples(t), draw.Options{})), &svg); err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); float64(size.X) < 2*svg.Width || float64(size.X) > 2*svg.Width+1 ||
		float64(size.Y) < 2*svg.Height || float64(size.Y) > 2*svg.Height+1 {
		t.Errorf("the picture has %v pixels, the SVG is %v by %v", size, svg.Width, svg.Height)
	}
	count := map[color.Color]int{}
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			count[picture.At(x, y)]++
		}
	}
	for name, c := range map[string]color.Color{"white": color.RGBA{255, 255, 255, 255}, "ink": color.RGBA{0x1f, 0x29, 0x37, 255},
		"gradient": color.RGBA{0xb4, 0x23, 0x18, 255}, "operations": color.RGBA{0xee, 0xf4, 0xff, 255}} {
		if count[c] < 50 {
			t.Errorf("%d pixels are of the colour %s", count[c], name)
		}
	}
	if corner := picture.At(0, 0); corner != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("the corner is %v", corner)
	}
	if _, ok := picture.(*image.RGBA); !ok {
		t.Errorf("the picture is a %T", picture)
	}
}

// TestTooLarge: a graph that is too large to draw is an error, and is drawn when
// it is folded.
func TestTooLarge(t *testing.T) {
	g := graph.New[float64]()
	y := g.Input("x", []float64{1})
	g.Group("chain", func() {
		for range 4000 {
			y = g.Exp(y)
		}
	})
	for name, write := range map[string]format{"DOT": draw.DOT, "SVG": draw.SVG, "PNG": draw.PNG, "HTML": draw.HTML} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out, g, draw.Options{}); err == nil || !strings.Contains(err.Error(), "fold") || out.Len() > 0 {
				t.Errorf("%v, and %d bytes", err, out.Len())
			}
		})
	}
	draws(t, g, draw.Options{Folded: fold}, "text: chain")
}

// TestPageViews: a page has a drawing for each group open alone, for all and for
// none, as far as there is room.
func TestPageViews(t *testing.T) {
	for _, test := range []struct {
		name          string
		groups, nodes int // how many groups of how many nodes
		views         int
	}{
		{"no groups", 0, 0, 1},
		{"one group", 1, 3, 2},
		{"two groups", 2, 3, 4},
		{"three groups", 3, 3, 5},
		{"three groups too large to open all", 3, 1100, 3}, // room for two of them, one at a time
		{"groups too large to open", 2, 4000, 1},
		{"more than a page holds", 20, 700, 5}, // one of about 40 items, and 4 of about 1440
	} {
		t.Run(test.name, func(t *testing.T) {
			g := graph.New[float64]()
			y := g.Input("x", []float64{1})
			for i := range test.groups {
				g.Group(string(rune('A'+i)), func() {
					for range test.nodes {
						y = g.Tanh(y)
					}
				})
			}
			page := render(t, draw.HTML, g, draw.Options{Folded: fold})
			if n := strings.Count(page, "<template>"); n != test.views {
				t.Errorf("%d views, want %d", n, test.views)
			}
		})
	}
}
