package kernel

import "math"

// Layout is that of x in a normalization: N samples of C channels of L elements.
type Layout struct{ N, C, L int }

// Moments are the mean, the variance and 1/√(variance + eps) of the elements that are
// normalized together, for each such set.
//
// The mean is Mean + Rest. Mean is the sum divided by the count, rounded, and Rest is
// what the mean of x - Mean shows it to be off by. So x - Mean, which is exact where the
// mean is large, loses nothing, and the variance is that of the differences. (The
// corrected two-pass algorithm: Chan, Golub and LeVeque, "Algorithms for computing the
// sample variance", The American Statistician 37, 1983.)
//
// Of channels that do not fit into a cache, Mean is the mean of the first samples alone,
// which saves a pass over memory. The variance is then what is left of a larger sum of
// squares, larger by N/n at most, where n of N samples are the first ones.
type Moments[T Float] struct{ Mean, Rest, Var, Inv []T }

// MomentsOf returns moments of sets in a slice of 4·sets elements.
func MomentsOf[T Float](data []T, sets int) Moments[T] {
	mustMatch("MomentsOf", 4*sets, len(data))
	return Moments[T]{data[:sets], data[sets : 2*sets], data[2*sets : 3*sets], data[3*sets:]}
}

// set sets the moments of set i from the sums over count elements of x - Mean and
// (x - Mean)². Of equal elements the variance may come out below 0 by rounding.
func (m *Moments[T]) set(i int, sum, squares, count, eps float64) {
	rest := sum / count
	m.Rest[i] = T(rest)
	variance := max(squares/count-float64(rest*rest), 0)
	m.Var[i] = T(variance)
	m.Inv[i] = T(1 / math.Sqrt(variance+eps))
}

// columns is how many columns there are for each channel: as many as it has elements, or
// a part of them. Element i of a channel is in the column i mod columns; a sum over a
// channel is one over each column, from the first sample to the last, and then over the
// columns as [Sum] does. So the order does not depend on how channels are shared out, and
// a number for each channel becomes one for each column of a few, which stay in the cache.
func (l Layout) columns() int {
	const most = 1024
	return ceil(l.L, max(ceil(l.L, most), 1))
}

// Columns returns the number of columns of all channels: how many elements the arguments
// of [Expand] have.
func (l Layout) Columns() int { return l.C * l.columns() }

// Expand sets all columns of each channel in dst to its number in src.
func Expand[T Float](l Layout, dst, src []T) {
	mustMatch("Expand", l.Columns(), len(dst))
	mustMatch("Expand", l.C, len(src))
	w := l.columns()
	for c, v := range src {
		fill(dst[c*w:][:w], v)
	}
}

// pieces calls f for the parts of so many channels of a sample that are contiguous in
// both: where each begins among the elements and among the columns, and its length.
func (l Layout) pieces(channels int, f func(at, column, n int)) {
	w := l.columns()
	if w == l.L {
		f(0, 0, channels*w)
		return
	}
	for c := range channels {
		for at := 0; at < l.L; at += w {
			f(c*l.L+at, c*w, min(w, l.L-at))
		}
	}
}

// channelSum is the sum of a channel's w columns.
func channelSum[T Float](columns []T, c, w int) float64 {
	if w == 1 {
		return float64(columns[c] + 0)
	}
	return float64(Sum(columns[c*w:][:w]))
}
