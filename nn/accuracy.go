package nn

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Classes returns the predicted class of each row of y (N, K), K at least 1: the index of
// its largest logit or probability. If several are equal, it is the first of them; if the
// row has a NaN, it is the first NaN.
func Classes[T tensor.Float](y *tensor.Tensor[T]) []int {
	if len(y.Shape) != 2 || y.Shape[1] == 0 {
		panic(&tensor.ShapeError{Op: "nn.Classes", Want: "(N, K), K 1 or more", Got: slices.Clone(y.Shape)})
	}
	classes := make([]int, 0, y.Shape[0])
	for lo, hi := range rows(y) {
		classes = append(classes, kernel.ArgMax(y.Data[lo:hi]))
	}
	return classes
}

// Correct counts the rows of y (N, K) whose largest element is at the label. A row with a
// NaN is never correct. It panics with a *[tensor.ShapeError] unless there is a row for
// each label.
func Correct[T tensor.Float](y *tensor.Tensor[T], labels []int) (n int) {
	if len(y.Shape) != 2 || y.Shape[0] != len(labels) {
		panic(&tensor.ShapeError{Op: "nn.Correct", Want: fmt.Sprintf("(%d, K), a row a label", len(labels)), Got: slices.Clone(y.Shape)})
	}
	i := 0
	for lo, hi := range rows(y) {
		row := y.Data[lo:hi]
		if k := kernel.ArgMax(row); k == labels[i] && row[k] == row[k] {
			n++
		}
		i++
	}
	return n
}

// Accuracy returns the share of the rows of y (N, K) whose largest element is at the label:
// 0 to 1, or NaN if y has no rows.
func Accuracy[T tensor.Float](y *tensor.Tensor[T], labels []int) float64 {
	return float64(Correct(y, labels)) / float64(len(labels))
}
