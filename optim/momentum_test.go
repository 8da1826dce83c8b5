package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
)

// Worked by hand, in numbers that float64 holds exactly: α = 0.5, η = 0.25.
func TestMomentumWorked(t *testing.T) {
	w := param("W", []float64{1, 2}, []float64{4, -8})
	b := param("b", []float64{10}, []float64{1})
	o := NewMomentum([]*nn.Param[float64]{w, b}, 0.25, 0.5)
	for step, c := range []struct{ grad, w, v []float64 }{
		{[]float64{4, -8}, []float64{0, 4}, []float64{-1, 2}},
		{[]float64{0, 4}, []float64{-0.5, 4}, []float64{-0.5, 0}},
		{[]float64{0, 0}, []float64{-0.75, 4}, []float64{-0.25, 0}},
	} {
		copy(w.Grad.Data, c.grad)
		o.Step()
		if !slices.Equal(w.Value.Data, c.w) || !slices.Equal(o.State()[0].Value.Data, c.v) {
			t.Errorf("step %d: W = %v with velocity %v, want %v and %v", step, w.Value.Data, o.State()[0].Value.Data, c.w, c.v)
		}
		if !slices.Equal(w.Grad.Data, []float64{0, 0}) || b.Grad.Data[0] != 0 {
			t.Errorf("step %d leaves the gradients %v and %v, want zeros", step, w.Grad.Data, b.Grad.Data)
		}
	}
	// b: -0.25, then that halved at each step.
	if b.Value.Data[0] != 10-0.25-0.125-0.0625 {
		t.Errorf("b = %v, want 9.5625", b.Value.Data[0])
	}
}

// The path of the book's ch06/optimizer_compare_naive.py (momentum: lr 0.1, 0.9)
// down f(x, y) = x²/20 + y² from (-7, 2), in Python:
//
//	x, y, vx, vy = -7.0, 2.0, 0.0, 0.0
//	for i in range(30):
//	    gx, gy = x / 10.0, 2.0 * y
//	    vx, vy = 0.9*vx - 0.1*gx, 0.9*vy - 0.1*gy
//	    x, y = x + vx, y + vy
func TestMomentumOfTheBook(t *testing.T) {
	p := param("xy", []float64{-7, 2}, nil)
	o := NewMomentum([]*nn.Param[float64]{p}, 0.1, 0.9)
	for range 30 {
		x, y := p.Value.Data[0], p.Value.Data[1]
		p.Grad.Data[0] += x / 10
		p.Grad.Data[1] += 2 * y
		o.Step()
	}
	for i, want := range []float64{0.896413858493733, 0.08808560171506971} {
		if got := p.Value.Data[i]; math.Abs(got-want) > 1e-13 {
			t.Errorf("coordinate %d after 30 steps: %v, want %v", i, got, want)
		}
	}
}

// With α = 0 it is SGD, but for the rounding of the step; and both settings may
// change.
func TestMomentumSettings(t *testing.T) {
	a := param("a", []float32{0.3, -7}, nil)
	b := param("b", []float32{0.3, -7}, nil)
	o, sgd := NewMomentum([]*nn.Param[float32]{a}, 0.1, 0), NewSGD([]*nn.Param[float32]{b}, 0.1)
	for range 3 {
		copy(a.Grad.Data, []float32{0.7, 1e-3})
		copy(b.Grad.Data, []float32{0.7, 1e-3})
		before := slices.Clone(a.Value.Data)
		o.Step()
		sgd.Step()
		for i, v := range o.State()[0].Value.Data {
			if a.Value.Data[i] != before[i]+v || math.Abs(float64(a.Value.Data[i]-b.Value.Data[i])) > 1e-6 {
				t.Errorf("%v, with SGD %v", a.Value.Data, b.Value.Data)
			}
		}
	}
	o.LR, o.Rule.(*Momentum[float32]).Alpha = 0, 1
	before, v := slices.Clone(a.Value.Data), slices.Clone(o.State()[0].Value.Data)
	o.Step()
	for i := range v {
		if a.Value.Data[i] != before[i]+v[i] || o.State()[0].Value.Data[i] != v[i] {
			t.Errorf("with α = 1 and η = 0 the velocity went from %v to %v", v, o.State()[0].Value.Data)
		}
	}
}

// A velocity that nothing feeds ends at 0 and not among the subnormal numbers,
// where a step would be many times slower.
func TestMomentumDecaysToZero(t *testing.T) {
	p := param("W", []float32{0}, []float32{1})
	o := NewMomentum([]*nn.Param[float32]{p}, 1, 0.5)
	for range 128 {
		o.Step()
		if v := o.State()[0].Value.Data[0]; v != 0 && math.Abs(float64(v)) < 0x1p-126 {
			t.Fatalf("the velocity is the subnormal %x", v)
		}
	}
	if v := o.State()[0].Value.Data[0]; v != 0 {
		t.Errorf("the velocity is %x after 128 halvings of -1, want 0", v)
	}
}

func TestMomentumRefusesADuplicate(t *testing.T) {
	a := param[float64]("a", nil, nil)
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "parameter 1, a, is listed twice") {
			t.Errorf("panic %q, want one that names parameter 1, a", got)
		}
	}()
	NewMomentum([]*nn.Param[float64]{a, a}, 0.1, 0.9)
}

func TestMomentumAllocatesNothing(t *testing.T) {
	w := param("W", make([]float32, 1000), nil)
	o := NewMomentum([]*nn.Param[float32]{w}, 0.1, 0.9)
	if n := testing.AllocsPerRun(10, o.Step); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}
