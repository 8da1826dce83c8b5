package gradcheck

import (
	"fmt"
	"math"
	"slices"
)

// cause says what was likely forgotten. got is the whole array, and want what a reference says
// it should be. batch is the number of samples. alone, if not nil, returns the gradient of a
// single sample.
func cause(got, want []float64, shape []int, batch int, alone func(n int) []float64) string {
	if len(got) != len(want) {
		return ""
	}
	if slices.ContainsFunc(got, func(g float64) bool { return math.IsNaN(g) || math.IsInf(g, 0) }) {
		return ""
	}
	if alike(got, want) {
		return "every element is nearly right"
	}
	if f, ok := ratio(got, want); ok {
		return factor(f, batch)
	}
	if len(shape) == 2 && alike(got, transposed(want, shape)) {
		return "transposed"
	}
	if alone != nil {
		for n := range batch {
			if alike(got, alone(n)) {
				return fmt.Sprintf("the gradient of sample %d alone: the sum over the batch is missing", n)
			}
		}
	}
	if row, ok := staleRow(got, want, shape); ok {
		return fmt.Sprintf("nothing arrives in row %d", row)
	}
	off, most := 0, tolerance*largest(got, want)
	for i, g := range got {
		if math.Abs(g-want[i]) > most {
			off++
		}
	}
	if off == 1 {
		return "all other elements are right"
	}
	return ""
}

// factor says what a gradient may lack that is f times the right one.
func factor(f float64, batch int) string {
	whole := func(f float64) bool { return f > 1.5 && math.Abs(f-math.Round(f)) < 1e-3 }
	switch {
	case f == 0:
		return "nothing arrives here"
	case math.Abs(f+1) < 1e-3:
		return "the sign"
	case whole(f) && int(math.Round(f)) == batch:
		return fmt.Sprintf("%d times too large, the number of samples: is 1/N missing?", batch)
	case whole(f):
		return fmt.Sprintf("%g times too large", math.Round(f))
	case f > 0 && whole(1/f) && int(math.Round(1/f)) == batch:
		return fmt.Sprintf("%d times too small, the number of samples: a mean in place of the sum?", batch)
	case f > 0 && whole(1/f):
		return fmt.Sprintf("%g times too small", math.Round(1/f))
	}
	return fmt.Sprintf("off by the factor %.6g", f)
}

// ratio returns the factor between two arrays, if it is the same for all elements.
func ratio(got, want []float64) (f float64, ok bool) {
	var num, den float64
	for i, w := range want {
		num += float64(got[i] * w)
		den += float64(w * w)
	}
	f = num / den
	scaled := slices.Clone(want)
	for i := range scaled {
		scaled[i] *= f
	}
	return f, len(got) > 1 && den > 0 && alike(got, scaled)
}

// tolerance is the largest difference of two arrays that count as equal, relative to their
// largest element: more than the error of central differences.
const tolerance = 1e-6

func alike(a, b []float64) bool {
	most := tolerance * largest(a, b)
	return slices.EqualFunc(a, b, func(a, b float64) bool { return math.Abs(a-b) <= most })
}

// transposed returns the elements in the order of columns.
func transposed(a []float64, shape []int) []float64 {
	rows, columns := shape[0], shape[1]
	t := make([]float64, len(a))
	for i := range t {
		t[i] = a[i%rows*columns+i/rows]
	}
	return t
}

// staleRow returns the row that is 0 where it should not be, if all other rows are right.
func staleRow(got, want []float64, shape []int) (row int, ok bool) {
	if len(shape) < 2 || shape[0] < 2 {
		return 0, false
	}
	size := len(got) / shape[0]
	found := 0
	for r := range shape[0] {
		lo, hi := r*size, (r+1)*size
		switch {
		case alike(got[lo:hi], want[lo:hi]):
		case largest(got[lo:hi]) == 0:
			row = r
			found++
		default:
			return 0, false
		}
	}
	return row, found == 1
}
