package report

import (
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/internal/plot"
)

// groups are the curves that are drawn in one figure, by their names in the log. What is
// in none of them has a figure of its own.
var groups = []struct {
	title, label string
	log          bool // a logarithmic axis
	names        []string
}{
	{"Loss", "loss", true, []string{"loss", "train_loss", "validation_loss", "test_loss"}},
	{"Accuracy", "accuracy (share of samples)", false, []string{"train_accuracy", "validation_accuracy", "test_accuracy"}},
	{"Metrics of the classes", "validation set (0 to 1)", false, []string{"validation_precision", "validation_recall", "validation_f1", "validation_roc_auc", "validation_top3_accuracy", "validation_top5_accuracy"}},
	{"R²", "R²", false, []string{"validation_r2", "test_r2"}},
	{"Mean absolute error", "mean absolute error", true, []string{"validation_mae", "test_mae"}},
	{"Root mean squared error", "root mean squared error", true, []string{"validation_rmse", "test_rmse"}},
	{"Learning rate", "learning rate", true, []string{"learning_rate"}},
	{"Gradient norm of each layer", "gradient norm", true, []string{"gradient_norm"}},
	{"Dead units of each ReLU layer", "dead units (share)", false, []string{"dead"}},
	{"Time since the run began", "time (s)", false, []string{"seconds"}},
}

// Figures draws the curves of a log.
func (l *Log) Figures() (figures []plot.Figure) {
	drawn := make([]bool, len(l.Curves))
	for _, g := range groups {
		f := plot.Lines{Title: g.title, X: plot.Axis{Label: "epoch"}, Y: plot.Axis{Label: g.label, Log: g.log}}
		for i, c := range l.Curves {
			if !slices.Contains(g.names, c.Name) {
				continue
			}
			drawn[i] = true
			// A layer without parameters has no gradients, and only a ReLU dead units.
			if c.Layer == "" || slices.ContainsFunc(c.Values, func(v float64) bool { return v != 0 }) {
				f.Series = append(f.Series, plot.Series{Name: c.label(), X: c.Epochs, Y: c.Values})
			}
		}
		if len(f.Series) > 0 {
			figures = append(figures, f)
		}
	}
	for i, c := range l.Curves {
		if !drawn[i] {
			name := words(c.Name)
			f := plot.Lines{Title: name, X: plot.Axis{Label: "epoch"}, Y: plot.Axis{Label: name}}
			for j := i; j < len(l.Curves); j++ {
				if d := l.Curves[j]; d.Name == c.Name {
					drawn[j] = true
					f.Series = append(f.Series, plot.Series{Name: d.Layer, X: d.Epochs, Y: d.Values})
				}
			}
			figures = append(figures, f)
		}
	}
	return figures
}

// label is the name of a curve in a legend: which samples or which layer it is of.
func (c *Curve) label() string {
	if c.Layer != "" {
		return c.Layer
	}
	first, rest, _ := strings.Cut(c.Name, "_")
	switch {
	case c.Name == "loss" || first == "train":
		return "training"
	case first == "test" || slices.Contains([]string{"loss", "accuracy", "r2", "mae", "rmse"}, rest):
		return first
	case first == "validation":
		return words(rest)
	}
	return ""
}

// words is a key of a log as it is read.
func words(key string) string { return strings.ReplaceAll(key, "_", " ") }
