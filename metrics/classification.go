package metrics

import (
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// MaxScores is the number of probabilities that a Classification saves for the areas
// under the ROC curves: 64 MiB of float32.
const MaxScores = 1 << 24

// MaxMistakes is the number of mistakes that a Classification remembers.
const MaxMistakes = 24

// A Classification takes the probabilities of the classes and the labels of samples. Of K
// classes it needs K² numbers for the matrix, and up to MaxScores probabilities.
type Classification[T tensor.Float] struct {
	Confusion
	Mistakes []Mistake // the worst, the one with the lowest probability of its label first

	samples int
	ranks   []int // [r]: samples for whose label r classes were more probable
	scores  [][]T // of each class; nil beyond MaxScores
	labels  []int // of the scores
}

// A Mistake is a sample for which a class other than its label was the most probable.
type Mistake struct {
	Sample           int // counted from 0 in the order of Add
	Label, Predicted int
	OfLabel          float64 // the probability of the label
	OfPredicted      float64
}

// NewClassification returns a Classification of so many classes, without samples.
func NewClassification[T tensor.Float](classes int) *Classification[T] {
	return &Classification[T]{Confusion: NewConfusion(classes), ranks: make([]int, classes), scores: make([][]T, classes)}
}

// Add takes the probabilities of a batch, which are (N, K) for K classes, and its labels.
// The predicted class is the most probable one, the first of several. It returns a
// *[nn.LabelError] for a label that is none of the classes, and an error for a probability
// that is NaN, both with the number of the sample; that sample and those after it do not
// count then. It panics with a *[tensor.ShapeError] if the shapes do not match.
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

// mistake puts m in its place among the worst.
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

// TopK is the share of samples whose label is one of the k most probable classes. TopK(1)
// is the accuracy. Of classes with equal probabilities the first counts as the larger.
func (c *Classification[T]) TopK(k int) float64 {
	n := 0
	for _, count := range c.ranks[:max(0, min(k, len(c.ranks)))] {
		n += count
	}
	return share(n, c.samples)
}

// AUC is the area under the ROC curve of one class against all others: the probability
// that a sample of the class gets a larger probability for it than another sample does,
// where equal ones count half. With R the sum of the ranks of its P samples among all,
// equal ones having the mean of their ranks,
//
//	AUC = (R - P·(P+1)/2) / (P·N)    N the number of other samples
//
// which is the statistic of Mann and Whitney (Fawcett, "An introduction to ROC analysis",
// 2006, section 7). It is NaN if P or N is 0, and if there are more than MaxScores
// probabilities.
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

// MeanAUC is the mean of AUC over the classes that have it.
func (c *Classification[T]) MeanAUC() float64 {
	sum, n := 0.0, 0
	for class := range c.Confusion {
		if auc := c.AUC(class); !math.IsNaN(auc) {
			sum, n = sum+auc, n+1
		}
	}
	return sum / float64(n)
}
