package metrics

import (
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Regression compares the values that a network predicts with the right ones. With e = y
// - t over the N samples of a column,
//
//	MAE = Σ|e| / N    RMSE = √(Σe² / N)    R² = 1 - Σe² / Σ(t - mean t)²
//
// R² is 1 for a perfect prediction, 0 if the mean is predicted, and below 0 for worse
// predictions. It is NaN for fewer than 2 samples, and if all t are equal.
type Regression[T tensor.Float] struct {
	Samples int
	columns []column
}

// A column holds sums over the samples, for one of the values that are predicted.
type column struct {
	absolute, squared float64 // Σ|e|, Σe²
	mean, spread      float64 // of t: its mean and Σ(t - mean)², by Welford's update
}

// NewRegression returns a Regression for samples with the given number of values, without
// samples.
func NewRegression[T tensor.Float](columns int) *Regression[T] {
	return &Regression[T]{columns: make([]column, columns)}
}

// Add adds a batch: the predicted values y and the right values t, both (N, ...). A sample
// must have as many values as the Regression has columns; otherwise Add panics with a
// *[tensor.ShapeError].
func (r *Regression[T]) Add(y, t *tensor.Tensor[T]) {
	columns := len(r.columns)
	if len(y.Shape) == 0 || !slices.Equal(y.Shape, t.Shape) || len(y.Data) != y.Shape[0]*columns {
		panic(&tensor.ShapeError{Op: "Regression.Add", Want: fmt.Sprintf("%s with %d values a sample", tensor.FormatShape(t.Shape), columns), Got: slices.Clone(y.Shape)})
	}
	for i := range y.Shape[0] {
		r.Samples++
		for j := range columns {
			r.columns[j].add(float64(y.Data[i*columns+j]), float64(t.Data[i*columns+j]), float64(r.Samples))
		}
	}
}

// add adds a sample, the n-th one, counted from 1.
func (c *column) add(y, t, n float64) {
	e := y - t
	c.absolute += math.Abs(e)
	c.squared = math.FMA(e, e, c.squared)
	d := t - c.mean
	c.mean += d / n
	c.spread = math.FMA(d, t-c.mean, c.spread)
}

// MAE returns the mean absolute error of a column.
func (r *Regression[T]) MAE(column int) float64 {
	return r.columns[column].absolute / float64(r.Samples)
}

// RMSE returns the root mean squared error of a column.
func (r *Regression[T]) RMSE(column int) float64 {
	return math.Sqrt(r.columns[column].squared / float64(r.Samples))
}

// R2 returns R² of a column: the share of its variance that is predicted.
func (r *Regression[T]) R2(column int) float64 {
	c := r.columns[column]
	if r.Samples < 2 || c.spread == 0 {
		return math.NaN()
	}
	return 1 - c.squared/c.spread
}

// Mean returns the mean of a metric over the columns.
func (r *Regression[T]) Mean(metric func(column int) float64) float64 {
	sum := 0.0
	for i := range r.columns {
		sum += metric(i)
	}
	return sum / float64(len(r.columns))
}
