package metrics

import (
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// MaxScores is the largest number of probabilities that a Classification saves, for the
// areas under the ROC curves: 64 MiB of float32.
const MaxScores = 1 << 24

// MaxMistakes is the largest number of mistakes that a Classification saves.
const MaxMistakes = 24

// A Classification collects the probabilities of the classes and the labels of samples. For
// K classes it takes K² numbers for the matrix, and up to MaxScores probabilities.
type Classification[T tensor.Float] struct {
	Confusion
	Mistakes []Mistake // the worst ones, beginning with the lowest probability of the label

	samples int
	ranks   []int // [r]: number of samples with r classes that were more probable than the label
	scores  [][]T // for each class; nil with more than MaxScores
	labels  []int // of the scores
}

// A Mistake is a sample whose most probable class is not its label.
type Mistake struct {
	Sample           int // counted from 0 in the order of Add
	Label, Predicted int
	OfLabel          float64 // the probability of the label
	OfPredicted      float64
}

// NewClassification returns a Classification for the given number of classes, without samples.
func NewClassification[T tensor.Float](classes int) *Classification[T] {
	return &Classification[T]{Confusion: NewConfusion(classes), ranks: make([]int, classes), scores: make([][]T, classes)}
}

// Add adds a batch: the probabilities (N, K) of K classes, and the labels. The predicted
// class is the most probable one, and the first of several equal ones. Add returns a
// *[nn.LabelError] for a label that is not one of the classes, and an error for a
// probability that is NaN. Both have the number of the sample; that sample and those after
// it are not counted. Add panics with a *[tensor.ShapeError] if the shapes do not match.
func (c *Classification[T]) Add(probabilities *tensor.Tensor[T], labels []int) error {
	classes := len(c.Confusion)
	if s := probabilities.Shape; len(s) != 2 || s[0] != len(labels) || s[1] != classes {
		panic(&tensor.ShapeError{Op: "Classification.Add", Want: fmt.Sprintf("(%d, %d)", len(labels), classes), Got: slices.Clone(s)})
	}
	for i, label := range labels {
		row := probabilities.Data[i*classes:][:classes]
		if err := c.add(row, label); err != nil {
			return err
		}
	}
	return nil
}

func (c *Classification[T]) add(row []T, label int) error {
	sample := c.samples
	if label < 0 || label >= len(row) {
		return &nn.LabelError{Op: "metrics", Sample: sample, Label: label, Classes: len(row)}
	}
	best, rank := 0, 0
	for k, p := range row {
		if p != p {
			return fmt.Errorf("metrics: the output for sample %d is not a number", sample)
		}
		if p > row[best] {
			best = k
		}
		if p > row[label] || p == row[label] && k < label {
			rank++
		}
	}
	c.samples++
	c.Confusion.Add(label, best)
	c.ranks[rank]++
	if best != label {
		c.mistake(Mistake{sample, label, best, float64(row[label]), float64(row[best])})
	}
	if c.samples > MaxScores/len(row) {
		c.scores, c.labels = nil, nil
	}
	if c.scores != nil {
		c.labels = append(c.labels, label)
		for k, p := range row {
			c.scores[k] = append(c.scores[k], p)
		}
	}
	return nil
}

// mistake inserts m into the list of the worst mistakes.
func (c *Classification[T]) mistake(m Mistake) {
	at := len(c.Mistakes)
	for at > 0 && m.OfLabel < c.Mistakes[at-1].OfLabel {
		at--
	}
	if at < MaxMistakes {
		c.Mistakes = slices.Insert(c.Mistakes, at, m)
		c.Mistakes = c.Mistakes[:min(len(c.Mistakes), MaxMistakes)]
	}
}

// TopK returns the share of samples whose label is one of the k most probable classes.
// TopK(1) is the accuracy. Among classes with equal probabilities, the first counts as the
// most probable.
func (c *Classification[T]) TopK(k int) float64 {
	n := 0
	for _, count := range c.ranks[:max(0, min(k, len(c.ranks)))] {
		n += count
	}
	return share(n, c.samples)
}

// AUC returns the area under the ROC curve of a class against all others. It is the
// probability that a sample of the class gets a higher probability for the class than a
// sample of another class; equal probabilities count half. With P samples of the class, N
// other samples, and R the sum of the ranks of the P samples among all (equal ones have the
// mean of their ranks),
//
//	AUC = (R - P·(P+1)/2) / (P·N)
//
// This is the Mann-Whitney statistic (Fawcett, "An introduction to ROC analysis", 2006,
// section 7). It is NaN if P or N is 0, or if there are more than MaxScores probabilities.
func (c *Classification[T]) AUC(class int) float64 {
	if c.scores == nil {
		return math.NaN()
	}
	scores := c.scores[class]
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	var positive, twice int64 // twice R, a whole number
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && scores[order[hi]] == scores[order[lo]] {
			hi++
		}
		for _, i := range order[lo:hi] {
			if c.labels[i] == class {
				positive++
				twice += int64(lo + 1 + hi) // twice the mean of the ranks lo+1 to hi
			}
		}
		lo = hi
	}
	others := int64(len(order)) - positive
	return float64(twice-positive*(positive+1)) / float64(2*positive*others)
}

// MeanAUC returns the mean of AUC over the classes for which it is not NaN.
func (c *Classification[T]) MeanAUC() float64 {
	sum, n := 0.0, 0
	for class := range c.Confusion {
		if auc := c.AUC(class); !math.IsNaN(auc) {
			sum, n = sum+auc, n+1
		}
	}
	return sum / float64(n)
}
