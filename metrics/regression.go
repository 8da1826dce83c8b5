package metrics

import (
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Regression takes the values that a network predicts and those that are right. With
// e = y - t over the N samples of a column,
//
//	MAE = Σ|e| / N    RMSE = √(Σe² / N)    R² = 1 - Σe² / Σ(t - mean t)²
//
// R² is 1 for a perfect prediction, 0 for that of the mean, and below 0 for worse ones. It
// is not defined, and NaN, for fewer than 2 samples and where all t are equal.
type Regression[T tensor.Float] struct {
	Samples int
	columns []column
}

// A column is the sums of one value of each sample.
type column struct {
	absolute, squared float64 // Σ|e|, Σe²
	mean, spread      float64 // of t: its mean and Σ(t - mean)², by Welford's update
}

// NewRegression returns a Regression of so many values a sample, without samples.
func NewRegression[T tensor.Float](columns int) *Regression[T] {
	return &Regression[T]{columns: make([]column, columns)}
}

// Add takes the values of a batch and those that are right, both (N, ...) with as many
// values a sample as the Regression has. It panics with a *[tensor.ShapeError] otherwise.
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

// add counts the sample number n, from 1.
func (c *column) add(y, t, n float64) {
	e := y - t
	c.absolute += math.Abs(e)
	c.squared = math.FMA(e, e, c.squared)
	d := t - c.mean
	c.mean += d / n
	c.spread = math.FMA(d, t-c.mean, c.spread)
}

// MAE is the mean absolute error of a column.
func (r *Regression[T]) MAE(column int) float64 {
	return r.columns[column].absolute / float64(r.Samples)
}

// RMSE is the root of the mean squared error of a column.
func (r *Regression[T]) RMSE(column int) float64 {
	return math.Sqrt(r.columns[column].squared / float64(r.Samples))
}

// R2 is the share of the variance of a column that is predicted.
func (r *Regression[T]) R2(column int) float64 {
	c := r.columns[column]
	if r.Samples < 2 || c.spread == 0 {
		return math.NaN()
	}
	return 1 - c.squared/c.spread
}

// Mean is the mean of a metric over the columns.
func (r *Regression[T]) Mean(metric func(column int) float64) float64 {
	sum := 0.0
	for i := range r.columns {
		sum += metric(i)
	}
	return sum / float64(len(r.columns))
}
