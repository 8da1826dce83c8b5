package metrics_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/metrics"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// golden is testdata/golden.json, which testdata/golden.py writes.
type golden struct {
	Classification []struct {
		Probabilities              [][]float64
		Labels                     []int
		Accuracy                   float64
		Top                        []float64
		Confusion                  metrics.Confusion
		Precision, Recall, F1, AUC []float64
		Macro                      [3]float64
	}
	Regression struct {
		Y, T          [][]float64
		R2, MAE, RMSE []float64
		MeanR2        float64 `json:"mean_r2"`
	}
}

func read(t *testing.T) (g golden) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// near compares with scikit-learn, which says 0 where a metric is not defined.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) {
		got = 0
	}
	if !(math.Abs(got-want) <= 1e-12) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func matrix(rows [][]float64) *tensor.Tensor[float64] {
	var all []float64
	for _, row := range rows {
		all = append(all, row...)
	}
	return tensor.Of(all, len(rows), len(rows[0]))
}

// TestClassification compares with scikit-learn, in batches of several sizes.
func TestClassification(t *testing.T) {
	for i, want := range read(t).Classification {
		for _, batch := range []int{1, 7, len(want.Labels)} {
			t.Run(fmt.Sprintf("case %d in batches of %d", i, batch), func(t *testing.T) {
				got := metrics.NewClassification[float64](len(want.Confusion))
				for lo := 0; lo < len(want.Labels); lo += batch {
					hi := min(lo+batch, len(want.Labels))
					if err := got.Add(matrix(want.Probabilities[lo:hi]), want.Labels[lo:hi]); err != nil {
						t.Fatal(err)
					}
				}
				if !reflect.DeepEqual(got.Confusion, want.Confusion) {
					t.Errorf("confusion %v, want %v", got.Confusion, want.Confusion)
				}
				near(t, "accuracy", got.Accuracy(), want.Accuracy)
				near(t, "top-1", got.TopK(1), want.Accuracy)
				near(t, "top-K", got.TopK(len(want.Confusion)), 1)
				for k, top := range want.Top {
					near(t, fmt.Sprintf("top-%d", k+1), got.TopK(k+1), top)
				}
				for c := range want.Confusion {
					near(t, fmt.Sprint("precision of ", c), got.Precision(c), want.Precision[c])
					near(t, fmt.Sprint("recall of ", c), got.Recall(c), want.Recall[c])
					near(t, fmt.Sprint("F1 of ", c), got.F1(c), want.F1[c])
					near(t, fmt.Sprint("AUC of ", c), got.AUC(c), want.AUC[c])
				}
				for j, metric := range []func(int) float64{got.Precision, got.Recall, got.F1} {
					near(t, fmt.Sprint("macro average ", j), got.Mean(metric), want.Macro[j])
				}
			})
		}
	}
}

// TestUndefined: of no samples, and of classes that do not occur, nothing is claimed.
func TestUndefined(t *testing.T) {
	c := metrics.NewClassification[float32](3)
	one := metrics.NewClassification[float32](3)
	if err := one.Add(tensor.Of([]float32{0.8, 0.1, 0.1}, 1, 3), []int{0}); err != nil {
		t.Fatal(err)
	}
	r := metrics.NewRegression[float32](1)
	for what, v := range map[string]float64{
		"accuracy of none": c.Accuracy(), "top-1 of none": c.TopK(1), "mean of none": c.Mean(c.F1), "AUC of none": c.MeanAUC(),
		"precision without predictions": one.Precision(1), "recall without samples": one.Recall(1), "F1 of nothing": one.F1(1),
		"AUC without others": one.AUC(0), "AUC without samples": one.AUC(1),
		"MAE of none": r.MAE(0), "RMSE of none": r.RMSE(0), "R2 of none": r.R2(0),
	} {
		if !math.IsNaN(v) {
			t.Errorf("%s is %v, want NaN", what, v)
		}
	}
	r.Add(tensor.Of([]float32{1, 2}, 2, 1), tensor.Of([]float32{3, 3}, 2, 1))
	if v := r.R2(0); !math.IsNaN(v) {
		t.Errorf("R² where all targets are equal is %v, want NaN", v)
	}
}

