package gradcheck_test

import (
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/gradcheck"
)

var (
	resize = clauses{gradcheck.Sizes}
	stale  = clauses{gradcheck.Sizes, gradcheck.Steps}
)

// biasOf is linear43 whose bias gets its gradient from addTo.
func biasOf(rng *rand.Rand, addTo func(db, dy []float64, n int)) *layer[float64] {
	l, w, b := linear43(rng)
	l.backward = func(p pass, x, _, dy array) array {
		dx := p.New(x.Shape...)
		clear(dx.Data)
		for n := range x.Shape[0] {
			matVec(w.Value.Data, dy.Rows(n, n+1).Data, dx.Rows(n, n+1).Data)
			outer(x.Rows(n, n+1).Data, dy.Rows(n, n+1).Data, w.Grad.Data)
		}
		addTo(b.Grad.Data, dy.Data, x.Shape[0])
		return dx
	}
	return l
}

// addRows adds the rows lo to hi of dy.
func addRows(db, dy []float64, lo, hi int) {
	for n := lo; n < hi; n++ {
		add(db, dy[n*len(db):(n+1)*len(db)])
	}
}

// wrongSizes are layers that are right for some numbers of samples.
var wrongSizes = []wrong{
	{name: "UnrolledByFour", why: "the loop takes four samples at once, and of the remainder the last one alone", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			addRows(db, dy, 0, n/4*4)
			if n%4 > 0 {
				addRows(db, dy, n-1, n)
			}
		})
	}},
	{name: "EightAtMost", why: "an array has room for eight samples", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) { addRows(db, dy, 0, min(n, 8)) })
	}},
	{name: "ChunksOfSixteen", why: "the second chunk of 16 samples clears the sum of the first", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			sums := make([]float64, len(db))
			for lo := 0; lo < n; lo += 16 {
				clear(sums)
				addRows(sums, dy, lo, min(lo+16, n))
			}
			add(db, sums)
		})
	}},
	{name: "Pairs", why: "the loop takes two samples at once, and the last of an odd number is forgotten", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			if n == 1 {
				addRows(db, dy, 0, 1)
			}
			addRows(db, dy, 0, n/2*2)
		})
	}},
	{name: "PowersOfTwo", why: "i&(n-1) in place of i%n, which is right for powers of two", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			for i := range n {
				r := i & (n - 1)
				addRows(db, dy, r, r+1)
			}
		})
	}},
	{name: "TwoAreAPair", why: "a batch of two is taken for a pair to compare", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			if n == 2 {
				addRows(db, dy, 0, 1)
				return
			}
			addRows(db, dy, 0, n)
		})
	}},
	{name: "GrownAndNotShrunk", why: "dy is copied to memory that only grows, and all of that is summed", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		var own []float64
		return biasOf(rng, func(db, dy []float64, n int) {
			if len(own) < len(dy) {
				own = make([]float64, len(dy))
			}
			copy(own, dy)
			addRows(db, own, 0, len(own)/len(db))
		})
	}},
	{name: "NeverGrown", why: "memory has the size of the first batch", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		var own []float64
		return biasOf(rng, func(db, dy []float64, n int) {
			if own == nil {
				own = make([]float64, len(dy))
			}
			m := copy(own, dy)
			addRows(db, own, 0, m/len(db))
		})
	}},
	{name: "SizeOfFirstBatch", why: "the number of samples is read from the first batch alone", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		first := 0
		return biasOf(rng, func(db, dy []float64, n int) {
			if first == 0 {
				first = n
			}
			addRows(db, dy, 0, min(n, first))
		})
	}},
	{name: "MemoryOfEachSize", why: "there is a sum for each batch size, cleared only when it is made", clauses: stale, sample: shape(4), make: func(rng *rand.Rand) made {
		sums := map[int][]float64{}
		return biasOf(rng, func(db, dy []float64, n int) {
			if sums[n] == nil {
				sums[n] = make([]float64, len(db))
			}
			addRows(sums[n], dy, 0, n)
			add(db, sums[n])
		})
	}},
	{name: "LargestBatch", why: "y is x/N, and N is that of the largest batch so far", clauses: resize, sample: shape(3), make: func(*rand.Rand) made {
		largest := 0
		of := func(p pass, x array) float64 {
			if keeps(p) {
				largest = max(largest, x.Shape[0])
			}
			return float64(max(largest, x.Shape[0]))
		}
		return &layer[float64]{name: "OverN", forward: func(p pass, x array) array {
			y, n := p.New(x.Shape...), of(p, x)
			for i, v := range x.Data {
				y.Data[i] = v / n
			}
			return y
		}, backward: func(p pass, x, _, dy array) array {
			dx, n := p.New(x.Shape...), of(p, x)
			for i, d := range dy.Data {
				dx.Data[i] = d / n
			}
			return dx
		}}
	}},
	{name: "OneIsSqueezed", why: "y of one sample loses its axis, as NumPy's squeeze does", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		l, _, _ := linear43(rng)
		right, back := l.forward, l.backward
		l.forward = func(p pass, x array) array {
			y := right(p, x)
			if x.Shape[0] == 1 {
				return p.View(y, 3)
			}
			return y
		}
		l.backward = func(p pass, x, y, dy array) array {
			return back(p, x, p.View(y, x.Shape[0], 3), p.View(dy, x.Shape[0], 3))
		}
		return l
	}},
	{name: "NoneIsAPanic", why: "the first sample is read although there may be none", clauses: resize, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, _ array) { _ = x.Data[0] })
	}},
	{name: "NoneIsNaN", why: "the sum is computed as the mean times N, which is NaN for no samples", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			sums := make([]float64, len(db))
			addRows(sums, dy, 0, n)
			for i, s := range sums {
				db[i] += s / float64(n) * float64(n)
			}
		})
	}},
	{name: "OneSampleIsNot", why: "the code for one sample sets the Grad", clauses: clauses{gradcheck.GradAdded, gradcheck.Sizes}, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			if n == 1 {
				copy(db, dy)
				return
			}
			addRows(db, dy, 0, n)
		})
	}},
	{name: "ChunksOfSixtyFour", why: "the second chunk of 64 samples clears the sum of the first", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			sums := make([]float64, len(db))
			for lo := 0; lo < n; lo += 64 {
				clear(sums)
				addRows(sums, dy, lo, min(lo+64, n))
			}
			add(db, sums)
		})
	}},
	{name: "ForwardInPairs", why: "Forward, too, leaves out the last of an odd number: Backward is its gradient", clauses: resize, sample: shape(3), make: func(*rand.Rand) made {
		in := func(i, n int) bool { return i/3 < n/2*2 || n == 1 }
		return &layer[float64]{name: "Sin", forward: func(p pass, x array) array {
			y := p.New(x.Shape...)
			clear(y.Data)
			for i, v := range x.Data {
				if in(i, x.Shape[0]) {
					y.Data[i] = math.Sin(v)
				}
			}
			return y
		}, backward: func(p pass, x, _, dy array) array {
			dx := p.New(x.Shape...)
			clear(dx.Data)
			for i, v := range x.Data {
				if in(i, x.Shape[0]) {
					dx.Data[i] = dy.Data[i] * math.Cos(v)
				}
			}
			return dx
		}}
	}},
	{name: "NoneBreaksStatistics", why: "the mean of no samples is NaN, which stays in the running mean", clauses: resize, sample: shape(3), Case: statistics, make: func(rng *rand.Rand) made {
		l := batchNorm[float64](shape(3), rng)
		broken := 0.0
		l.saved = func(p pass, x, _ array) {
			if p.Train && x.Shape[0] == 0 {
				broken = math.NaN()
			}
		}
		return afterForward(l, func(p pass, _, y array) {
			for i := range y.Data {
				if !trains(p) {
					y.Data[i] += broken
				}
			}
		})
	}},
	{name: "OddPanics", why: "the loop takes two samples at once, and reads behind the last of an odd number", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			if n == 1 {
				addRows(db, dy, 0, 1)
				return
			}
			for i := 0; i < n; i += 2 {
				addRows(db, dy, i, i+2)
			}
		})
	}},
}
