package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var keep = flag.String("figures", "", "folder to write the figures of the tests to, to be looked at")

// figures are one of each kind, with what is hard to draw among the data.
func figures() map[string]Figure {
	var loss, other, noise []float64
	var x []float64
	for i := range 50 {
		x = append(x, float64(i))
		loss = append(loss, 2.3*math.Exp(-float64(i)/8)+0.03)
		other = append(other, 2.3*math.Exp(-float64(i)/20)+0.1)
		noise = append(noise, math.Sin(float64(i*i)))
	}
	other[20], other[21] = math.NaN(), math.Inf(1)
	curves := Lines{
		Title: "Loss", X: Axis{Label: "epoch"}, Y: Axis{Label: "cross-entropy (nats)", Log: true},
		Series: []Series{{Name: "training", X: x, Y: loss}, {Name: "validation", X: x, Y: other}},
	}
	var many []Series
	for i := range 9 {
		many = append(many, Series{Name: strings.Repeat("run ", i+1), X: []float64{0, 1, 2}, Y: []float64{float64(i), float64(i) + 1, float64(i)}, Mark: Mark(i % 3)})
	}
	path := Lines{
		Title: "Momentum on x²/20 + y²", X: Axis{Label: "x", Min: -10, Max: 10}, Y: Axis{Label: "y", Min: -5, Max: 5},
		Series:  []Series{{Name: "steps", X: []float64{-7, -5, -1, 2, 1}, Y: []float64{2, -1, 0.5, -0.2, 0}, Mark: Path}},
		Surface: func(x, y float64) float64 { return x*x/20 + y*y }, Levels: []float64{0.5, 1, 2, 4, 8, 16},
	}
	histogram := Histogram{Title: "Activations of layer 1", X: Axis{Label: "activation"}, Values: append(noise, math.NaN(), math.Inf(1))}
	names := []string{"T-shirt", "trousers", "pullover", "dress", "<coat>", "sandal", "shirt", "sneaker", "bag", "ankle boot"}
	heat := Heat{Title: "Confusion matrix", X: "predicted class", Y: "true class", Columns: names, Rows: names, Scale: "share of the true class"}
	for i := range names {
		var row []float64
		var text []string
		for j := range names {
			v := 0.02
			if i == j {
				v = 0.8
			}
			row, text = append(row, v), append(text, []string{"3", "980"}[map[bool]int{true: 1}[i == j]])
		}
		heat.Values, heat.Text = append(heat.Values, row), append(heat.Text, text)
	}
	large := Heat{Title: "100 classes", X: "predicted class", Y: "true class", Scale: "share"}
	for i := range 100 {
		large.Rows, large.Columns = append(large.Rows, "c"+string(rune('0'+i%10))), append(large.Columns, "c"+string(rune('0'+i%10)))
		row := make([]float64, 100)
		row[i], row[(i*7)%100] = 1, math.NaN()
		large.Values = append(large.Values, row)
	}
	pictures := Images{Title: "Worst mistakes"}
	for i := range 8 {
		m := image.NewGray(image.Rect(0, 0, 28, 28))
		for p := range m.Pix {
			m.Pix[p] = uint8(p * (i + 1))
		}
		pictures.Images = append(pictures.Images, Image{m, "sample 1,234\nis 4, said 9 (0.998)"})
	}
	wide := image.NewRGBA(image.Rect(0, 0, 640, 200))
	wide.Set(3, 3, color.RGBA{255, 0, 0, 255})
	pictures.Images = append(pictures.Images, Image{Picture: wide})
	return map[string]Figure{
		"curves": curves, "many": Lines{Title: "Runs", X: Axis{Label: "epoch"}, Y: Axis{Label: "accuracy"}, Series: many},
		"path": path, "histogram": histogram, "heat": heat, "heat100": large, "images": pictures,
		"grid":  Grid{Title: "Four of them", Figures: []Figure{curves, histogram, path, heat}},
		"grid4": Grid{Title: "Sixteen scales", Columns: 4, Figures: []Figure{curves, histogram, path, curves, curves, curves, curves, histogram}},
		"empty": Lines{Title: "Nothing yet", X: Axis{Label: "epoch", Log: true}, Y: Axis{Label: "loss", Log: true}},
		"point": Lines{Title: "One epoch", X: Axis{Label: "epoch"}, Y: Axis{Label: "loss", Log: true}, Series: []Series{{Name: "\x00 a", X: []float64{1}, Y: []float64{0.5}}}},
	}
}

