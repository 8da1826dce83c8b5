package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestLookAt: functions that one step size does not fit. No right derivative may be
// called wrong, and none that is off by a hundredth right.
func TestLookAt(t *testing.T) {
	for _, test := range []struct {
		name  string
		f, df func(v float64) float64
		at    []float64
	}{
		{"sin 1000x", func(v float64) float64 { return math.Sin(1000 * v) }, func(v float64) float64 { return 1000 * math.Cos(1000*v) }, []float64{0.3, 1, 2.7}},
		{"e^50x", func(v float64) float64 { return math.Exp(50 * v) }, func(v float64) float64 { return 50 * math.Exp(50*v) }, []float64{-1, 0, 1}},
		{"1/x", func(v float64) float64 { return 1 / v }, func(v float64) float64 { return -1 / (v * v) }, []float64{1e-3, 0.5, -2, 1e3}},
		{"log x", math.Log, func(v float64) float64 { return 1 / v }, []float64{1e-5, 1e-3, 1, 50}},
		{"sqrt x", math.Sqrt, func(v float64) float64 { return 0.5 / math.Sqrt(v) }, []float64{1e-4, 1, 1e4}},
		{"x + 1e6", func(v float64) float64 { return v + 1e6 }, func(float64) float64 { return 1 }, []float64{0.1, 3}},
		{"x^5", func(v float64) float64 { return math.Pow(v, 5) }, func(v float64) float64 { return 5 * math.Pow(v, 4) }, []float64{0, -1.5, 20}},
		{"constant", func(float64) float64 { return 7 }, func(float64) float64 { return 0 }, []float64{0, 1}},
	} {
		for _, v := range test.at {
			t.Run(fmt.Sprintf("%s at %v", test.name, v), func(t *testing.T) {
				x := v
				f := &function{value: func() float64 { return test.f(x) }}
				want := test.df(v)
				scale := max(math.Abs(want), 1e-3)
				if got, l := f.judge(want, &x, scale, math.NaN()); got != right {
					t.Errorf("the derivative %v is judged %d: %+v", want, got, l)
				}
				if got, l := f.judge(want+scale/100, &x, scale, math.NaN()); got != wrong {
					t.Errorf("the derivative %v, and not %v, is judged %d: %+v", want+scale/100, want, got, l)
				}
				if x != v {
					t.Errorf("x is %v after the look, it was %v", x, v)
				}
			})
		}
	}
}

// TestCannotJudge: where no step gives a derivative, a gradient is neither right nor
// wrong.
func TestCannotJudge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := 0.5
	noisy := &function{value: func() float64 { return x + rng.Float64() }}
	if got, l := noisy.judge(1.5, &x, 1, math.NaN()); got != unknown {
		t.Errorf("of a function of noise, 1.5 is judged %d: %+v", got, l)
	}
	c := Case{Name: "Noise", Sample: []int{3}, New: func(*rand.Rand) nn.Layer[float64] { return &hashed{} }}
	found := false
	for _, f := range Layer(c).Failures() {
		if f.Clause == GradientOfX || f.Clause == AtKinks {
			t.Errorf("it is called wrong: %v", f)
		}
		found = found || f.Clause == Judgment
	}
	if !found {
		t.Error("nothing says that it cannot be judged")
	}
}

// hashed is x and noise of its bits, with the gradient of x alone.
type hashed struct{ x nn.Saved[float64] }

func (l *hashed) Forward(p *nn.Pass[float64], x array) array {
	l.x.Set(p, x)
	y := p.New(x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = v + float64(math.Float64bits(v)*0x9E3779B97F4A7C15>>40)/0x1p24
	}
	return y
}

func (l *hashed) Backward(p *nn.Pass[float64], dy array) array {
	nn.CheckShape(l, dy, l.x.Get(p, l).Shape)
	dx := p.New(dy.Shape...)
	copy(dx.Data, dy.Data)
	return dx
}

func (l *hashed) Params() []*nn.Param[float64] { return nil }

// TestSides: kinks that meet in one element, one an output.
func TestSides(t *testing.T) {
	x := 0.0
	// max(x, 0) and max(-x, 0): the sum is |x|, the difference x.
	for _, test := range []struct {
		name   string
		second float64 // the factor of the second
		g      float64
		want   verdict
	}{
		{"|x|, 0", 1, 0, right}, // what central differences say themselves
		{"|x|, 1", 1, 1, atKink},
		{"|x|, -1", 1, -1, atKink},
		{"|x|, 1.5", 1, 1.5, wrong},
		{"x, by the chain rule 0", -1, 0, atKink},
		{"x, 1", -1, 1, right},
		{"x, 2", -1, 2, atKink}, // both at their upper side
		{"x, 2.5", -1, 2.5, wrong},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &function{size: 1, terms: func() []float64 { return []float64{max(x, 0), test.second * max(-x, 0)} }}
			f.value = func() float64 { return f.terms()[0] + f.terms()[1] }
			got, l := f.judge(test.g, &x, 1, math.NaN())
			if got != test.want && !(got == atKink && test.want == right) {
				t.Errorf("judged %d, want %d: %+v", got, test.want, l)
			}
		})
	}
}

// TestAllAtKink: a network whose hidden units are all exactly at the kink, so that no
// difference is what the chain rule says; and a wrong gradient there.
func TestAllAtKink(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 20 {
		affine1, affine2 := nn.NewAffine[float64](4, 6, rng), nn.NewAffine[float64](6, 3, rng)
		clear(affine1.W.Value.Data)
		net := nn.NewSequential[float64](affine1, nn.NewReLU[float64](), affine2)
		x := tensor.New[float64](5, 4)
		fill(x, rng)
		r, err := Network("at kinks", net, nn.NewSoftmaxWithLoss[float64](), x, nn.Labels[float64](0, 1, 2, 0, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Err(); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	t.Run("a wrong gradient", func(t *testing.T) {
		affine1, affine2 := nn.NewAffine[float64](4, 6, rng), nn.NewAffine[float64](6, 3, rng)
		clear(affine1.W.Value.Data)
		x := tensor.New[float64](5, 4)
		fill(x, rng)
		labels := nn.Labels[float64](0, 1, 2, 0, 1)
		r, err := Network("at kinks", nn.NewSequential[float64](affine1, nn.NewReLU[float64](), affine2), nn.NewSoftmaxWithLoss[float64](), x, labels)
		if err != nil {
			t.Fatal(err)
		}
		other := nn.NewSequential[float64](affine1, &reluAt0{at0: 3}, affine2)
		if err := r.Check("3 at 0", other).Err(); err == nil {
			t.Error("a ReLU with the gradient 3 at 0 is accepted")
		}
	})
}
