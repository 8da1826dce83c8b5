package optim

import (
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
)

// The path of the book's ch06/optimizer_compare_naive.py (Adam: lr 0.3) down
// f(x, y) = x²/20 + y² from (-7, 2), in Python:
//
//	w, m, v = [-7.0, 2.0], [0, 0], [0, 0]
//	for t in range(1, 31):
//	    g = [w[0]/10.0, 2.0*w[1]]
//	    for i in range(2):
//	        m[i] += (1-0.9)*(g[i]-m[i]); v[i] += (1-0.999)*(g[i]**2-v[i])
//	        # early, as the book has it:
//	        w[i] -= 0.3*math.sqrt(1-0.999**t)/(1-0.9**t)*m[i]/(math.sqrt(v[i])+eps)
//	        # or else, as the paper and PyTorch have it:
//	        w[i] -= 0.3*(m[i]/(1-0.9**t))/(math.sqrt(v[i]/(1-0.999**t))+eps)
//
// An epsilon of 0.1 tells the two places apart.
func TestAdamOfTheBook(t *testing.T) {
	for _, c := range []struct {
		name  string
		early bool
		eps   float64
		want  [2]float64
	}{
		{"the book's", true, 1e-7, [2]float64{0.13600685239498186, 0.31824537553721943}},
		{"PyTorch's", false, 1e-8, [2]float64{0.13601461732623255, 0.3182453888963097}},
		{"the book's, large", true, 0.1, [2]float64{-3.5228141902695125, -0.016049032684273344}},
		{"PyTorch's, large", false, 0.1, [2]float64{-0.6321662875305587, 0.304414132032349}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := param("xy", []float64{-7, 2}, nil)
			o := NewAdam([]*nn.Param[float64]{p}, 0.3)
			rule := o.Rule.(*Adam[float64])
			rule.Epsilon, rule.EarlyEpsilon = c.eps, c.early
			for range 30 {
				x, y := p.Value.Data[0], p.Value.Data[1]
				p.Grad.Data[0] += x / 10
				p.Grad.Data[1] += 2 * y
				o.Step()
			}
			for i, want := range c.want {
				if got := p.Value.Data[i]; math.Abs(got-want) > 1e-12 {
					t.Errorf("coordinate %d after 30 steps: %v, want %v", i, got, want)
				}
			}
		})
	}
}

func TestAdamAllocatesNothing(t *testing.T) {
	w := param("W", make([]float32, 1000), nil)
	if n := testing.AllocsPerRun(10, NewAdam([]*nn.Param[float32]{w}, 0.001).Step); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}

func TestPower(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 1000} {
		if got, want := power(0.999, n), math.Pow(0.999, float64(n)); math.Abs(got-want) > 1e-15 {
			t.Errorf("0.999^%d = %v, want %v", n, got, want)
		}
	}
}
