package optim

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Every optimizer of the table, stopped after two steps and continued by another one
// from its state, ends at the bits of one that was not.
func TestStateContinues(t *testing.T) {
	grads := [][]float64{{1, -2}, {0.5, 0.25}, {-3, 1}, {0.125, 2}}
	run := func(o *Optimizer[float64], p *nn.Param[float64], grads [][]float64) {
		for _, g := range grads {
			copy(p.Grad.Data, g)
			o.Step()
		}
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			start := func(value ...float64) (*nn.Param[float64], *Optimizer[float64]) {
				p := param("W", value, nil)
				o, err := Named(name, []*nn.Param[float64]{p})
				if err != nil {
					t.Fatal(err)
				}
				return p, o
			}
			whole, o := start(1, 2)
			run(o, whole, grads)

			half, first := start(1, 2)
			run(first, half, grads[:2])
			rest, second := start(half.Value.Data...)
			second.Steps = first.Steps
			for i, s := range first.State() {
				into := second.State()[i]
				if into.Name != s.Name || into.Param != rest {
					t.Fatalf("state %d is %q of %q, want %q", i, into.Name, into.Param.Name, s.Name)
				}
				copy(into.Value.Data, s.Value.Data)
			}
			run(second, rest, grads[2:])
			if !slices.Equal(rest.Value.Data, whole.Value.Data) {
				t.Errorf("continued from its state it ends at %v, without a stop at %v", rest.Value.Data, whole.Value.Data)
			}
			if o.Steps != 4 || second.Steps != 4 {
				t.Errorf("%d and %d steps were counted, want 4", o.Steps, second.Steps)
			}
			if whole.Value.Data[0] == 1 || math.IsNaN(whole.Value.Data[0]) {
				t.Errorf("four steps moved W to %v", whole.Value.Data)
			}
		})
	}
}

func TestNamedRefuses(t *testing.T) {
	_, err := Named[float32]("adm", nil)
	if err == nil || !strings.Contains(err.Error(), `one of sgd, momentum`) || !strings.Contains(err.Error(), `got "adm"`) {
		t.Errorf("error %v, want one that lists the optimizers", err)
	}
}

func TestNewRefuses(t *testing.T) {
	value := tensor.New[float32](2)
	for _, c := range []struct {
		name  string
		param *nn.Param[float32]
	}{
		{"nil", nil},
		{"no value", &nn.Param[float32]{Name: "w"}},
		{"no gradient", &nn.Param[float32]{Name: "w", Value: value}},
		{"a gradient of another shape", &nn.Param[float32]{Name: "w", Value: value, Grad: tensor.New[float32](3)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, "optim: parameter 0: want a Value and a Grad of one shape") {
					t.Errorf("panic %s, want one that names the parameter", got)
				}
			}()
			NewSGD([]*nn.Param[float32]{c.param}, 0.1)
		})
	}
}

// TestLearningRate: one that is none is refused when it is set, and when it is used.
func TestLearningRate(t *testing.T) {
	for _, test := range []struct {
		lr float64
		ok bool
	}{{0, true}, {1e-30, true}, {1, true}, {-1e-30, false}, {-1, false}, {math.NaN(), false}, {math.Inf(1), false}, {1e300, false}} {
		t.Run(fmt.Sprint(test.lr), func(t *testing.T) {
			refused := func(f func()) (yes bool) {
				defer func() { yes = recover() != nil }()
				f()
				return false
			}
			if got := refused(func() { NewSGD[float32](nil, test.lr) }); got == test.ok {
				t.Errorf("New refuses it: %t", got)
			}
			o := NewSGD[float32](nil, 0.1)
			o.LR = test.lr
			if got := refused(o.Step); got == test.ok {
				t.Errorf("Step refuses it: %t", got)
			}
		})
	}
}

// TestGroupOf: the last group that a parameter was put in, or none.
func TestGroupOf(t *testing.T) {
	in, out := param("W", []float64{1}, nil), param("b", []float64{1}, nil)
	o := NewSGD([]*nn.Param[float64]{in, out}, 0.1)
	o.Group(in)
	last := o.Group(in)
	for _, c := range []struct {
		name string
		of   *nn.Param[float64]
		want *Group
	}{{"in two", in, last}, {"in none", out, nil}, {"of another optimizer", param("W", []float64{1}, nil), nil}} {
		t.Run(c.name, func(t *testing.T) {
			if got := o.GroupOf(c.of); got != c.want {
				t.Errorf("got %p, want %p", got, c.want)
			}
		})
	}
}
