package draw

import (
	"math"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/graph"
)

// round writes four digits, as the book's figures do, and whole numbers whole.
func round(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e7 {
		return strconv.FormatFloat(x+0, 'f', -1, 64) // + 0 makes -0 a 0
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// small reports whether an array is printed whole: up to two axes, and up to 16
// elements, 6 a row.
func small(shape []int) bool {
	size, last := 1, 1
	for _, d := range shape {
		size, last = size*d, d
	}
	return len(shape) <= 2 && size <= 16 && last <= 6
}

// lines formats an array as lines: a small one row by row, a larger one as its mean,
// smallest and largest element.
func lines(shape []int, data []float64) []string {
	switch {
	case len(shape) == 0:
		return []string{round(data[0])}
	case len(data) == 0:
		return []string{"no elements"}
	case !small(shape):
		mean, least, most := summary(data)
		return []string{"mean " + round(mean), "min " + round(least), "max " + round(most)}
	}
	k := shape[len(shape)-1]
	var all []string
	for i := 0; i < len(data); i += k {
		all = append(all, row(data[i:i+k]))
	}
	return all
}

// inline writes an array in one line, a larger one as its shape.
func inline(shape []int, data []float64) string {
	switch {
	case len(shape) == 0:
		return round(data[0])
	case !small(shape) || len(data) == 0:
		return graph.FormatShape(shape)
	case len(shape) == 1:
		return row(data)
	}
	return "[" + strings.Join(lines(shape, data), " ") + "]"
}

// full is inline, with the mean, smallest and largest element of a larger array.
func full(shape []int, data []float64) string {
	if small(shape) || len(data) == 0 {
		return inline(shape, data)
	}
	return graph.FormatShape(shape) + " with " + strings.Join(lines(shape, data), ", ")
}

func row(data []float64) string {
	var s []string
	for _, x := range data {
		s = append(s, round(x))
	}
	return "[" + strings.Join(s, " ") + "]"
}

// summary returns the mean, the smallest and the largest element, or NaN for all
// three if there is one among the elements. If the elements cancel to less
// than the rounding of their sum, no digit of it is right, and the mean is 0.
func summary(data []float64) (mean, least, most float64) {
	least, most = data[0], data[0]
	size := 0.0 // the mean without signs
	n := float64(len(data))
	for _, x := range data {
		mean += x / n
		size += math.Abs(x) / n
		least, most = min(least, x), max(most, x)
	}
	if math.Abs(mean) <= 0x1p-52*n*size {
		mean = 0
	}
	return mean, least, most
}
