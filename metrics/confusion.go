package metrics

import (
	"math"
)

// A Confusion matrix counts samples: element [t][p] is the number of samples of class t for
// which class p was predicted.
//
// A class c has TP = [c][c], FN the rest of row c, FP the rest of column c, and
//
//	precision = TP / (TP+FP)    recall = TP / (TP+FN)    F1 = 2·TP / (2·TP+FP+FN)
//
// F1 is the harmonic mean of the two (van Rijsbergen, "Information Retrieval", 1979).
type Confusion [][]int

// NewConfusion returns a matrix for the given number of classes, at least 1, without samples.
func NewConfusion(classes int) Confusion {
	m := make(Confusion, classes)
	for i := range m {
		m[i] = make([]int, classes)
	}
	return m
}

// Add counts a sample. It panics if one of the two is not a class.
func (m Confusion) Add(class, predicted int) { m[class][predicted]++ }

// Samples returns the number of samples.
func (m Confusion) Samples() (n int) {
	for class := range m {
		n += m.Support(class)
	}
	return n
}

// Support returns the number of samples of a class: TP+FN.
func (m Confusion) Support(class int) (n int) {
	for _, count := range m[class] {
		n += count
	}
	return n
}

// Predicted returns the number of samples for which a class was predicted: TP+FP.
func (m Confusion) Predicted(class int) (n int) {
	for _, row := range m {
		n += row[class]
	}
	return n
}

// Accuracy returns the share of samples whose class was predicted.
func (m Confusion) Accuracy() float64 {
	correct := 0
	for class := range m {
		correct += m[class][class]
	}
	return share(correct, m.Samples())
}

// Precision returns the share of the predictions of a class that are right.
func (m Confusion) Precision(class int) float64 { return share(m[class][class], m.Predicted(class)) }

// Recall returns the share of the samples of a class for which the class was predicted.
func (m Confusion) Recall(class int) float64 { return share(m[class][class], m.Support(class)) }

// F1 returns the harmonic mean of precision and recall; 0 if a class has samples but no right
// prediction.
func (m Confusion) F1(class int) float64 {
	return share(2*m[class][class], m.Predicted(class)+m.Support(class))
}

// Mean returns the mean of a metric over the classes that have samples (the macro average).
// Each class has the same weight: Mean(m.Recall) is the balanced accuracy. A class for
// which the metric is NaN counts as 0, because the class was never found.
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

// share returns n/of, which is NaN if both are 0.
func share(n, of int) float64 { return float64(n) / float64(of) }