// TestFigures: each is the same bytes each time, well-formed XML that loads nothing, and
// a picture of the same shape.
func TestFigures(t *testing.T) {
	for name, f := range figures() {
		t.Run(name, func(t *testing.T) {
			var a, b, pixels bytes.Buffer
			for _, to := range []*bytes.Buffer{&a, &b} {
				if err := SVG(to, f); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Error("the same figure gives other bytes")
			}
			if err := wellFormed(a.Bytes()); err != nil {
				t.Error(err)
			}
			if err := PNG(&pixels, f); err != nil {
				t.Fatal(err)
			}
			m, err := png.Decode(bytes.NewReader(pixels.Bytes()))
			if err != nil || m.Bounds().Dx() != 1600 {
				t.Fatalf("the picture: %v, %v", err, m.Bounds())
			}
			if side := borderInk(m); side != "" {
				t.Errorf("something is drawn over the %s", side)
			}
			if *keep != "" {
				for end, content := range map[string][]byte{".svg": a.Bytes(), ".png": pixels.Bytes()} {
					if err := os.WriteFile(filepath.Join(*keep, name+end), content, 0o666); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// wellFormed reads all of a document, and looks for addresses in its attributes.
func wellFormed(document []byte) error {
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if a.Name.Local == "href" && !strings.HasPrefix(a.Value, "data:") {
					return errors.New("the drawing loads " + a.Value)
				}
			}
		}
	}
}

// borderInk returns the first edge of the picture that is not white all along.
func borderInk(m image.Image) string {
	b := m.Bounds()
	white := func(x, y int) bool { r, g, bl, _ := m.At(x, y).RGBA(); return r&g&bl == 0xffff }
	for x := range b.Dx() {
		if !white(x, 0) {
			return "upper edge"
		} else if !white(x, b.Dy()-1) {
			return "lower edge"
		}
	}
	for y := range b.Dy() {
		if !white(0, y) {
			return "left edge"
		} else if !white(b.Dx()-1, y) {
			return "right edge"
		}
	}
	return ""
}

// TestWrongFigures: what cannot be drawn is named.
func TestWrongFigures(t *testing.T) {
	surface := func(x, y float64) float64 { return x + y }
	for _, test := range []struct {
		name string
		f    Figure
		want string
	}{
		{"a point without y", Lines{Series: []Series{{Name: "a", X: []float64{1}}}}, `the series "a" has 1 x and 0 y`},
		{"a surface without ranges", Lines{Title: "s", Surface: surface}, `"s" has a surface, and no ranges`},
		{"a logarithmic range from 0", Lines{X: Axis{Label: "x", Log: true, Max: 1}}, `the axis "x" is logarithmic`},
		{"a logarithmic histogram", Histogram{Title: "h", X: Axis{Log: true}}, "take the logarithms"},
		{"a negative number of intervals", Histogram{Bins: -1}, "want 1 or more intervals, got -1"},
		{"a ragged matrix", Heat{Rows: []string{"a"}, Columns: []string{"b"}, Values: [][]float64{{1, 2}}}, "for each of 1 rows and 1 columns"},
		{"an empty matrix", Heat{}, "at least one"},
		{"no picture", Images{Title: "m", Images: []Image{{}}}, `picture 1 of "m" is empty`},
		{"a wrong figure within a grid", Grid{Figures: []Figure{Heat{}}}, "at least one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, write := range []func(io.Writer, Figure) error{SVG, PNG} {
				if err := write(io.Discard, test.f); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error that says %q", err, test.want)
				}
			}
		})
	}
	if err := Save(filepath.Join(t.TempDir(), "a.gif"), Lines{}); err == nil || !strings.Contains(err.Error(), "ends in .svg or .png") {
		t.Errorf("saved as .gif: %v", err)
	}
}

func TestHistogramCounts(t *testing.T) {
	f := Histogram{Values: []float64{0, 0.5, 0.6, 1, 7, -3, math.NaN()}, X: Axis{Min: 0, Max: 1}, Bins: 2}
	if _, counts := f.count(); counts[0] != 2 || counts[1] != 4 {
		t.Errorf("counts %v, want [2 4]: the ends take what is beyond them", counts)
	}
}

func TestLogTicks(t *testing.T) {
	label := func(lo, hi float64) (labels []string) {
		for _, tick := range logTicks(lo, hi) {
			if tick.Label != "" {
				labels = append(labels, tick.Label)
			}
		}
		return labels
	}
	for _, test := range []struct {
		lo, hi float64
		want   string
	}{
		{0.10, 0.39, "0.1 0.2 0.3"},
		{0.3, 0.9, "0.3 0.4 0.5 0.6 0.7 0.8 0.9"},
		{0.15, 1.2, "0.2 0.3 0.5 0.7 1"},
		{0.06, 1, "0.1 0.2 0.5 1"},
		{1e-4, 1, "0.0001 0.001 0.01 0.1 1"},
		{1e-12, 1, "1e-12 1e-10 1e-08 1e-06 0.0001 0.01 1"},
		{0.21, 0.29, "0.21 0.23 0.25 0.27 0.29"},
	} {
		if got := strings.Join(label(test.lo, test.hi), " "); got != test.want {
			t.Errorf("%g to %g: %s, want %s", test.lo, test.hi, got, test.want)
		}
	}
}
