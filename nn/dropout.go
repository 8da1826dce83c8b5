package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Dropout sets elements of x to zero at random in training, each with probability Rate, and
// scales the other elements so that the mean stays the same.
//
//	forward   y  = x·m    in training; y = x in evaluation
//	backward  dx = dy·m   m is 1/(1 - Rate) with probability 1 - Rate, else 0
//
// Which elements are dropped depends on the layer's key, the Step of the Pass and the index of
// the element alone. So it is the same on any number of threads, and in a second pass of the
// same Step ([Pass.Random]). (Srivastava et al., "Dropout", JMLR 15, 2014; section 6.4.3 of the
// book, which scales in evaluation instead.)
type Dropout[T tensor.Float] struct {
	rate float64
	key  uint64
	y    Saved[T] // for its shape
	drew bool     // whether elements were dropped
	step uint64   // the Step in which they were dropped
}

// NewDropout returns a Dropout layer of a rate from 0 to below 1, with its key drawn
// from rng. It panics if the rate is outside that range or rng is nil.
func NewDropout[T tensor.Float](rate float64, rng *rand.Rand) *Dropout[T] {
	if rng == nil {
		panic("nn: NewDropout wants a *rand.Rand")
	}
	l := &Dropout[T]{rate: rate, key: rng.Uint64()}
	MustBuild(l)
	return l
}

func (l *Dropout[T]) Fields(f *Fields[T]) {
	f.Float("rate", &l.rate, 0, 1-0x1p-53)
	f.Key("key", &l.key)
}

// Rate returns the probability that an element is dropped.
func (l *Dropout[T]) Rate() float64 { return l.rate }

func (l *Dropout[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	y := l.times(p, x, p.training(), p.step())
	if l.y.Set(p, y); p != nil && p.Keep {
		l.drew, l.step = p.Train, p.Step
	}
	return y
}

func (l *Dropout[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	CheckShape(l, dy, l.y.Get(p, l).Shape)
	return l.times(p, dy, l.drew, l.step)
}

// times returns x·m, with the m of a step, if drop is set, and x otherwise.
func (l *Dropout[T]) times(p *Pass[T], x *tensor.Tensor[T], drop bool, step uint64) *tensor.Tensor[T] {
	y := p.New(x.Shape...)
	if drop {
		kernel.Dropout(p.threads(), y.Data, x.Data, l.key, step, l.rate)
	} else {
		copy(y.Data, x.Data)
	}
	return y
}

// Mask returns the m for an x of the given shape in this step of p. In evaluation all its
// elements are 1.
func (l *Dropout[T]) Mask(p *Pass[T], shape ...int) *tensor.Tensor[T] {
	ones := p.New(shape...)
	setOnes(ones)
	return l.times(p, ones, p.training(), p.step())
}

func (l *Dropout[T]) Params() []*Param[T] { return nil }

func (l *Dropout[T]) String() string { return fmt.Sprintf("Dropout(%v)", l.rate) }
