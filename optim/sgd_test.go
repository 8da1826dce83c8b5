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

func param[T tensor.Float](name string, value, grad []T) *nn.Param[T] {
	p := nn.NewParam[T](name, len(value))
	copy(p.Value.Data, value)
	copy(p.Grad.Data, grad)
	return p
}

func TestSGDWorked(t *testing.T) {
	w := param("W", []float64{1, 2, -3, 4}, []float64{0.5, -2, 0, 4})
	b := param("b", []float64{10}, []float64{1})
	sgd := NewSGD([]*nn.Param[float64]{w, b}, 0.5)
	sgd.Step()
	if want := []float64{0.75, 3, -3, 2}; !slices.Equal(w.Value.Data, want) {
		t.Errorf("W = %v, want %v", w.Value.Data, want)
	}
	if b.Value.Data[0] != 9.5 {
		t.Errorf("b = %v, want 9.5", b.Value.Data[0])
	}
	if !slices.Equal(w.Grad.Data, make([]float64, 4)) || b.Grad.Data[0] != 0 {
		t.Errorf("the gradients are %v and %v after Step, want zeros", w.Grad.Data, b.Grad.Data)
	}
	// With nothing added to the gradients another step changes nothing.
	before := slices.Clone(w.Value.Data)
	sgd.Step()
	if !slices.Equal(w.Value.Data, before) {
		t.Errorf("a step with zero gradients moved W to %v", w.Value.Data)
	}
}

func TestSGDLearningRateMayChange(t *testing.T) {
	w := param("W", []float32{1}, []float32{1})
	sgd := NewSGD([]*nn.Param[float32]{w}, 0.25)
	sgd.Step()
	sgd.LR = 2
	w.Grad.Data[0] = 1
	sgd.Step()
	if w.Value.Data[0] != -1.25 {
		t.Errorf("W = %v, want 1 - 0.25 - 2 = -1.25", w.Value.Data[0])
	}
}

// Product and difference are rounded once.
func TestSGDIsFused(t *testing.T) {
	// Python's fractions: 1 + 2^-12 - (1 + 2^-12)·(1 - 2^-12) = 2^-12 + 2^-24.
	w := param("W", []float32{1 + 0x1p-12}, []float32{1 - 0x1p-12})
	NewSGD([]*nn.Param[float32]{w}, 1+0x1p-12).Step()
	if w.Value.Data[0] != 0x1p-12+0x1p-24 {
		t.Errorf("W = %x, want 0x1.001p-12", w.Value.Data[0])
	}
}

// The learning rate of a float32 is the float32 nearest to it.
func TestSGDRoundsTheLearningRateOnce(t *testing.T) {
	w := param("W", []float32{0}, []float32{1})
	NewSGD([]*nn.Param[float32]{w}, 0.1).Step()
	if w.Value.Data[0] != -float32(0.1) {
		t.Errorf("W = %v, want -0.1", w.Value.Data[0])
	}
}

func TestSGDLetsNaNThrough(t *testing.T) {
	w := param("W", []float64{1, 1}, []float64{math.NaN(), math.Inf(1)})
	NewSGD([]*nn.Param[float64]{w}, 0.1).Step()
	if v := w.Value.Data; !math.IsNaN(v[0]) || !math.IsInf(v[1], -1) {
		t.Errorf("W = %v, want [NaN -Inf]", v)
	}
}

func TestSGDKeepsItsOwnList(t *testing.T) {
	a, b := param("a", []float64{1}, []float64{1}), param("b", []float64{1}, []float64{1})
	list := []*nn.Param[float64]{a}
	sgd := NewSGD(list, 1)
	list[0] = b
	sgd.Step()
	if a.Value.Data[0] != 0 || b.Value.Data[0] != 1 {
		t.Errorf("a = %v, b = %v: the optimizer follows the caller's slice", a.Value.Data, b.Value.Data)
	}
}

// Step looks at Grad when it is called: what stands there then is consumed.
func TestSGDFollowsAReplacedGradient(t *testing.T) {
	w := param("W", []float64{1}, []float64{1})
	sgd := NewSGD([]*nn.Param[float64]{w}, 1)
	w.Grad = tensor.Of([]float64{5}, 1)
	sgd.Step()
	if w.Value.Data[0] != -4 || w.Grad.Data[0] != 0 {
		t.Errorf("W = %v with gradient %v, want -4 and 0", w.Value.Data, w.Grad.Data)
	}
}

func TestSGDRefusesADuplicate(t *testing.T) {
	a, b := param[float64]("a", nil, nil), param[float64]("b", nil, nil)
	defer func() {
		got := fmt.Sprint(recover())
		if !strings.Contains(got, "parameter 2, a, is listed twice") {
			t.Errorf("panic %q, want one that names parameter 2, a", got)
		}
	}()
	NewSGD([]*nn.Param[float64]{a, b, a}, 0.1)
}

// Two parameters of the same name are two parameters.
func TestSGDTakesEqualNames(t *testing.T) {
	a, b := param("W", []float64{1}, []float64{1}), param("W", []float64{1}, []float64{2})
	NewSGD([]*nn.Param[float64]{a, b}, 1).Step()
	if a.Value.Data[0] != 0 || b.Value.Data[0] != -1 {
		t.Errorf("W and W = %v and %v, want 0 and -1", a.Value.Data[0], b.Value.Data[0])
	}
}

func TestSGDWithoutParams(t *testing.T) {
	o := NewSGD[float64](nil, 0.1)
	if n := testing.AllocsPerRun(10, o.Step); n != 0 {
		t.Errorf("a step of nothing allocates %v times", n)
	}
}

func TestSGDAllocatesNothing(t *testing.T) {
	w := param("W", make([]float32, 1000), nil)
	sgd := NewSGD([]*nn.Param[float32]{w}, 0.1)
	if n := testing.AllocsPerRun(10, sgd.Step); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}
