package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

var sharing = clauses{gradcheck.Sharing}

// What wrong layers of the package share.
var (
	packageX     []float64
	packageMask  []bool
	packageGamma = tensor.Of([]float64{1, 2, 3}, 3)
	packageCache = map[string][]float64{}
	packageList  []*nn.Param[float64]
	packageY     = map[int]array{}
	poolOfY      = sync.Pool{New: func() any { return new(tensor.Tensor[float64]) }}
	packageMutex sync.Mutex
)

// fit returns memory for x under its shape, old if that is large enough.
func fit(old *tensor.Tensor[float64], x array) array {
	if old == nil || len(old.Data) < len(x.Data) {
		return tensor.New[float64](x.Shape...)
	}
	return tensor.Of(old.Data[:len(x.Data)], x.Shape...)
}

// wrongSharing are layers whose results or memory belong to more than one.
var wrongSharing = []wrong{
	{name: "OwnY", why: "y is in a buffer of the layer, which the next Forward overwrites", clauses: sharing, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var own array
		right := l.forward
		l.forward = func(p pass, x array) array {
			packageMutex.Lock() // the mistake is not the race
			defer packageMutex.Unlock()
			own = fit(own, x)
			copy(own.Data, right(p, x).Data)
			return own
		}
		return l
	}},
	{name: "OwnDX", why: "dx is in a buffer of the layer, which the next Backward overwrites", clauses: sharing, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var own array
		right := l.backward
		l.backward = func(p pass, x, y, dy array) array {
			own = fit(own, x)
			copy(own.Data, right(p, x, y, dy).Data)
			return own
		}
		return l
	}},
	{name: "YOfTheSize", why: "y is in a buffer of the package, one for each size", clauses: sharing, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		right := l.forward
		l.forward = func(p pass, x array) array {
			if !keeps(p) {
				return right(p, x)
			}
			packageMutex.Lock()
			defer packageMutex.Unlock()
			own := fit(packageY[len(x.Data)], x)
			packageY[len(x.Data)] = own
			copy(own.Data, right(p, x).Data)
			return own
		}
		return l
	}},
	{name: "XOfThePackage", why: "x is saved in a variable of the package", clauses: sharing, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		l.saved = func(_ pass, x, _ array) {
			packageMutex.Lock()
			packageX = slices.Clone(x.Data)
			packageMutex.Unlock()
		}
		return then(l, func(_ pass, _, _, dy, dx array) {
			packageMutex.Lock()
			defer packageMutex.Unlock()
			for i := range min(len(dx.Data), len(packageX)) {
				dx.Data[i] = dy.Data[i] * math.Cos(packageX[i])
			}
		})
	}},
	{name: "MaskOfThePackage", why: "the mask is in a variable of the package", clauses: sharing, sample: shape(3), Case: gradcheck.Case{Flat: true}, make: func(*rand.Rand) made {
		l := pointwise[float64]("ReLU", relu, step)
		l.saved = func(_ pass, x, _ array) {
			packageMutex.Lock()
			defer packageMutex.Unlock()
			packageMask = packageMask[:0]
			for _, v := range x.Data {
				packageMask = append(packageMask, v > 0)
			}
		}
		return then(l, func(_ pass, _, _, dy, dx array) {
			packageMutex.Lock()
			defer packageMutex.Unlock()
			clear(dx.Data)
			for i := range min(len(dx.Data), len(packageMask)) {
				if packageMask[i] {
					dx.Data[i] = dy.Data[i]
				}
			}
		})
	}},
	{name: "DefaultParameter", why: "layers share their default parameter, as with a mutable default argument in Python", clauses: clauses{gradcheck.Sharing, gradcheck.Parameters}, sample: shape(3), make: func(rng *rand.Rand) made {
		l := scaled[float64](shape(3), rng)
		packageMutex.Lock()
		defer packageMutex.Unlock()
		w := l.params[0]
		w.Value = packageGamma
		return l
	}},
	{name: "CacheByName", why: "a cache of the package has the name of the layer as its key, which several layers have", clauses: sharing, sample: shape(3), make: func(rng *rand.Rand) made {
		l := scaled[float64](shape(3), rng)
		l.saved = func(_ pass, x, _ array) {
			packageMutex.Lock()
			packageCache[l.name] = slices.Clone(x.Data)
			packageMutex.Unlock()
		}
		return &xFrom{layer: l, x: func() []float64 {
			packageMutex.Lock()
			defer packageMutex.Unlock()
			return packageCache[l.name]
		}}
	}},
	{name: "ListOfThePackage", why: "Params returns those of the layer made last, from a list of the package", clauses: clauses{gradcheck.Sharing, gradcheck.Parameters}, sample: shape(3), make: func(rng *rand.Rand) made {
		l := scaled[float64](shape(3), rng)
		packageMutex.Lock()
		packageList = append(packageList[:0:0], packageList...)
		packageList = append(packageList, l.params...)
		packageMutex.Unlock()
		l.list = func() []*nn.Param[float64] {
			packageMutex.Lock()
			defer packageMutex.Unlock()
			return packageList[max(0, len(packageList)-2):] // those of the layer made last
		}
		return l
	}},
	{name: "ScratchWhilePredicting", why: "an inner result is in a field, which predictions in other goroutines overwrite", clauses: sharing, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var between []float64
		var mu sync.Mutex // each access is safe, both together are not
		l.forward = func(p pass, x array) array {
			mu.Lock()
			between = append(between[:0], x.Data...)
			mu.Unlock()
			for range 3 {
				runtime.Gosched()
			}
			mu.Lock()
			defer mu.Unlock()
			y := p.New(x.Shape...)
			for i := range min(len(y.Data), len(between)) {
				y.Data[i] = math.Sin(between[i])
			}
			return y
		}
		return l
	}},
	{name: "PutBackEarly", why: "y goes back to a sync.Pool before the caller has read it", clauses: sharing, sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		right := l.forward
		l.forward = func(p pass, x array) array {
			packageMutex.Lock()
			defer packageMutex.Unlock()
			y := fit(poolOfY.Get().(array), x)
			copy(y.Data, right(p, x).Data)
			poolOfY.Put(y)
			return y
		}
		return l
	}},
	{name: "GradAsDX", why: "dx is the Grad of the bias itself, which the optimizer clears", clauses: sharing, sample: shape(3), make: func(rng *rand.Rand) made {
		b := param[float64]("b", rng, 3)
		return &layer[float64]{name: "AddOnce", params: []*nn.Param[float64]{b}, forward: func(p pass, x array) array {
			y := p.New(x.Shape...)
			for i, v := range x.Data {
				y.Data[i] = v + b.Value.Data[i%3]
			}
			return y
		}, backward: func(p pass, x, _, dy array) array {
			addRows(b.Grad.Data, dy.Data, 0, x.Shape[0])
			if x.Shape[0] == 1 {
				return p.View(b.Grad, 1, 3)
			}
			return p.View(dy, dy.Shape...)
		}}
	}},
	{name: "PassOfFirstStep", why: "y is scratch of the first Pass, which takes it back while another Pass needs it", clauses: append(sharing, gradcheck.Steps), sample: shape(3), make: func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		var first pass
		right := l.forward
		l.forward = func(p pass, x array) array {
			if !keeps(p) {
				return right(p, x)
			}
			if first == nil {
				first = p
			}
			return right(first, x)
		}
		return l
	}},
}

// xFrom is scaled whose Backward uses another x.
type xFrom struct {
	*layer[float64]
	x func() []float64
}

func (l *xFrom) Backward(p pass, dy array) array {
	dx := l.layer.Backward(p, dy)
	w := l.params[0].Grad.Data
	right := l.layer.x.Get(p, l)
	for i, v := range l.x() {
		if i < len(right.Data) {
			w[i%3] += dy.Data[i] * (v - right.Data[i])
		}
	}
	return dx
}
