package nn

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func ones(shape ...int) *tensor.Tensor[float64] {
	x := tensor.New[float64](shape...)
	for i := range x.Data {
		x.Data[i] = 1
	}
	return x
}

// In training an element is 0 or scaled, as often as Rate says; in evaluation it is
// what it was.
func TestDropoutRate(t *testing.T) {
	const n = 100_000
	for _, rate := range []float64{0, 0.25, 0.5, 0.9} {
		l, p := NewDropout[float64](rate, newRand(60)), training[float64]()
		dropped := 0
		for _, v := range l.Forward(p, ones(n)).Data {
			switch v {
			case 0:
				dropped++
			case 1 / (1 - rate):
			default:
				t.Fatalf("rate %v: an element is %v, want 0 or %v", rate, v, 1/(1-rate))
			}
		}
		// Five standard deviations of a binomial distribution.
		if off := math.Abs(float64(dropped) - n*rate); off > 5*math.Sqrt(n*rate*(1-rate)) {
			t.Errorf("rate %v: %d of %d elements are dropped", rate, dropped, n)
		}
		sameBits(t, "y in evaluation", l.Forward(&Pass[float64]{Keep: true}, ones(4)), ones(4))
	}
}

// The mask is that of key and step: the same in a second pass of the step and in
// Backward, another one in another step or layer.
func TestDropoutMask(t *testing.T) {
	l := NewDropout[float64](0.5, newRand(61))
	forward := func(l *Dropout[float64], step uint64) *tensor.Tensor[float64] {
		return l.Forward(&Pass[float64]{Train: true, Step: step}, ones(8, 9))
	}
	y := forward(l, 3)
	sameBits(t, "the same step again", forward(l, 3), y)
	if same(forward(l, 4), y) {
		t.Error("another step drops the same elements")
	}
	if same(forward(NewDropout[float64](0.5, newRand(62)), 3), y) {
		t.Error("another key drops the same elements")
	}

	p := training[float64]()
	p.Step = 2
	p.Reset() // begins step 3
	sameBits(t, "y", l.Forward(p, ones(8, 9)), y)
	sameBits(t, "dx", l.Backward(p, ones(8, 9)), y)
}

func same(a, b *tensor.Tensor[float64]) bool {
	for i, v := range a.Data {
		if v != b.Data[i] {
			return false
		}
	}
	return true
}

func TestDropoutRefuses(t *testing.T) {
	for _, rate := range []float64{-0.1, 1, math.NaN()} {
		mustPanic(t, "nn: Dropout: rate: want a number from 0 to 0.9999999999999999", func() { NewDropout[float64](rate, newRand(1)) })
	}
	mustPanic(t, "NewDropout wants a *rand.Rand", func() { NewDropout[float64](0.5, nil) })
}
