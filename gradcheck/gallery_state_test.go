package gradcheck_test

import (
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
)

var (
	steps = clauses{gradcheck.Steps}
	again = clauses{gradcheck.Steps, gradcheck.SecondBackward}
)

// wrongState are layers in which something of an earlier step is used in a later one.
var wrongState = []wrong{
	{name: "MeanOfFirstBatch", why: "the mean is computed when it is nil: in the first step", clauses: steps, sample: shape(3), make: func(*rand.Rand) made {
		var mean []float64
		l := pointwise[float64]("Center", func(v float64) float64 { return v }, one)
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
	{name: "ClearedWhenAllocated", why: "the sum for dW is cleared only when it is made", clauses: again, sample: shape(4), make: func(rng *rand.Rand) made {
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
	{name: "GradientOfScratch", why: "dx is summed in memory that is cleared only when it grows", clauses: again, sample: shape(5), make: func(*rand.Rand) made {
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
	{name: "PenaltyAfterWarmUp", why: "from the third Backward on, a penalty that is not in y is added to dx", clauses: steps, sample: shape(4), make: func(rng *rand.Rand) made {
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
	{name: "MaskOfFirstStep", why: "the mask is computed only when its length changes", clauses: steps, sample: shape(5), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
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
	{name: "ChoicesAppended", why: "the places of the maxima are appended to those of the step before", clauses: steps, sample: shape(6), Case: gradcheck.Case{Flat: true}, make: func(rng *rand.Rand) made {
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
	{name: "TransposeCached", why: "the transposed W is computed once, and not after each step of an optimizer", clauses: steps, sample: shape(4), make: func(rng *rand.Rand) made {
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
	{name: "ExpOfFirstStep", why: "e^w is computed in the first step and kept while training", clauses: steps, sample: shape(3), make: func(rng *rand.Rand) made {
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
	{name: "MomentumInBackward", why: "a tenth of the last dx is added, as momentum", clauses: again, sample: shape(3), make: func(*rand.Rand) made {
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
	{name: "RememberedByAddress", why: "results are cached by the address of x, but the next batch is in the same memory", clauses: steps, sample: shape(3), make: func(*rand.Rand) made {
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
	{name: "RememberedByStep", why: "the result is cached for the step, in which the layer may run twice", clauses: steps, sample: shape(3), make: func(*rand.Rand) made {
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
	{name: "CountedApart", why: "x is saved in turns, which Forward and Backward count apart: a Forward without a Backward mixes them up", clauses: steps, sample: shape(4), make: func(*rand.Rand) made {
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
	{name: "FifthStep", why: "the x of four steps are kept in turns, and from the fifth step on the wrong one is read", clauses: steps, sample: shape(4), make: func(*rand.Rand) made {
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
	{name: "EveryOtherStep", why: "even and odd steps have a buffer each, of which one is filled once", clauses: steps, sample: shape(4), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var turns [2][]float64
		l.saved = func(p pass, x, _ array) {
			if i := p.Step % 2; i == 0 || len(turns[1]) != len(x.Data) {
				turns[i] = append([]float64(nil), x.Data...)
			}
		}
		return then(l, func(p pass, _, _, dy, dx array) {
			for i, x := range turns[p.Step%2] {
				dx.Data[i] = dy.Data[i] * math.Cos(x)
			}
		})
	}},
	{name: "WeightsBySum", why: "e^w is computed anew only when the sum of w has changed by 1 or more", clauses: steps, sample: shape(3), make: func(rng *rand.Rand) made {
		w := param[float64]("w", rng, 3)
		var cache []float64
		var of float64
		factor := func(p pass) []float64 {
			if keeps(p) && cache != nil && math.Abs(sum(w.Value.Data)-of) < 1 {
				return cache
			}
			f := make([]float64, 3)
			for i, v := range w.Value.Data {
				f[i] = math.Exp(v)
			}
			if keeps(p) {
				cache, of = f, sum(w.Value.Data)
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
	{name: "LongerSequence", why: "x is copied to memory that only grows, and read from its end", clauses: stale, sample: shape(3), make: func(*rand.Rand) made {
		var own []float64
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		l.saved = func(_ pass, x, _ array) {
			if len(own) < len(x.Data) {
				own = make([]float64, len(x.Data))
			}
			copy(own, x.Data)
		}
		return then(l, func(_ pass, _, _, dy, dx array) {
			for i := range dx.Data {
				dx.Data[i] = dy.Data[i] * math.Cos(own[len(own)-len(dx.Data)+i])
			}
		})
	}},
	{name: "SavesOnceAStep", why: "only the first Forward of a step saves x", clauses: clauses{gradcheck.Steps, gradcheck.Sizes}, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var of pass
		var at uint64
		var own []float64
		l.saved = func(p pass, x, _ array) {
			if p != of || p.Step != at || len(own) != len(x.Data) {
				of, at, own = p, p.Step, append([]float64(nil), x.Data...)
			}
		}
		return then(l, func(_ pass, _, _, dy, dx array) {
			for i, x := range own {
				dx.Data[i] = dy.Data[i] * math.Cos(x)
			}
		})
	}},
	{name: "ForwardAddsToScratch", why: "y is summed in memory of p.New, which is not cleared", clauses: steps, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, _ := linear43(rng)
		l.forward = func(p pass, x array) array {
			y := p.New(x.Shape[0], 3)
			for n := range x.Shape[0] {
				vecMat(x.Rows(n, n+1).Data, w.Value.Data, y.Rows(n, n+1).Data)
				add(y.Rows(n, n+1).Data, l.params[1].Value.Data)
			}
			return y
		}
		return l
	}},
	{name: "BackwardAddsToScratch", why: "dx is summed in memory of p.New, which is not cleared", clauses: steps, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, b := linear43(rng)
		l.backward = func(p pass, x, _, dy array) array {
			dx := p.New(x.Shape...)
			for n := range x.Shape[0] {
				matVec(w.Value.Data, dy.Rows(n, n+1).Data, dx.Rows(n, n+1).Data)
				outer(x.Rows(n, n+1).Data, dy.Rows(n, n+1).Data, w.Grad.Data)
				add(b.Grad.Data, dy.Rows(n, n+1).Data)
			}
			return dx
		}
		return l
	}},
	{name: "EveryThirdBackward", why: "every third Backward is left out, to save time", clauses: again, sample: shape(4), make: func(*rand.Rand) made {
		calls := 0
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, _, _, _, dx array) {
			if calls++; calls%3 == 0 {
				clear(dx.Data)
			}
		})
	}},
	{name: "NinthStep", why: "a history of eight steps, of which the last is read from the ninth on", clauses: steps, sample: shape(4), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var ring [8][]float64
		count := 0
		l.saved = func(_ pass, x, _ array) {
			ring[count%8] = append([]float64(nil), x.Data...)
			count++
		}
		return then(l, func(_ pass, _, _, dy, dx array) {
			x := ring[min(count-1, 7)]
			for i := range min(len(x), len(dx.Data)) {
				dx.Data[i] = dy.Data[i] * math.Cos(x[i])
			}
		})
	}},
}
