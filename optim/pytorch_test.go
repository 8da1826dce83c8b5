package optim

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
)

// A trial is a case of testdata/pytorch.json.
type trial struct {
	name string
	lr   float64
	rule func() Rule[float64]
	set  func(o *Optimizer[float64])
}

func trials() []trial {
	sgd := func() Rule[float64] { return SGD[float64]{} }
	momentum := func() Rule[float64] { return &Momentum[float64]{Alpha: 0.9} }
	nesterov := func() Rule[float64] { return &Nesterov[float64]{Alpha: 0.9} }
	adaGrad := func() Rule[float64] { return &AdaGrad[float64]{Epsilon: 1e-10} }
	rmsProp := func() Rule[float64] { return &RMSProp[float64]{Beta: 0.99, Epsilon: 1e-8} }
	adam := func() Rule[float64] { return usualAdam[float64]() }
	set := func(decay, norm, value float64, decoupled bool) func(o *Optimizer[float64]) {
		return func(o *Optimizer[float64]) {
			o.Decay, o.ClipNorm, o.ClipValue, o.Decoupled = decay, norm, value, decoupled
		}
	}
	all := []trial{
		{"sgd", 0.05, sgd, set(0, 0, 0, false)},
		{"sgd decay", 0.05, sgd, set(0.1, 0, 0, false)},
		{"sgd clip norm", 0.05, sgd, set(0, 3, 0, false)},
		{"sgd clip value", 0.05, sgd, set(0, 0, 0.75, false)},
		{"sgd clip norm decay", 0.05, sgd, set(0.1, 3, 0, false)},
		{"momentum", 0.05, momentum, set(0, 0, 0, false)},
		{"momentum decay", 0.05, momentum, set(0.1, 0, 0, false)},
		{"nesterov", 0.05, nesterov, set(0, 0, 0, false)},
		{"nesterov decay clip norm", 0.05, nesterov, set(0.1, 3, 0, false)},
		{"adagrad", 0.1, adaGrad, set(0, 0, 0, false)},
		{"adagrad decay", 0.1, adaGrad, set(0.1, 0, 0, false)},
		{"rmsprop", 0.01, rmsProp, set(0, 0, 0, false)},
		{"rmsprop decay", 0.01, rmsProp, set(0.1, 0, 0, false)},
		{"adam", 0.01, adam, set(0, 0, 0, false)},
		{"adam decay", 0.01, adam, set(0.1, 0, 0, false)},
		{"adam large epsilon", 0.01, func() Rule[float64] { return &Adam[float64]{Beta1: 0.9, Beta2: 0.999, Epsilon: 0.1} }, set(0, 0, 0, false)},
		{"adamw", 0.01, adam, set(0.1, 0, 0, true)},
		{"adamw clip norm", 0.01, adam, set(0.1, 3, 0, true)},
		{"group without decay, at a tenth", 0.01, adam, func(o *Optimizer[float64]) {
			o.Decay, o.Decoupled = 0.1, true
			g := o.Group(Vectors(o.Params())...)
			g.Decay, g.Rate = 0, 0.1
		}},
		{"frozen vector", 0.05, sgd, func(o *Optimizer[float64]) { o.Group(Vectors(o.Params())...).Frozen = true }},
		{"momentum, step every=30 gamma=0.5", 0.05, func() Rule[float64] { return &Momentum[float64]{0.9, true} }, func(o *Optimizer[float64]) {
			o.Schedule = &StepDecay{30, 0.5}
		}},
	}
	for _, s := range []Schedule{
		&StepDecay{30, 0.5}, &Milestones{[]int{5, 50, 75}, 0.1}, &Linear{80, 0.25}, &Exponential{100, 0.01},
		&Cosine{100, 0}, &Cosine{100, 0.2}, &OneCycle{100, 0.3, 0.04, 4e-6}, &OneCycle{100, 0.25, 0.1, 0.001},
		&Warmup{10, &Cosine{90, 0}},
	} {
		all = append(all, trial{s.String(), 0.05, sgd, func(o *Optimizer[float64]) { o.Schedule = s }})
	}
	return all
}

// worst is how far from PyTorch's an optimizer is at worst, in units of 1e-13: of an
// element after 1, 10 or 100 steps.
func (c trial) worst(t *testing.T, want [][]float64, fault func(o *Optimizer[float64]) bool) (off float64, applies bool) {
	w, b := nn.NewParam[float64]("W", 2, 3), nn.NewParam[float64]("b", 3)
	copy(w.Value.Data, []float64{1, -2, 3, -4, 5, -6})
	copy(b.Value.Data, []float64{0.5, -0.25, 0.125})
	o := New([]*nn.Param[float64]{w, b}, c.lr, c.rule())
	c.set(o)
	if fault != nil && !fault(o) {
		return 0, false
	}
	state := int64(1) // of the generator in pytorch.py
	seen := 0
	for step := 1; step <= 100; step++ {
		for i := range 9 {
			state = (state*1103515245 + 12345) % (1 << 31)
			g := math.Ldexp(float64(state)/(1<<30)-1, i-4)
			if i < 6 {
				w.Grad.Data[i] = g
			} else {
				b.Grad.Data[i-6] = g
			}
		}
		o.Step()
		if step != 1 && step != 10 && step != 100 {
			continue
		}
		for i, v := range append(append([]float64(nil), w.Value.Data...), b.Value.Data...) {
			off = max(off, math.Abs(v-want[seen][i])/max(1, math.Abs(v))/1e-13)
		}
		seen++
	}
	return off, true
}

