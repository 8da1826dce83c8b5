package nn

import (
	"iter"
	"runtime"
	"sync"

	"github.com/chainrule-go/chainrule/tensor"
)

// DifferenceStep is the h of central differences, as in the book: in float64 the error
// of truncation (h² f‴/6) and that of cancellation (1e-16·f/h) are both small.
const DifferenceStep = 1e-4

// A Difference is f around one element v of its argument.
type Difference struct {
	Minus, Plus float64 // f at v - h and at v + h
	H           float64 // half the distance between the two, as rounded
}

// Central returns (f(v+h) - f(v-h)) / 2h, which approximates ∂f/∂v.
func (d Difference) Central() float64 { return (d.Plus - d.Minus) / (2 * d.H) }

// CentralDifferences yields, for every element of x in turn, f with that
// element moved by h both ways. f must depend on x.Data; x holds its old values
// again whenever the loop body runs, and after it. This is all the numerical
// differentiation there is here: [LossDifferences] and package gradcheck both use
// it.
//
// In float32 the result is worthless (cancellation leaves one or two digits):
// differentiate in float64.
func CentralDifferences[T tensor.Float](f func() float64, x *tensor.Tensor[T], h float64) iter.Seq2[int, Difference] {
	return func(yield func(int, Difference) bool) {
		for i := range x.Data {
			if !yield(i, CentralDifference(f, &x.Data[i], h)) {
				return
			}
		}
	}
}

// CentralDifference returns f with v moved by h both ways; f must depend on v,
// which is unchanged afterwards.
func CentralDifference[T tensor.Float](f func() float64, v *T, h float64) Difference {
	old := *v
	defer func() { *v = old }()
	hi, lo := old+T(h), old-T(h)
	*v = hi
	plus := f()
	*v = lo
	minus := f()
	return Difference{minus, plus, float64(hi-lo) / 2}
}

// LossDifferences returns the mean loss, by [SoftmaxWithLoss], of the network's
// logits for x, labelled t, around the elements at[i] of each parameter i, in the
// order of Params: what [CentralDifferences] yields for them with
// [DifferenceStep]. Where at, or at[i], is nil, it is all elements.
//
// The elements are shared out among GOMAXPROCS goroutines, each with parameters
// of its own to move, so their number changes no bit. (One does it all if the
// network holds layers of another package, which cannot be copied.)
func LossDifferences[T tensor.Float](net *Sequential[T], x *tensor.Tensor[T], t []int, at [][]int) [][]Difference {
	NewSoftmaxWithLoss[T]().Forward(nil, net.Forward(nil, x), t) // a wrong shape or label panics here, where it can be recovered
	nets := []*Sequential[T]{net}
	for len(nets) < runtime.GOMAXPROCS(0) {
		replica := replica(net)
		if replica == nil {
			break
		}
		nets = append(nets, replica)
	}
	all := make([][]Difference, len(net.Params()))
	for i, p := range net.Params() {
		n := len(p.Value.Data)
		if at != nil && at[i] != nil {
			n = len(at[i])
		}
		all[i] = make([]Difference, n)
	}
	share := func(worker int) {
		own, last, pass := nets[worker], NewSoftmaxWithLoss[T](), &Pass[T]{}
		loss := func() float64 {
			pass.Reset()
			return last.Forward(pass, own.Forward(pass, x), t)
		}
		for i, p := range own.Params() {
			n := len(all[i])
			for j := worker * n / len(nets); j < (worker+1)*n/len(nets); j++ {
				element := j
				if at != nil && at[i] != nil {
					element = at[i][j]
				}
				all[i][j] = CentralDifference(loss, &p.Value.Data[element], DifferenceStep)
			}
		}
	}
	var others sync.WaitGroup
	for worker := 1; worker < len(nets); worker++ {
		others.Go(func() { share(worker) })
	}
	share(0)
	others.Wait()
	return all
}

// replica returns a network of the same values, shared where they are, that
// shares nothing with net and has no gradients; or nil if a layer of another
// package is in it.
func replica[T tensor.Float](net *Sequential[T]) *Sequential[T] {
	params := map[*Param[T]]*Param[T]{}
	param := func(p *Param[T]) *Param[T] {
		if params[p] == nil {
			params[p] = &Param[T]{Name: p.Name, Value: p.Value.Clone()}
		}
		return params[p]
	}
	known := true
	var chain func(net *Sequential[T]) *Sequential[T]
	chain = func(net *Sequential[T]) *Sequential[T] {
		var layers []Named[T]
		for _, l := range net.Layers() {
			switch layer := l.Layer.(type) {
			case *Affine[T]:
				l.Layer = AffineOf(param(layer.W), param(layer.B))
			case *ReLU[T]:
				l.Layer = NewReLU[T]()
			case *Sigmoid[T]:
				l.Layer = NewSigmoid[T]()
			case *Softmax[T]:
				l.Layer = NewSoftmax[T]()
			case *Sequential[T]:
				l.Layer = chain(layer)
			default:
				known = false
			}
			layers = append(layers, l)
		}
		return NewNamed(layers...)
	}
	same := chain(net)
	if !known {
		return nil
	}
	return same
}
