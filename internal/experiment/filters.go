package experiment

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// filters trains the book's SimpleConvNet and shows the filters of its convolution.
type filters struct {
	layers string
	steps  int
}

func bookFilters() filters {
	line, err := nn.NetworkLine("simpleconv", 10)
	if err != nil {
		panic(err)
	}
	return filters{line, 1200}
}

// A kernels is the weights of a convolution, (out, 5, 5), before or after.
type kernels struct {
	When    string    `json:"when"`
	Shape   []int     `json:"shape"`
	Weights []float32 `json:"weights"`
	Rough   float64   `json:"roughness"` // see roughness
}

func (e filters) Run(ctx context.Context, s *Setup) (*Result, error) {
	set, _, err := s.MNIST(ctx)
	if err != nil {
		return nil, err
	}
	before, err := nn.Parse[float32](e.layers, set.SampleShape(), train.Random(s.Seed, "weights"))
	if err != nil {
		return nil, err
	}
	t := training{layers: e.layers, rule: "adam", rate: 0.001, batch: 100, steps: e.steps, set: set, seed: s.Seed}
	courses, err := s.all(ctx, []string{"SimpleConvNet"}, []training{t})
	if err != nil {
		return nil, err
	}
	result := &Result{}
	figure := plot.Grid{Title: "The 30 filters of 5x5 of a convolution: dark is small", Columns: 1}
	var all []kernels
	for i, net := range []*nn.Sequential[float32]{before, courses[0].net} {
		when := []string{"before training", fmt.Sprintf("after %d steps", e.steps)}[i]
		w := net.Params()[0].Value
		pictures := plot.Images{Title: when, Columns: 10}
		for f := range w.Shape[0] {
			pictures.Images = append(pictures.Images, plot.Image{Picture: picture(w, f)})
		}
		figure.Figures = append(figure.Figures, pictures)
		k := kernels{when, w.Shape, w.Data, roughness(w)}
		all = append(all, k)
		result.Lines = append(result.Lines, fmt.Sprintf("%-18s roughness %.3f (noise has 2, an edge or a blob less)", when, k.Rough))
	}
	result.Figure, result.Numbers = figure, all
	return result, nil
}

// picture returns filter f, from black for its smallest weight to white.
func picture(w *tensor.Tensor[float32], f int) image.Image {
	rows, columns := w.Shape[len(w.Shape)-2], w.Shape[len(w.Shape)-1]
	filter := w.Data[f*rows*columns:][:rows*columns]
	lo, hi := filter[0], filter[0]
	for _, v := range filter {
		lo, hi = min(lo, v), max(hi, v)
	}
	p := image.NewGray(image.Rect(0, 0, columns, rows))
	for i, v := range filter {
		p.SetGray(i%columns, i/columns, color.Gray{Y: uint8(255 * (v - lo) / max(hi-lo, 1e-30))})
	}
	return p
}

// roughness is the mean squared difference of neighbors to the right over the variance:
// 2 for independent numbers.
func roughness(w *tensor.Tensor[float32]) float64 {
	columns := w.Shape[len(w.Shape)-1]
	var differences, squares, sum, pairs float64
	for i, v := range w.Data {
		sum += float64(v)
		squares = math.FMA(float64(v), float64(v), squares)
		if i%columns > 0 {
			d := float64(v) - float64(w.Data[i-1])
			differences = math.FMA(d, d, differences)
			pairs++
		}
	}
	n := float64(len(w.Data))
	return differences / pairs / (squares/n - sum/n*sum/n)
}