// faults are wrong optimizers. Each reports whether it is wrong for o.
var faults = []struct {
	name  string
	plant func(o *Optimizer[float64]) bool
}{
	{"a learning rate larger by 1e-9", func(o *Optimizer[float64]) bool { o.LR *= 1 + 1e-9; return true }},
	{"no decay", func(o *Optimizer[float64]) bool { had := o.Decay > 0; o.Decay = 0; return had }},
	{"decay where the other kind has it", func(o *Optimizer[float64]) bool {
		o.Decoupled = !o.Decoupled
		_, sgd := o.Rule.(SGD[float64]) // the same for it
		return o.Decay > 0 && !sgd
	}},
	{"no clipping", func(o *Optimizer[float64]) bool {
		had := o.ClipNorm+o.ClipValue > 0
		o.ClipNorm, o.ClipValue = 0, 0
		return had
	}},
	{"clipping of each element to the norm", func(o *Optimizer[float64]) bool {
		had := o.ClipNorm > 0
		o.ClipNorm, o.ClipValue = 0, o.ClipNorm
		return had
	}},
	{"the groups are one", func(o *Optimizer[float64]) bool {
		had := o.slots[1].group != nil
		o.slots[1].group = nil
		return had
	}},
	{"a schedule one step late", func(o *Optimizer[float64]) bool { o.Steps = 1; return o.Schedule != nil }},
	{"no schedule", func(o *Optimizer[float64]) bool { had := o.Schedule != nil; o.Schedule = nil; return had }},
	{"a corrected bias one step late", func(o *Optimizer[float64]) bool {
		o.Steps = 1
		_, adam := o.Rule.(*Adam[float64])
		return adam
	}},
	{"epsilon before the correction", func(o *Optimizer[float64]) bool {
		adam, ok := o.Rule.(*Adam[float64])
		if ok {
			adam.EarlyEpsilon = true
		}
		return ok && adam.Epsilon > 1e-3 // else it is next to nothing
	}},
	{"ten times epsilon", func(o *Optimizer[float64]) bool {
		switch r := o.Rule.(type) {
		case *Adam[float64]:
			r.Epsilon *= 10
		case *RMSProp[float64]:
			r.Epsilon *= 10
		case *AdaGrad[float64]:
			r.Epsilon *= 10
		default:
			return false
		}
		return true
	}},
	{"a mean over a little longer", func(o *Optimizer[float64]) bool {
		switch r := o.Rule.(type) {
		case *Adam[float64]:
			r.Beta2 += 1e-6
		case *RMSProp[float64]:
			r.Beta += 1e-6
		default:
			return false
		}
		return true
	}},
	{"a little more momentum", func(o *Optimizer[float64]) bool {
		switch r := o.Rule.(type) {
		case *Adam[float64]:
			r.Beta1 += 1e-6
		case *Momentum[float64]:
			r.Alpha += 1e-6
		case *Nesterov[float64]:
			r.Alpha += 1e-6
		default:
			return false
		}
		return true
	}},
	{"Momentum and Nesterov exchanged", func(o *Optimizer[float64]) bool {
		switch r := o.Rule.(type) {
		case *Momentum[float64]:
			o.Rule = &Nesterov[float64]{r.Alpha, r.LateRate}
		case *Nesterov[float64]:
			o.Rule = &Momentum[float64]{r.Alpha, r.LateRate}
		default:
			return false
		}
		return true
	}},
	{"the learning rate on the other side of the velocity", func(o *Optimizer[float64]) bool {
		r, ok := o.Rule.(*Momentum[float64])
		if ok {
			r.LateRate = !r.LateRate
		}
		return ok && o.Schedule != nil
	}},
}

// TestPyTorch: 100 steps with given gradients end where PyTorch's do, and those of
// wrong optimizers do not.
func TestPyTorch(t *testing.T) {
	file, err := os.ReadFile("testdata/pytorch.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name  string
		Steps [][]float64
	}
	if err := json.Unmarshal(file, &cases); err != nil {
		t.Fatal(err)
	}
	want := map[string][][]float64{}
	for _, c := range cases {
		want[c.Name] = c.Steps
	}
	all := trials()
	if len(all) != len(want) {
		t.Errorf("%d cases here and %d in the file", len(all), len(want))
	}
	noticed := map[string]int{}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			if want[c.name] == nil {
				t.Fatal("PyTorch has no such case")
			}
			if off, _ := c.worst(t, want[c.name], nil); !(off <= 1) {
				t.Errorf("off by %.2g, want 1e-13 or less", off*1e-13)
			}
			for _, f := range faults {
				off, applies := c.worst(t, want[c.name], f.plant)
				if applies && !(off > 100) {
					t.Errorf("%s is off by %.2g alone: it would pass unnoticed", f.name, off*1e-13)
				} else if applies {
					noticed[f.name]++
				}
			}
		})
	}
	for _, f := range faults {
		if noticed[f.name] == 0 {
			t.Errorf("the fault %q is in no case", f.name)
		}
	}
	t.Log(fmt.Sprint("faults noticed, by name: ", noticed))
}

// The form of the book, in its own words: v and w in the order of its class Nesterov.
func TestNesterovOfTheBook(t *testing.T) {
	const lr, momentum = 0.1, 0.9
	p := param("w", []float64{1}, nil)
	o := NewNesterov([]*nn.Param[float64]{p}, lr, momentum)
	w, v := 1.0, 0.0
	for range 100 {
		grad := 2 * w
		w += float64(momentum * momentum * v)
		w -= float64((1 + momentum) * lr * grad)
		v *= momentum
		v -= float64(lr * grad)
		p.Grad.Data[0] = 2 * p.Value.Data[0]
		o.Step()
		if math.Abs(p.Value.Data[0]-w) > 1e-14 {
			t.Fatalf("w = %v, in the words of the book %v", p.Value.Data[0], w)
		}
	}
}
