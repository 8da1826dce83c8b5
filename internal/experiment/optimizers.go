package experiment

import (
	"context"
	"fmt"
	"math"

	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
)

// descent is an optimizer and its learning rate.
type descent struct {
	Name string
	Rate float64
}

// surface lets optimizers go down f(x, y) = x²/20 + y², a valley that is much steeper in
// y than in x.
type surface struct {
	descents []descent
	x, y     float64 // where all begin
	steps    int
}

func bookSurface() surface {
	return surface{[]descent{{"sgd", 0.95}, {"momentum", 0.1}, {"adagrad", 1.5}, {"adam", 0.3}}, -7, 2, 30}
}

// A path is the places of an optimizer, the first one included.
type path struct {
	Name string  `json:"name"`
	Rate float64 `json:"rate"`
	X    numbers `json:"x"`
	Y    numbers `json:"y"`
	F    numbers `json:"f"`
}

func valley(x, y float64) float64 { return math.FMA(y, y, x*x/20) }

func (e surface) Run(ctx context.Context, _ *Setup) (*Result, error) {
	var paths []path
	result := &Result{}
	figure := plot.Grid{Title: "Thirty steps down f(x, y) = x²/20 + y²"}
	for _, d := range e.descents {
		at := nn.NewParam[float64]("at", 2)
		at.Value.Data[0], at.Value.Data[1] = e.x, e.y
		o, err := optim.Named(d.Name, []*nn.Param[float64]{at})
		if err != nil {
			return nil, err
		}
		o.LR = d.Rate
		p := path{Name: d.Name, Rate: d.Rate}
		for step := 0; ; step++ {
			x, y := at.Value.Data[0], at.Value.Data[1]
			p.X, p.Y, p.F = append(p.X, x), append(p.Y, y), append(p.F, valley(x, y))
			if step == e.steps {
				break
			}
			at.Grad.Data[0], at.Grad.Data[1] = x/10, 2*y
			o.Step()
		}
		paths = append(paths, p)
		figure.Figures = append(figure.Figures, plot.Lines{
			Title: fmt.Sprintf("%s, learning rate %v", d.Name, d.Rate),
			X:     plot.Axis{Label: "x", Min: -8, Max: 8}, Y: plot.Axis{Label: "y", Min: -4, Max: 4},
			Series:  []plot.Series{{Name: d.Name, X: p.X, Y: p.Y, Mark: plot.Path}},
			Surface: valley, Levels: []float64{0.1, 0.5, 1, 2, 3, 5, 8, 12},
		})
		result.Lines = append(result.Lines, fmt.Sprintf("%-9s ends at (%.3f, %.3f), where f is %.2g", d.Name, last(p.X), last(p.Y), last(p.F)))
	}
	result.Figure, result.Numbers = figure, paths
	return result, ctx.Err()
}

// optimizers trains a network of four hidden layers on MNIST by several optimizers.
type optimizers struct {
	descents     []descent
	steps, batch int
}

func bookOptimizers() optimizers {
	return optimizers{[]descent{{"sgd", 0.01}, {"momentum", 0.01}, {"adagrad", 0.01}, {"adam", 0.001}}, 2000, 128}
}

func (e optimizers) Run(ctx context.Context, s *Setup) (*Result, error) {
	set, _, err := s.MNIST(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	var trainings []training
	for _, d := range e.descents {
		names = append(names, fmt.Sprintf("%s, rate %v", d.Name, d.Rate))
		trainings = append(trainings, training{layers: hidden(4, "he", "relu"), rule: d.Name, rate: d.Rate, batch: e.batch, steps: e.steps, set: set, seed: s.Seed})
	}
	courses, err := s.all(ctx, names, trainings)
	if err != nil {
		return nil, err
	}
	return losses("Training loss on MNIST: four hidden layers of 100 units, ReLU", courses), nil
}

// losses returns the result of trainings whose losses are compared.
func losses(title string, courses []*course) *Result {
	figure := plot.Lines{Title: title, X: plot.Axis{Label: "step"}, Y: plot.Axis{Label: "loss (mean of 20 steps)"}}
	result := &Result{Numbers: courses}
	for _, c := range courses {
		x, y := smooth(c.Loss, 20)
		figure.Series = append(figure.Series, plot.Series{Name: c.Name, X: x, Y: y})
		result.Lines = append(result.Lines, fmt.Sprintf("%-22s loss %.4f at the end", c.Name, last(y)))
	}
	result.Figure = figure
	return result
}
