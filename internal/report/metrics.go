package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// A Metric is a number, its name, and its key in JSON.
type Metric struct {
	Name, Key string
	Value     float64
}

// Metrics are those of all samples.
func (e *Evaluation) Metrics() []Metric {
	if c := e.Classes; c != nil {
		m := []Metric{{"accuracy", "accuracy", c.Accuracy()}}
		for _, k := range []int{3, 5} {
			if k < len(c.Names) {
				m = append(m, Metric{fmt.Sprintf("top-%d accuracy", k), fmt.Sprintf("top%d_accuracy", k), c.TopK(k)})
			}
		}
		return append(m,
			Metric{"mean precision", "precision", c.Mean(c.Precision)}, Metric{"mean recall", "recall", c.Mean(c.Recall)},
			Metric{"mean F1", "f1", c.Mean(c.F1)}, Metric{"mean ROC AUC", "roc_auc", c.MeanAUC()}, Metric{"loss", "loss", e.Loss})
	}
	if v := e.Values; v != nil {
		return []Metric{{"R²", "r2", v.Mean(v.R2)}, {"mean absolute error", "mae", v.Mean(v.MAE)}, {"root mean squared error", "rmse", v.Mean(v.RMSE)}, {"loss", "loss", e.Loss}}
	}
	return nil
}

// Logged are the metrics that a run logs each epoch beside loss and accuracy, each with a
// name that begins with the set's, as in "validation_f1".
func (e *Evaluation) Logged(set string) map[string]float64 {
	logged := map[string]float64{}
	for _, m := range e.Metrics() {
		if m.Key != "loss" && m.Key != "accuracy" {
			logged[set+"_"+m.Key] = m.Value
		}
	}
	return logged
}

// A Table has a row for each class or number.
type Table struct {
	Head []string // the first is that of the names
	Rows []Row
}

// A Row is the name of a class or number, its samples, and its metrics.
type Row struct {
	Name    string
	Samples int
	Metrics []float64
}

// Table is the metrics of each class, or of each number.
func (e *Evaluation) Table() (t Table) {
	if c := e.Classes; c != nil {
		t.Head = []string{"class", "samples", "precision", "recall", "F1", "ROC AUC"}
		for i, name := range c.Names {
			t.Rows = append(t.Rows, Row{name, c.Support(i), []float64{c.Precision(i), c.Recall(i), c.F1(i), c.AUC(i)}})
		}
	}
	if v := e.Values; v != nil {
		t.Head = []string{"number", "samples", "R²", "mean absolute error", "root mean squared error"}
		for i, name := range v.Names {
			t.Rows = append(t.Rows, Row{name, e.Samples, []float64{v.R2(i), v.MAE(i), v.RMSE(i)}})
		}
	}
	return t
}

// format is a metric as it is printed; what is not defined is a dash.
func format(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v != 0 && math.Abs(v) < 0.001 || math.Abs(v) >= 1e6:
		return fmt.Sprintf("%.4g", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// Text prints the metrics, and the confusion matrix of up to 20 classes. names shows a
// name from outside.
func (e *Evaluation) Text(w io.Writer, names func(string) string) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	t := e.Table()
	fmt.Fprintln(out, strings.Join(t.Head, "\t")+"\t")
	for _, row := range t.Rows {
		fmt.Fprintf(out, "%s\t%d\t", names(row.Name), row.Samples)
		for _, v := range row.Metrics {
			fmt.Fprintf(out, "%s\t", format(v))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out)
	if c := e.Classes; c != nil && len(c.Names) <= 20 {
		fmt.Fprint(out, "true \\ predicted\t")
		for _, name := range c.Names {
			fmt.Fprintf(out, "%s\t", names(name))
		}
		fmt.Fprintln(out)
		for i, row := range c.Confusion {
			fmt.Fprintf(out, "%s\t", names(c.Names[i]))
			for _, n := range row {
				fmt.Fprintf(out, "%d\t", n)
			}
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out)
	}
	for _, m := range e.Metrics() {
		fmt.Fprintf(out, "%s\t%s\t\n", m.Name, format(m.Value))
	}
	return out.Flush()
}

// MarshalJSON writes what is not defined as null.
func (e *Evaluation) MarshalJSON() ([]byte, error) {
	type class struct {
		Name      string   `json:"name"`
		Samples   int      `json:"samples"`
		Precision *float64 `json:"precision"`
		Recall    *float64 `json:"recall"`
		F1        *float64 `json:"f1"`
		AUC       *float64 `json:"roc_auc"`
	}
	type value struct {
		Name string   `json:"name"`
		R2   *float64 `json:"r2"`
		MAE  *float64 `json:"mae"`
		RMSE *float64 `json:"rmse"`
	}
	all := map[string]*float64{}
	for _, m := range e.Metrics() {
		all[m.Key] = defined(m.Value)
	}
	v := struct {
		Samples   int                 `json:"samples"`
		Metrics   map[string]*float64 `json:"metrics"`
		Classes   []class             `json:"classes,omitempty"`
		Confusion [][]int             `json:"confusion,omitempty"`
		Values    []value             `json:"values,omitempty"`
	}{Samples: e.Samples, Metrics: all}
	for _, row := range e.Table().Rows {
		m := row.Metrics
		if e.Classes != nil {
			v.Classes = append(v.Classes, class{row.Name, row.Samples, defined(m[0]), defined(m[1]), defined(m[2]), defined(m[3])})
		} else {
			v.Values = append(v.Values, value{row.Name, defined(m[0]), defined(m[1]), defined(m[2])})
		}
	}
	if e.Classes != nil {
		v.Confusion = e.Classes.Confusion
	}
	return json.Marshal(v)
}

// defined is v, or nil if it is not finite.
func defined(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
