package report

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/metrics"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// An Evaluation is what a network makes of samples. Classes or Values is set.
type Evaluation struct {
	Of      string // what the samples are, such as "test set"
	Samples int
	Loss    float64
	Classes *Classes
	Values  *Values
}

// Classes is how well classes are predicted.
type Classes struct {
	*metrics.Classification[float32]
	Names    []string      // of the classes
	Pictures []image.Image // of the Mistakes, or nil if the samples are no pictures
}

// Values is how well numbers are predicted, in the units of the data.
type Values struct {
	*metrics.Regression[float32]
	Names             []string    // of the numbers
	Actual, Predicted [][]float64 // of each number that is drawn, for up to mostPoints samples evenly among all
}

const (
	mostPoints = 1000 // of a scatter
	mostDrawn  = 8    // numbers with figures of their own
)

// Evaluate computes what net, which returns logits or values, makes of samples. How they
// came about may be nil. batch and threads are those of [train.Outputs].
func Evaluate(ctx context.Context, net nn.Layer[float32], loss nn.Loss[float32], samples data.Samples[float32], from *data.Preparation, batch, threads int) (*Evaluation, error) {
	e := &Evaluation{Samples: samples.Len()}
	var take func(first int, y *tensor.Tensor[float32], t nn.Targets[float32]) error
	var score train.Score
	err := train.Outputs(ctx, net, samples, batch, threads, func(first int, y *tensor.Tensor[float32], t nn.Targets[float32]) error {
		if take == nil {
			take = e.begin(y, t, from)
		}
		score.Add(train.ScoreOf(nil, loss, y, t))
		return take(first, y, t)
	})
	if err != nil {
		return nil, err
	}
	e.Loss = score.Loss()
	if e.Classes != nil {
		e.Classes.Pictures = pictures(samples, e.Classes.Mistakes, from)
	}
	return e, nil
}

// begin makes what counts outputs such as y with targets such as t.
func (e *Evaluation) begin(y *tensor.Tensor[float32], t nn.Targets[float32], from *data.Preparation) func(int, *tensor.Tensor[float32], nn.Targets[float32]) error {
	n, _ := tensor.Size(y.Shape[1:]...)
	if t.Values == nil {
		c := &Classes{Classification: metrics.NewClassification[float32](n), Names: make([]string, n)}
		for i := range c.Names {
			if c.Names[i] = strconv.Itoa(i); from != nil && i < len(from.Classes) {
				c.Names[i] = from.Classes[i]
			}
		}
		e.Classes = c
		softmax := nn.NewSoftmax[float32]()
		return func(_ int, y *tensor.Tensor[float32], t nn.Targets[float32]) error {
			return c.Add(softmax.Forward(nil, y), t.Labels)
		}
	}
	v := &Values{Regression: metrics.NewRegression[float32](n), Names: make([]string, n)}
	drawn := min(n, mostDrawn)
	v.Actual, v.Predicted = make([][]float64, drawn), make([][]float64, drawn)
	for i := range n {
		if v.Names[i] = fmt.Sprint("output ", i); from != nil && i < len(from.Targets) {
			v.Names[i] = from.Targets[i].Name
		}
	}
	e.Values = v
	every := (e.Samples + mostPoints - 1) / mostPoints
	return func(first int, y *tensor.Tensor[float32], t nn.Targets[float32]) error {
		inUnits := func(x *tensor.Tensor[float32]) *tensor.Tensor[float32] {
			u := slices.Clone(x.Data)
			if from != nil {
				data.Restore(from, u)
			}
			return tensor.Of(u, t.Len(), n)
		}
		y, actual := inUnits(y), inUnits(t.Values)
		v.Add(y, actual)
		for i := range t.Len() {
			if (first+i)%every == 0 {
				for k := range drawn {
					v.Actual[k] = append(v.Actual[k], float64(actual.Data[i*n+k]))
					v.Predicted[k] = append(v.Predicted[k], float64(y.Data[i*n+k]))
				}
			}
		}
		return nil
	}
}

