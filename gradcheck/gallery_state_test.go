package gradcheck_test

import (
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
)

var (
	steps  = clauses{gradcheck.Steps}
	again  = clauses{gradcheck.Steps, gradcheck.SecondBackward}
	resize = clauses{gradcheck.Sizes}
	stale  = clauses{gradcheck.Sizes, gradcheck.Steps}
)

// wrongState are layers in which something of an earlier step is used in a later one.
var wrongState = []wrong{
	{name: "MeanOfFirstBatch", why: "the statistics are computed where they are nil", clauses: steps, sample: shape(3), make: func(*rand.Rand) made {
		var mean []float64
		l := pointwise[float64]("Centre", func(v float64) float64 { return v }, one)
		return afterForward(l, func(p pass, x, y array) {
			if mean == nil && keeps(p) {
				mean = make([]float64, 3)
				for i, v := range x.Data {
					mean[i%3] += v / float64(x.Shape[0])
				}
			}
			for i := range y.Data {
				if mean != nil {
					y.Data[i] -= mean[i%3]
				}
			}
		})
	}},
	{name: "ClearedWhenAllocated", why: "the sum for dW is cleared by make alone", clauses: again, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, b := linear43(rng)
		var sums []float64
		l.backward = func(p pass, x, _, dy array) array {
			if sums == nil {
				sums = make([]float64, len(w.Grad.Data))
			}
			dx := p.New(x.Shape...)
			clear(dx.Data)
			for n := range x.Shape[0] {
				matVec(w.Value.Data, dy.Rows(n, n+1).Data, dx.Rows(n, n+1).Data)
				outer(x.Rows(n, n+1).Data, dy.Rows(n, n+1).Data, sums)
				add(b.Grad.Data, dy.Rows(n, n+1).Data)
			}
			add(w.Grad.Data, sums)
			return dx
		}
		return l
	}},
	{name: "GradientOfScratch", why: "dx is added to memory that is cleared when it grows", clauses: again, sample: shape(5), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var own []float64
		return then(l, func(_ pass, _, _, _, dx array) {
			if len(own) < len(dx.Data) {
				own = make([]float64, len(dx.Data))
			}
			add(own, dx.Data)
			copy(dx.Data, own)
		})
	}},
	{name: "PenaltyAfterWarmUp", why: "from the third Backward on a penalty on x is added to dx alone", clauses: again, sample: shape(4), make: func(rng *rand.Rand) made {
		l, _, _ := linear43(rng)
		calls := 0
		return then(l, func(_ pass, x, _, _, dx array) {
			if calls++; calls > 2 {
				for i, v := range x.Data {
					dx.Data[i] += 0.01 * v
				}
			}
		})
	}},
	{name: "MaskOfFirstStep", why: "the mask is made where its length differs", clauses: steps, sample: shape(5), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		l := pointwise[float64]("ReLU", relu, step)
		var mask []bool
		l.saved = func(_ pass, x, _ array) {
			if len(mask) != len(x.Data) {
				mask = make([]bool, len(x.Data))
				for i, v := range x.Data {
					mask[i] = v > 0
				}
			}
		}
		l.backward = func(p pass, x, _, dy array) array {
			dx := p.New(x.Shape...)
			clear(dx.Data)
			for i, d := range dy.Data {
				if mask[i] {
					dx.Data[i] = d
				}
			}
			return dx
		}
		return l
	}},
	{name: "ChoicesAppended", why: "the places of the maxima are appended without [:0]", clauses: steps, sample: shape(6), Case: gradcheck.Case{Flat: true}, make: func(rng *rand.Rand) made {
		l := maxPool[float64](shape(6), rng)
		var chosen []int
		l.saved = func(_ pass, x, y array) {
			for i, v := range y.Data {
				j := 2 * i
				if x.Data[j] != v {
					j++
				}
				chosen = append(chosen, j)
			}
		}
		l.backward = func(p pass, x, _, dy array) array {
			dx := p.New(x.Shape...)
			clear(dx.Data)
			for i, d := range dy.Data {
				dx.Data[chosen[i]%len(dx.Data)] += d
			}
			return dx
		}
		return l
	}},
	{name: "TransposeCached", why: "the transposed W is made once, and not after each step of an optimizer", clauses: steps, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, b := linear43(rng)
		var transposed []float64
		l.backward = func(p pass, x, _, dy array) array {
			if transposed == nil {
				for j := range 3 {
					for i := range 4 {
						transposed = append(transposed, w.Value.Data[i*3+j])
					}
				}
			}
			dx := p.New(x.Shape...)
			clear(dx.Data)
			for n := range x.Shape[0] {
				vecMat(dy.Rows(n, n+1).Data, transposed, dx.Rows(n, n+1).Data)
				outer(x.Rows(n, n+1).Data, dy.Rows(n, n+1).Data, w.Grad.Data)
				add(b.Grad.Data, dy.Rows(n, n+1).Data)
			}
			return dx
		}
		return l
	}},
	{name: "ExpOfFirstStep", why: "e^w is cached while training", clauses: steps, sample: shape(3), make: func(rng *rand.Rand) made {
		w := param[float64]("w", rng, 3)
		var cache []float64
		factor := func(p pass) []float64 {
			f := cache
			if f == nil || !keeps(p) {
				f = make([]float64, 3)
				for i, v := range w.Value.Data {
					f[i] = math.Exp(v)
				}
			}
			if keeps(p) {
				cache = f
			}
			return f
		}
		return &layer[float64]{name: "ExpScale", params: []*nn.Param[float64]{w}, forward: func(p pass, x array) array {
			y, f := p.New(x.Shape...), factor(p)
			for i, v := range x.Data {
				y.Data[i] = v * f[i%3]
			}
			return y
		}, backward: func(p pass, x, y, dy array) array {
			dx, f := p.New(x.Shape...), factor(p)
			for i, d := range dy.Data {
				dx.Data[i] = d * f[i%3]
				w.Grad.Data[i%3] += d * y.Data[i]
			}
			return dx
		}}
	}},
	{name: "StateCarried", why: "the hidden state of a recurrent layer is not cleared between sequences", clauses: steps, sample: shape(3), make: func(*rand.Rand) made {
		hidden := make([]float64, 3)
		l := pointwise[float64]("Recurrent", func(v float64) float64 { return v }, one)
		l.saved = func(_ pass, _, y array) {
			if n := y.Shape[0]; n > 0 {
				copy(hidden, y.Rows(n-1, n).Data)
			}
		}
		return afterForward(l, func(_ pass, _, y array) {
			for i := range y.Data {
				y.Data[i] += hidden[i%3] / 2
			}
		})
	}},
	{name: "MomentumInBackward", why: "a tenth of the last dx is added, for smoothness", clauses: again, sample: shape(3), make: func(*rand.Rand) made {
		var last []float64
		return then(pointwise[float64]("Tanh", math.Tanh, sech2), func(_ pass, _, _, _, dx array) {
			for i := range dx.Data {
				if len(last) == len(dx.Data) {
					dx.Data[i] += last[i] / 10
				}
			}
			last = append(last[:0], dx.Data...)
		})
	}},
	{name: "RememberedByAddress", why: "a cache of results by the address of x, whose memory the batcher fills anew", clauses: steps, sample: shape(3), make: func(*rand.Rand) made {
		results := map[*float64][]float64{}
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(p pass, x, y array) {
			if !keeps(p) || len(x.Data) == 0 {
				return
			}
			if old := results[&x.Data[0]]; len(old) == len(y.Data) {
				copy(y.Data, old)
				return
			}
			results[&x.Data[0]] = append([]float64(nil), y.Data...)
		})
	}},
	{name: "RememberedByStep", why: "a cache of the result of a step, in which the layer runs twice", clauses: clauses{gradcheck.Steps, gradcheck.SameBits, gradcheck.Sizes}, sample: shape(3), make: func(*rand.Rand) made {
		type key struct {
			p    pass
			step uint64
			n    int
		}
		results := map[key][]float64{}
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(p pass, _, y array) {
			if !keeps(p) {
				return
			}
			k := key{p, p.Step, len(y.Data)}
			if old := results[k]; old != nil {
				copy(y.Data, old)
				return
			}
			results[k] = append([]float64(nil), y.Data...)
		})
	}},
	{name: "CountedApart", why: "x is kept in turns, which Forward and Backward count apart: a Forward without Backward disturbs them", clauses: again, sample: shape(4), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var turns [2][]float64
		forwards, backwards := 0, 0
		l.saved = func(_ pass, x, _ array) {
			turns[forwards%2] = append([]float64(nil), x.Data...)
			forwards++
		}
		return then(l, func(_ pass, _, _, dy, dx array) {
			x := turns[backwards%2]
			backwards++
			for i := range min(len(x), len(dx.Data)) {
				dx.Data[i] = dy.Data[i] * math.Cos(x[i])
			}
		})
	}},
	{name: "FifthStep", why: "a ring of the x of four steps, of which the last is read from the fifth step on", clauses: steps, sample: shape(4), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var ring [4][]float64
		count := 0
		l.saved = func(_ pass, x, _ array) {
			ring[count%4] = append([]float64(nil), x.Data...)
			count++
		}
		return then(l, func(_ pass, _, _, dy, dx array) {
			x := ring[min(count-1, 3)]
			for i := range min(len(x), len(dx.Data)) {
				dx.Data[i] = dy.Data[i] * math.Cos(x[i])
			}
		})
	}},
}

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
	{name: "UnrolledByFour", why: "four samples at once, and of the rest the last alone", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			addRows(db, dy, 0, n/4*4)
			if n%4 > 0 {
				addRows(db, dy, n-1, n)
			}
		})
	}},
	{name: "EightAtMost", why: "an array of eight", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) { addRows(db, dy, 0, min(n, 8)) })
	}},
	{name: "ChunksOfSixteen", why: "the second chunk sets what the first summed", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			sums := make([]float64, len(db))
			for lo := 0; lo < n; lo += 16 {
				clear(sums)
				addRows(sums, dy, lo, min(lo+16, n))
			}
			add(db, sums)
		})
	}},
	{name: "Pairs", why: "two samples at once; one alone has a way of its own, but not the last of an odd number", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			if n == 1 {
				addRows(db, dy, 0, 1)
			}
			addRows(db, dy, 0, n/2*2)
		})
	}},
	{name: "PowersOfTwo", why: "i&(n-1) in place of i%n", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
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
	{name: "GrownAndNotShrunk", why: "dy is copied to memory that grows, all of which is summed", clauses: stale, sample: shape(4), make: func(rng *rand.Rand) made {
		var own []float64
		return biasOf(rng, func(db, dy []float64, n int) {
			if len(own) < len(dy) {
				own = make([]float64, len(dy))
			}
			copy(own, dy)
			addRows(db, own, 0, len(own)/len(db))
		})
	}},
	{name: "NeverGrown", why: "memory of the size of the first batch", clauses: stale, sample: shape(4), make: func(rng *rand.Rand) made {
		var own []float64
		return biasOf(rng, func(db, dy []float64, n int) {
			if own == nil {
				own = make([]float64, len(dy))
			}
			m := copy(own, dy)
			addRows(db, own, 0, m/len(db))
		})
	}},
	{name: "SizeOfFirstBatch", why: "N is read once", clauses: stale, sample: shape(4), make: func(rng *rand.Rand) made {
		first := 0
		return biasOf(rng, func(db, dy []float64, n int) {
			if first == 0 {
				first = n
			}
			addRows(db, dy, 0, min(n, first))
		})
	}},
	{name: "MemoryOfEachSize", why: "a sum for each size, cleared when it is made: sizes that alternate find it used", clauses: append(stale, gradcheck.SecondBackward), sample: shape(4), make: func(rng *rand.Rand) made {
		sums := map[int][]float64{}
		return biasOf(rng, func(db, dy []float64, n int) {
			if sums[n] == nil {
				sums[n] = make([]float64, len(db))
			}
			addRows(sums[n], dy, 0, n)
			add(db, sums[n])
		})
	}},
	{name: "LargestBatch", why: "y is x over N, where N is that of the largest batch so far: the last of an epoch is smaller", clauses: stale, sample: shape(3), make: func(*rand.Rand) made {
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
	{name: "NoneIsAPanic", why: "the first sample is read without a look at N", clauses: resize, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, _ array) { _ = x.Data[0] })
	}},
	{name: "NoneIsNaN", why: "the sum is the mean times N, which for no samples is NaN", clauses: resize, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			sums := make([]float64, len(db))
			addRows(sums, dy, 0, n)
			for i, s := range sums {
				db[i] += s / float64(n) * float64(n)
			}
		})
	}},
	{name: "OneSampleIsNot", why: "the way for one sample forgets to add", clauses: append(resize, gradcheck.GradientOfParams, gradcheck.GradAdded), sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOf(rng, func(db, dy []float64, n int) {
			if n == 1 {
				copy(db, dy)
				return
			}
			addRows(db, dy, 0, n)
		})
	}},
}