// TestMistakes: the worst first, no more than there is room for, with their numbers.
func TestMistakes(t *testing.T) {
	c := metrics.NewClassification[float64](2)
	for i := range 100 {
		p := float64((i*37)%100) / 250 // below 0.4: all are wrong
		if err := c.Add(tensor.Of([]float64{p, 1 - p}, 1, 2), []int{0}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.Mistakes) != metrics.MaxMistakes {
		t.Fatalf("%d mistakes, want %d", len(c.Mistakes), metrics.MaxMistakes)
	}
	for i, m := range c.Mistakes {
		if p := float64(i) / 250; m.OfLabel != p || m.OfPredicted != 1-p || m.Sample*37%100 != i || m.Label != 0 || m.Predicted != 1 {
			t.Errorf("mistake %d is %+v, want that with %v", i, m, p)
		}
	}
}

// TestRefused: labels and outputs that mean nothing are named with their sample.
func TestRefused(t *testing.T) {
	c := metrics.NewClassification[float32](2)
	two := tensor.Of([]float32{0.5, 0.5, 0.5, 0.5}, 2, 2)
	if err := c.Add(two, []int{0, 1}); err != nil {
		t.Fatal(err)
	}
	wrong, ok := errors.AsType[*nn.LabelError](c.Add(two, []int{1, 2}))
	if !ok || wrong.Sample != 3 || wrong.Label != 2 {
		t.Errorf("a label of 2: %v", wrong)
	}
	nan := tensor.Of([]float32{float32(math.NaN()), 0.5}, 1, 2)
	if err := c.Add(nan, []int{0}); err == nil || !strings.Contains(err.Error(), "the output for sample 3 is not a number") {
		t.Errorf("an output that is NaN: %v", err)
	}
	for what, f := range map[string]func(){
		"a row too few":     func() { c.Add(two, []int{0}) },
		"a class too few":   func() { c.Add(tensor.New[float32](2, 1), []int{0, 0}) },
		"a value too many":  func() { metrics.NewRegression[float32](1).Add(two, two) },
		"values of another": func() { metrics.NewRegression[float32](2).Add(two, tensor.New[float32](1, 2)) },
	} {
		func() {
			defer func() {
				if _, ok := recover().(*tensor.ShapeError); !ok {
					t.Errorf("%s: no panic with a ShapeError", what)
				}
			}()
			f()
		}()
	}
}

// TestManyScores: beyond MaxScores only the area under the ROC curve is not known.
func TestManyScores(t *testing.T) {
	const classes = 1 << 10
	c := metrics.NewClassification[float32](classes)
	p := tensor.New[float32](1, classes)
	for i := range metrics.MaxScores/classes + 2 {
		label := i % 2
		p.Data[0], p.Data[1] = float32(1-label), float32(label)
		if err := c.Add(p, []int{label}); err != nil {
			t.Fatal(err)
		}
		if i+1 == metrics.MaxScores/classes && c.AUC(0) != 1 {
			t.Errorf("after %d samples the area is %v, want 1", i+1, c.AUC(0))
		}
	}
	if n := metrics.MaxScores/classes + 2; c.Samples() != n || c.TopK(1) != 1 {
		t.Errorf("%d samples and accuracy %v, want %d and 1", c.Samples(), c.TopK(1), n)
	}
	if auc := c.AUC(0); !math.IsNaN(auc) {
		t.Errorf("with too many probabilities the area is %v, want NaN", auc)
	}
	if err := c.Add(p, []int{classes}); err == nil || !strings.Contains(err.Error(), "the label of sample 16386 is") {
		t.Errorf("a wrong label: %v", err)
	}
}

// TestRegression compares with scikit-learn; a mean far from 0 costs no digits.
func TestRegression(t *testing.T) {
	want := read(t).Regression
	for _, offset := range []float64{0, 1e9} {
		y, tt := matrix(want.Y), matrix(want.T)
		for i := range y.Data {
			y.Data[i] += offset
			tt.Data[i] += offset
		}
		got := metrics.NewRegression[float64](2)
		for lo := 0; lo < 100; lo += 30 {
			hi := min(lo+30, 100)
			got.Add(y.Rows(lo, hi), tt.Rows(lo, hi))
		}
		within := func(what string, got, want float64) {
			t.Helper()
			if !(math.Abs(got-want) <= 1e-12+offset*1e-14) { // the offset itself rounds
				t.Errorf("offset %g: %s is %v, want %v", offset, what, got, want)
			}
		}
		for c := range 2 {
			within("R²", got.R2(c), want.R2[c])
			within("MAE", got.MAE(c), want.MAE[c])
			within("RMSE", got.RMSE(c), want.RMSE[c])
		}
		within("mean R²", got.Mean(got.R2), want.MeanR2)
	}
}
