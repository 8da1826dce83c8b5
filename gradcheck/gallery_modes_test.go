package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
)

var modes = clauses{gradcheck.Modes}

var statistics = gradcheck.Case{Statistics: true, RefusesOne: true}

// wrongModes are layers that differ where they must agree.
var wrongModes = []wrong{
	{name: "NilPassForgetsBias", why: "prediction has code of its own, without the bias", clauses: modes, sample: shape(3), make: func(rng *rand.Rand) made {
		l := scaled[float64](shape(3), rng)
		return afterForward(l, func(p pass, x, y array) {
			for i, v := range x.Data {
				if p == nil {
					y.Data[i] = v * l.params[0].Value.Data[i%3]
				}
			}
		})
	}},
	{name: "PredictionApproximates", why: "evaluation without Keep uses a fast tanh", clauses: modes, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Tanh", math.Tanh, sech2), func(p pass, x, y array) {
			for i, v := range x.Data {
				if !keeps(p) && !trains(p) {
					y.Data[i] = v * (27 + v*v) / (27 + 9*v*v)
				}
			}
		})
	}},
	{name: "EvaluationScales", why: "y is halved in evaluation, as if dropout came before", clauses: modes, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Identity", func(v float64) float64 { return v }, one), func(p pass, _, y array) {
			for i := range y.Data {
				if !trains(p) {
					y.Data[i] /= 2
				}
			}
		})
	}},
	{name: "BackwardAlwaysTrains", why: "Backward of batch norm does not look at Train", clauses: modes, sample: shape(3), Case: statistics, make: func(rng *rand.Rand) made {
		l := batchNorm[float64](shape(3), rng)
		right := l.backward
		l.backward = func(p pass, x, y, dy array) array {
			train := p.Train
			defer func() { p.Train = train }()
			p.Train = true
			return right(p, x, y, dy)
		}
		return l
	}},
	{name: "EvaluationOfTheBatch", why: "batch norm uses the statistics of the batch in evaluation too", clauses: modes, sample: shape(3), Case: statistics, make: func(rng *rand.Rand) made {
		l := batchNorm[float64](shape(3), rng)
		right, back := l.forward, l.backward
		l.forward = func(p pass, x array) array {
			if x.Shape[0] < 2 || trains(p) {
				return right(p, x)
			}
			return right(&nn.Pass[float64]{Train: true}, x)
		}
		l.backward = func(p pass, x, y, dy array) array {
			train := p.Train
			defer func() { p.Train = train }()
			p.Train = p.Train || x.Shape[0] > 1
			return back(p, x, y, dy)
		}
		return l
	}},
	{name: "StatisticsWithoutKeep", why: "running statistics move in training without Keep, too", clauses: modes, sample: shape(3), Case: statistics, make: func(rng *rand.Rand) made {
		l := batchNorm[float64](shape(3), rng)
		right := l.forward
		l.forward = func(p pass, x array) array {
			y := right(p, x)
			if trains(p) && !p.Keep {
				keep := *p
				keep.Keep = true
				right(&keep, x)
			}
			return y
		}
		return l
	}},
	{name: "StatisticsInEvaluation", why: "running statistics move in evaluation with Keep", clauses: modes, sample: shape(3), Case: statistics, make: func(rng *rand.Rand) made {
		l := batchNorm[float64](shape(3), rng)
		right := l.forward
		l.forward = func(p pass, x array) array {
			if keeps(p) && !p.Train && x.Shape[0] > 1 {
				right(&nn.Pass[float64]{Train: true, Keep: true}, x)
			}
			return right(p, x)
		}
		return l
	}},
	{name: "SavesWithoutKeep", why: "x is saved whatever the Pass says", clauses: modes, sample: shape(3), make: func(*rand.Rand) made {
		var mu sync.Mutex
		var own []float64
		l := afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, x, _ array) {
			mu.Lock()
			own = slices.Clone(x.Data)
			mu.Unlock()
		})
		return then(l, func(_ pass, _, _, dy, dx array) {
			for i := range min(len(dx.Data), len(own)) {
				dx.Data[i] = dy.Data[i] * math.Cos(own[i])
			}
		})
	}},
	{name: "ChunksOfThreads", why: "each thread takes N/Threads rows, and nobody takes the remainder", clauses: modes, sample: shape(4), make: func(rng *rand.Rand) made {
		l, _, b := linear43(rng)
		return then(l, func(p pass, x, _, dy, _ array) {
			if n := x.Shape[0]; p.Threads > 1 && n > p.Threads {
				for i := n / p.Threads * p.Threads; i < n; i++ {
					for j, d := range dy.Rows(i, i+1).Data {
						b.Grad.Data[j] -= d
					}
				}
			}
		})
	}},
	{name: "NoThreads", why: "Threads 0, which stands for all, is taken for none", clauses: modes, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(p pass, _, y array) {
			if p != nil && p.Threads == 0 {
				clear(y.Data)
			}
		})
	}},
	{name: "ThreadsSumApart", why: "each thread sums its rows, so that rounding depends on their number", clauses: clauses{gradcheck.SameBits, gradcheck.Modes}, sample: shape(4), make: func(rng *rand.Rand) made {
		return biasOfThreads(rng)
	}},
	{name: "NilPassPanics", why: "p.Train is read although p may be nil", clauses: modes, sample: shape(3), make: func(*rand.Rand) made {
		return afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(p pass, _, _ array) { _ = p.Train })
	}},
	{name: "ParamsAloneForgetBias", why: "BackwardParams is older than the bias and forgets it", clauses: modes, sample: shape(4), make: func(rng *rand.Rand) made {
		return paramsOnly{linear[float64](rng, 4, 3), func(l *layer[float64], p pass, dy array) {
			before := l.params[1].Grad.Clone()
			l.Backward(p, dy)
			copy(l.params[1].Grad.Data, before.Data)
		}}
	}},
	{name: "ParamsAloneTwice", why: "BackwardParams runs Backward twice", clauses: modes, sample: shape(4), make: func(rng *rand.Rand) made {
		return paramsOnly{linear[float64](rng, 4, 3), func(l *layer[float64], p pass, dy array) {
			l.Backward(p, dy)
			l.Backward(p, dy)
		}}
	}},
	{name: "DropsInEvaluation", why: "dropout does not look at Train", clauses: modes, sample: shape(5), Case: gradcheck.Case{Random: true, Flat: true}, make: func(rng *rand.Rand) made {
		l := dropout[float64](nil, rng)
		right, back := l.forward, l.backward
		l.forward = func(p pass, x array) array {
			q := nn.Pass[float64]{Train: true}
			if p != nil {
				q.Step = p.Step
			}
			return right(&q, x)
		}
		l.backward = func(p pass, x, y, dy array) array {
			train := p.Train
			defer func() { p.Train = train }()
			p.Train = true
			return back(p, x, y, dy)
		}
		return l
	}},
	{name: "MaskInEvaluation", why: "Backward of dropout drops although Forward did not", clauses: modes, sample: shape(5), Case: gradcheck.Case{Random: true, Flat: true}, make: func(rng *rand.Rand) made {
		l := dropout[float64](nil, rng)
		back := l.backward
		l.backward = func(p pass, x, y, dy array) array {
			train := p.Train
			defer func() { p.Train = train }()
			p.Train = true
			return back(p, x, y, dy)
		}
		return l
	}},
	{name: "SameMaskEveryStep", why: "the mask does not depend on the Step: the same units drop for ever", clauses: modes, sample: shape(40), Case: gradcheck.Case{Random: true, Flat: true}, make: func(rng *rand.Rand) made {
		l := dropout[float64](nil, rng)
		right, back := l.forward, l.backward
		l.forward = func(p pass, x array) array { return right(atStep0(p), x) }
		l.backward = func(p pass, x, y, dy array) array { return back(atStep0(p), x, y, dy) }
		return l
	}},
	{name: "MaskOfGlobalRandom", why: "the mask is drawn by rand.Float64, so that no step can be repeated", clauses: clauses{gradcheck.SameBits, gradcheck.Modes}, sample: shape(40), Case: gradcheck.Case{Random: true, Flat: true}, make: func(*rand.Rand) made {
		var mask []float64
		l := pointwise[float64]("Dropout", func(v float64) float64 { return v }, one)
		l.forward = func(p pass, x array) array {
			y := p.New(x.Shape...)
			copy(y.Data, x.Data)
			if !trains(p) {
				return y
			}
			drawn := make([]float64, len(x.Data))
			for i := range drawn {
				if rand.Float64() < 0.5 {
					drawn[i] = 2
				}
				y.Data[i] *= drawn[i]
			}
			if p.Keep {
				mask = drawn
			}
			return y
		}
		return then(l, func(p pass, _, _, _, dx array) {
			for i := range dx.Data {
				if p.Train {
					dx.Data[i] *= mask[i]
				}
			}
		})
	}},
	{name: "UndeclaredRandom", why: "the layer draws random numbers, and its author did not declare it", clauses: modes, sample: shape(5), make: func(rng *rand.Rand) made {
		return noise[float64](nil, rng)
	}},
	{name: "UnfusedForgetsBias", why: "the code for Pass.Unfused forgets the bias", clauses: modes, sample: shape(3), make: func(rng *rand.Rand) made {
		l := scaled[float64](shape(3), rng)
		return afterForward(l, func(p pass, x, y array) {
			for i, v := range x.Data {
				if p != nil && p.Unfused {
					y.Data[i] = v * l.params[0].Value.Data[i%3]
				}
			}
		})
	}},
	{name: "TwoThreadsOverlap", why: "with two threads, both take the row in the middle", clauses: modes, sample: shape(4), make: func(rng *rand.Rand) made {
		l, _, b := linear43(rng)
		return then(l, func(p pass, x, _, dy, _ array) {
			if n := x.Shape[0]; p.Threads == 2 && n > 2 {
				add(b.Grad.Data, dy.Rows(n/2, n/2+1).Data)
			}
		})
	}},
	{name: "StatisticsNeverMove", why: "the running statistics of batch norm were forgotten: evaluation uses those of the constructor", clauses: modes, sample: shape(3), Case: statistics, make: func(rng *rand.Rand) made {
		l := batchNorm[float64](shape(3), rng)
		right := l.forward
		l.forward = func(p pass, x array) array {
			if keeps(p) && p.Train {
				y := right(&nn.Pass[float64]{Train: true}, x)
				return p.View(y, y.Shape...)
			}
			return right(p, x)
		}
		return l
	}},
	{name: "EvaluationInBackward", why: "in evaluation Backward adds no gradients of the parameters", clauses: modes, sample: shape(4), make: func(rng *rand.Rand) made {
		l, w, b := linear43(rng)
		right := l.backward
		l.backward = func(p pass, x, y, dy array) array {
			oldW, oldB := w.Grad.Clone(), b.Grad.Clone()
			dx := right(p, x, y, dy)
			if !p.Train {
				copy(w.Grad.Data, oldW.Data)
				copy(b.Grad.Data, oldB.Data)
			}
			return dx
		}
		return l
	}},
	{name: "NoiseInGradient", why: "noise of 1e-9 in dx, to regularize", clauses: clauses{gradcheck.SameBits}, sample: shape(3), make: func(*rand.Rand) made {
		return then(pointwise[float64]("Sin", math.Sin, math.Cos), func(_ pass, _, _, _, dx array) {
			for i := range dx.Data {
				dx.Data[i] += 1e-9 * rand.Float64()
			}
		})
	}},
	{name: "WarmUpByStep", why: "y grows with Step to its full size, and evaluation does not", clauses: modes, sample: shape(3), make: func(*rand.Rand) made {
		part := func(p pass) float64 {
			if !trains(p) {
				return 1
			}
			return min(1, float64(p.Step+1)/3)
		}
		l := afterForward(pointwise[float64]("Sin", math.Sin, math.Cos), func(p pass, _, y array) {
			for i := range y.Data {
				y.Data[i] *= part(p)
			}
		})
		return then(l, func(p pass, _, _, _, dx array) {
			for i := range dx.Data {
				dx.Data[i] *= part(p)
			}
		})
	}},
	{name: "MoreThreadsThanRows", why: "each thread takes N/Threads rows: none, where there are more threads than rows", clauses: modes, sample: shape(4), make: func(rng *rand.Rand) made {
		l, _, b := linear43(rng)
		right := l.backward
		l.backward = func(p pass, x, y, dy array) array {
			before := b.Grad.Clone()
			dx := right(p, x, y, dy)
			if x.Shape[0] < p.Threads {
				copy(b.Grad.Data, before.Data)
			}
			return dx
		}
		return l
	}},
	{name: "EvaluationSqueezes", why: "in evaluation, y of one output is (N) in place of (N, 1)", clauses: modes, sample: shape(4), make: func(rng *rand.Rand) made {
		l := linear[float64](rng, 4, 1)
		right, back := l.forward, l.backward
		l.forward = func(p pass, x array) array {
			y := right(p, x)
			if !trains(p) {
				return p.View(y, x.Shape[0])
			}
			return y
		}
		l.backward = func(p pass, x, y, dy array) array {
			return back(p, x, p.View(y, x.Shape[0], 1), p.View(dy, x.Shape[0], 1))
		}
		return l
	}},
}

