package kernel

import (
	"fmt"
	"math"
	"slices"
)

// lanes is how many partial sums a reduction along a row keeps: one AVX-512
// register of float32, two of AVX2, four of NEON.
const lanes = 16

// Sum returns the sum of x. Lane l adds up the elements l, l+16, l+32 ... in
// order, and the lanes are joined in halves: 16 to 8, 4, 2, 1. A zero is +0.
func Sum[T Float](x []T) T {
	if s, ok := sumAsm(x); ok {
		return s
	}
	var s [lanes]T
	for i, v := range x {
		s[i%lanes] += v
	}
	return join(&s)
}

// Dot returns Σ x[i]·y[i], in the order of [Sum], each term a fused
// multiply-add.
func Dot[T Float](x, y []T) T {
	mustMatch("Dot", len(x), len(y))
	if s, ok := dotAsm(x, y); ok {
		return s
	}
	var s [lanes]T
	for i, v := range x {
		s[i%lanes] = fma(v, y[i], s[i%lanes])
	}
	return join(&s)
}

// SumSquares returns Σ x[i]² in float64, in the order of [Sum]. The squares of float32
// are exact, and none of them overflows.
func SumSquares[T Float](x []T) float64 {
	switch x := any(x).(type) {
	case []float64:
		return Dot(x, x)
	case []float32:
		if s, ok := squaresAsm(x); ok {
			return s
		}
		var s [lanes]float64
		for i, v := range x {
			s[i%lanes] = math.FMA(float64(v), float64(v), s[i%lanes])
		}
		return join(&s)
	}
	panic("kernel.SumSquares: no other type is a Float")
}

func join[T Float](s *[lanes]T) T {
	for w := lanes / 2; w > 0; w /= 2 {
		for l := range w {
			s[l] += s[l+w]
		}
	}
	return s[0] + 0 // -0 + 0 is +0
}

// Max returns the largest element of x: NaN if there is one, -Inf if x is
// empty. A zero is +0.
func Max[T Float](x []T) T {
	if m, ok := maxAsm(x); ok {
		return m
	}
	m := T(negInf)
	for _, v := range x {
		m = max(m, v)
	}
	return m + 0
}

// ArgMax returns the index of the first largest element of x, a NaN counting
// as the largest, and -1 if x is empty.
func ArgMax[T Float](x []T) int {
	m := Max(x)
	if m != m {
		return slices.IndexFunc(x, func(v T) bool { return v != v })
	}
	return slices.Index(x, m)
}

// AddColumnSums adds to each sum[j] the column j of x, which has len(sum)
// columns, from the first row to the last.
func AddColumnSums[T Float](sum, x []T) {
	n := len(sum)
	if n == 0 && len(x) == 0 {
		return
	}
	mustDivide("AddColumnSums", len(x), n)
	if len(x) == 0 || addColumnSumsAsm(sum, x, len(x)/n, n) {
		return
	}
	for ; len(x) > 0; x = x[n:] {
		for j, v := range x[:n] {
			sum[j] += v
		}
	}
}

func mustDivide(op string, n, row int) {
	if row <= 0 || n%row != 0 {
		panic(fmt.Sprintf("kernel.%s: %d elements are not a whole number of rows of %d", op, n, row))
	}
}
