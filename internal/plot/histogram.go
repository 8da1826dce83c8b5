package plot

import (
	"fmt"
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Histogram counts numbers in Bins intervals of equal width. Numbers that are not finite
// are left out; numbers beyond the range of X count in the first or last interval.
type Histogram struct {
	Title  string
	X      Axis // linear
	Values []float64
	Bins   int // 40 if 0
}

func (f Histogram) Name() string { return f.Title }

func (f Histogram) check() error {
	if f.Bins < 0 {
		return fmt.Errorf("plot: want 1 or more intervals, got %d", f.Bins)
	}
	if f.X.Log {
		return fmt.Errorf("plot: the intervals of the histogram %q are linear; take the logarithms of the numbers", f.Title)
	}
	return nil
}

func (f Histogram) height(width, em vg.Length) vg.Length {
	return axesHeight(f.Title, Axis{Label: "count"}, nil, width, em)
}

func (f Histogram) draw(c draw.Canvas, em vg.Length) {
	p := axes(f.X, Axis{Label: "count"}, em)
	edges, counts := f.count()
	p.Add(bars(edges, counts))
	p.Y.Min = 0
	limits(p, f.X, Axis{})
	drawAxes(c, em, f.Title, p, nil, nil)
}

// count returns the edges of the intervals and the count of each.
func (f Histogram) count() (edges, counts []float64) {
	lo, hi := f.X.Min, f.X.Max
	if lo == 0 && hi == 0 {
		lo, hi = math.Inf(1), math.Inf(-1)
		for _, v := range f.Values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		if lo > hi {
			lo, hi = 0, 1
		} else if lo == hi {
			lo, hi = lo-0.5, hi+0.5
		}
	}
	n := f.Bins
	if n == 0 {
		n = 40
	}
	counts = make([]float64, n)
	for i := range n + 1 {
		edges = append(edges, lo+(hi-lo)*float64(i)/float64(n))
	}
	for _, v := range f.Values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			counts[min(max(int(float64(n)*((v-lo)/(hi-lo))), 0), n-1)]++
		}
	}
	return edges, counts
}

// bars are the bins of a histogram with their counts.
func bars(edges, counts []float64) *plotter.Histogram {
	h := &plotter.Histogram{FillColor: series[0], LineStyle: draw.LineStyle{Color: series[0]}}
	for i, n := range counts {
		h.Bins = append(h.Bins, plotter.HistogramBin{Min: edges[i], Max: edges[i+1], Weight: n})
	}
	h.Width = edges[1] - edges[0]
	return h
}