// atStep0 is a Pass of the mode of p, in step 0.
func atStep0(p pass) pass {
	if p == nil {
		return nil
	}
	return &nn.Pass[float64]{Train: p.Train, Keep: p.Keep, Threads: p.Threads}
}

// paramsOnly has a BackwardParams of its own.
type paramsOnly struct {
	*layer[float64]
	params func(l *layer[float64], p pass, dy array)
}

func (l paramsOnly) BackwardParams(p pass, dy array) { l.params(l.layer, p, dy) }

// biasOfThreads sums the rows of dy in two halves if there are several threads.
func biasOfThreads(rng *rand.Rand) *layer[float64] {
	l, _, b := linear43(rng)
	right := l.backward
	l.backward = func(p pass, x, y, dy array) array {
		before := slices.Clone(b.Grad.Data)
		dx := right(p, x, y, dy)
		if p.Threads == 1 {
			return dx
		}
		copy(b.Grad.Data, before)
		// Two sums of half the rows each round otherwise than one.
		n := x.Shape[0]
		halves := [2][]float64{make([]float64, 3), make([]float64, 3)}
		addRows(halves[0], dy.Data, 0, n/2)
		addRows(halves[1], dy.Data, n/2, n)
		add(b.Grad.Data, halves[1])
		add(b.Grad.Data, halves[0])
		return dx
	}
	return l
}
