package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func TestAccuracy(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	y := of([]float64{
		1, 2, 3,
		5, 5, 1, // a tie: the first
		0, 0, 0,
		-1, -3, -2,
		1, nan, 3, // NaN counts as the largest
		-inf, -inf, inf,
	}, 6, 3)
	classes := []int{2, 0, 0, 0, 1, 2}
	if got := Classes(y); !slices.Equal(got, classes) {
		t.Errorf("Classes = %v, want %v", got, classes)
	}
	for _, c := range []struct {
		labels  []int
		correct int
	}{
		{classes, 5}, // NaN is the class of its row, and never right
		{[]int{2, 1, 1, 0, 2, 0}, 2},
		{[]int{0, 2, 2, 1, 0, 1}, 0},
		{[]int{-1, 3, 99, 0, -1, -1}, 1}, // no class is never right
	} {
		if got := Correct(y, c.labels); got != c.correct {
			t.Errorf("Correct(%v) = %d, want %d", c.labels, got, c.correct)
		}
		if got := Accuracy(y, c.labels); got != float64(c.correct)/6 {
			t.Errorf("Accuracy(%v) = %v, want %d/6", c.labels, got, c.correct)
		}
	}
}

func TestAccuracyOfNothing(t *testing.T) {
	y := tensor.New[float32](0, 10)
	if got := Accuracy(y, nil); got == got {
		t.Errorf("Accuracy of no rows = %v, want NaN", got)
	}
	if got := Correct(y, nil); got != 0 {
		t.Errorf("Correct of no rows = %d, want 0", got)
	}
	if got := Classes(y); len(got) != 0 {
		t.Errorf("Classes of no rows = %v, want none", got)
	}
}

func TestAccuracyPanics(t *testing.T) {
	y := tensor.New[float64](2, 3)
	for _, c := range []struct {
		y      *tensor.Tensor[float64]
		labels []int
		want   string
	}{
		{y, []int{0}, "nn.Correct: want (1, K), a row a label, got (2, 3)"},
		{y, nil, "nn.Correct: want (0, K), a row a label, got (2, 3)"},
		{tensor.New[float64](2), []int{0, 1}, "nn.Correct: want (2, K), a row a label, got (2)"},
	} {
		mustShapeError(t, c.want, func() { Correct(c.y, c.labels) })
		mustShapeError(t, c.want, func() { Accuracy(c.y, c.labels) })
	}
}
