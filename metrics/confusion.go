package metrics

import (
	"math"
)

// A Confusion matrix counts samples: the element [t][p] those of the class t for which p
// was predicted.
//
// With TP = [c][c], FN the rest of the row c and FP the rest of the column c, a class c has
//
//	precision = TP / (TP+FP)    recall = TP / (TP+FN)    F1 = 2·TP / (2·TP+FP+FN)
//
// F1 is the harmonic mean of the two (van Rijsbergen, "Information Retrieval", 1979).
type Confusion [][]int

// NewConfusion returns the matrix of so many classes, at least 1, without samples.
func NewConfusion(classes int) Confusion {
	m := make(Confusion, classes)
	for i := range m {
		m[i] = make([]int, classes)
	}
	return m
}

// Add counts a sample. It panics if one of the two is none of the classes.
func (m Confusion) Add(class, predicted int) { m[class][predicted]++ }

// Samples is the number of samples.
func (m Confusion) Samples() (n int) {
	for class := range m {
		n += m.Support(class)
	}
	return n
}

// Support is the number of samples of a class: TP+FN.
func (m Confusion) Support(class int) (n int) {
	for _, count := range m[class] {
		n += count
	}
	return n
}

// Predicted is the number of samples for which a class was predicted: TP+FP.
func (m Confusion) Predicted(class int) (n int) {
	for _, row := range m {
		n += row[class]
	}
	return n
}

// Accuracy is the share of samples whose class was predicted.
func (m Confusion) Accuracy() float64 {
	correct := 0
	for class := range m {
		correct += m[class][class]
	}
	return share(correct, m.Samples())
}

// Precision is the share of right ones among the predictions of a class.
func (m Confusion) Precision(class int) float64 { return share(m[class][class], m.Predicted(class)) }

// Recall is the share of the samples of a class for which it was predicted.
func (m Confusion) Recall(class int) float64 { return share(m[class][class], m.Support(class)) }

// F1 is the harmonic mean of precision and recall; 0 if no prediction of a class that
// occurs is right.
func (m Confusion) F1(class int) float64 {
	return share(2*m[class][class], m.Predicted(class)+m.Support(class))
}

// Mean is the mean of a metric over the classes that have samples (the macro average), each
// of the same weight: Mean(m.Recall) is the balanced accuracy. A class for which the metric
// is not defined counts as 0, for it was not found at all.
func (m Confusion) Mean(metric func(class int) float64) float64 {
	sum, n := 0.0, 0
	for class := range m {
		if m.Support(class) > 0 {
			n++
			if v := metric(class); !math.IsNaN(v) {
				sum += v
			}
		}
	}
	return sum / float64(n)
}

// share is n/of; NaN of none.
func share(n, of int) float64 { return float64(n) / float64(of) }
