package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/tensor"
)

// Dropout sets elements of x to zero at random in training, each with probability
// Rate, and scales the others so that their mean stays.
//
//	forward   y  = x·m    in training; y = x in evaluation
//	backward  dx = dy·m   m is 1/(1 - Rate) with probability 1 - Rate, else 0
//
// Which elements are dropped is a function of the layer's key, the Step of the Pass
// and the place of the element: the same on any number of threads and in a second
// pass of the same Step ([Pass.Random]). (Srivastava et al., "Dropout", JMLR 15,
// 2014; section 6.4.3 of the book, which scales in evaluation instead.)
type Dropout[T tensor.Float] struct {
	rate float64
	key  uint64
	mask Saved[T]
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
	mask := l.Mask(p, x.Shape...)
	l.mask.Set(p, mask)
	return timesMask(p, x, mask)
}

func (l *Dropout[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	mask := l.mask.Get(p, l)
	CheckShape(l, dy, mask.Shape)
	return timesMask(p, dy, mask)
}

// timesMask returns x·mask. A product with 0 would keep the NaN of a dropped NaN.
func timesMask[T tensor.Float](p *Pass[T], x, mask *tensor.Tensor[T]) *tensor.Tensor[T] {
	y := p.New(x.Shape...)
	for i, m := range mask.Data {
		y.Data[i] = x.Data[i] * m
	}
	return y
}

// Mask returns the m of an x of the given shape in this step of p: all ones in
// evaluation.
func (l *Dropout[T]) Mask(p *Pass[T], shape ...int) *tensor.Tensor[T] {
	mask := p.New(shape...)
	if !p.training() {
		for i := range mask.Data {
			mask.Data[i] = 1
		}
		return mask
	}
	drop := uint64(l.rate * (1 << 32))
	scale := T(1 / (1 - l.rate))
	var words [4]uint32
	for i := range mask.Data {
		if i%4 == 0 {
			words = p.Random(l.key, uint64(i/4))
		}
		mask.Data[i] = 0
		if uint64(words[i%4]) >= drop {
			mask.Data[i] = scale
		}
	}
	return mask
}

func (l *Dropout[T]) Params() []*Param[T] { return nil }

func (l *Dropout[T]) String() string { return fmt.Sprintf("Dropout(%v)", l.rate) }