// pictures draws the samples of mistakes, if they are pictures.
func pictures(samples data.Samples[float32], mistakes []metrics.Mistake, from *data.Preparation) (all []image.Image) {
	shape := samples.SampleShape()
	if from != nil && from.Image != nil {
		shape = []int{from.Image.Channels, from.Image.Height, from.Image.Width}
	} else if from != nil {
		return nil
	} else if len(shape) == 1 && shape[0] == 784 { // MNIST and its like, from before files said so
		shape = []int{1, 28, 28}
	}
	size, _ := tensor.Size(samples.SampleShape()...)
	if n, _ := tensor.Size(shape...); len(shape) != 3 || shape[0] != 1 && shape[0] != 3 || n != size || n == 0 {
		return nil
	}
	x := make([]float32, size)
	for _, m := range mistakes {
		samples.Gather(x, make([]int, 1), nil, []int{m.Sample})
		all = append(all, picture(x, shape))
	}
	return all
}

// picture draws a sample of shape (channels, height, width): numbers from 0, black, to 1.
func picture(x []float32, shape []int) image.Image {
	plane := shape[1] * shape[2]
	m := image.NewRGBA(image.Rect(0, 0, shape[2], shape[1]))
	for i := range plane {
		for c := range 3 {
			v := x[i+c%shape[0]*plane]
			m.Pix[4*i+c] = uint8(math.Round(float64(255 * max(0, min(v, 1)))))
		}
		m.Pix[4*i+3] = 255
	}
	return m
}

// Figures are those of the evaluation.
func (e *Evaluation) Figures() (figures []plot.Figure) {
	if c := e.Classes; c != nil {
		figures = append(figures, c.matrix())
		if len(c.Pictures) > 0 {
			worst := plot.Images{Title: "The worst mistakes: the least probable labels"}
			for i, m := range c.Mistakes {
				worst.Images = append(worst.Images, plot.Image{Picture: c.Pictures[i], Caption: fmt.Sprintf("sample %d\nis %s (%.2g)\nsaid %s (%.2g)", m.Sample, c.Names[m.Label], m.OfLabel, c.Names[m.Predicted], m.OfPredicted)})
			}
			figures = append(figures, worst)
		}
	}
	if v := e.Values; v != nil {
		for i, name := range v.Names[:min(len(v.Names), mostDrawn)] {
			figures = append(figures, v.scatter(i, name), v.errors(i, name))
		}
	}
	return figures
}

// matrix draws the confusion matrix: the share of each class, and the counts.
func (c *Classes) matrix() plot.Figure {
	f := plot.Heat{Title: "Confusion matrix: numbers of samples", X: "predicted class", Y: "true class", Columns: c.Names, Rows: c.Names, Max: 1, Scale: "share of the true class"}
	for i, row := range c.Confusion {
		var shares []float64
		var text []string
		for _, n := range row {
			shares = append(shares, float64(n)/float64(max(c.Support(i), 1)))
			text = append(text, strconv.Itoa(n))
		}
		f.Values, f.Text = append(f.Values, shares), append(f.Text, text)
	}
	return f
}

// scatter draws the predicted numbers over the actual ones.
func (v *Values) scatter(i int, name string) plot.Figure {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range v.Actual[i] {
		lo, hi = min(lo, x), max(hi, x)
	}
	return plot.Lines{
		Title: "Predicted and actual " + name, X: plot.Axis{Label: "actual " + name}, Y: plot.Axis{Label: "predicted " + name},
		Series: []plot.Series{
			{Name: "samples", X: v.Actual[i], Y: v.Predicted[i], Mark: plot.Points},
			{Name: "predicted = actual", X: []float64{lo, hi}, Y: []float64{lo, hi}},
		},
	}
}

// errors draws how the errors are distributed.
func (v *Values) errors(i int, name string) plot.Figure {
	var all []float64
	for k, actual := range v.Actual[i] {
		all = append(all, v.Predicted[i][k]-actual)
	}
	return plot.Histogram{Title: "Errors of " + name, X: plot.Axis{Label: "predicted - actual " + name}, Values: all}
}
