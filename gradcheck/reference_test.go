package gradcheck

import (
	"fmt"
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// compareNumerically compares the gradients got with central differences alone.
func compareNumerically(got []float64, f func() float64, x array) Array {
	var differences []nn.Difference
	for i := range x.Data {
		differences = append(differences, nn.CentralDifference(f, &x.Data[i], nn.DifferenceStep))
	}
	return compare(Array{Name: "x", Shape: x.Shape, Batch: 2}, got, nil, []Answer{centrally(&function{value: f}, x.Data, 1, differences, got)})
}

// TestKink looks at max(v, 0) around 0.
func TestKink(t *testing.T) {
	for _, test := range []struct {
		v, gradient float64
		kinks       int
		ok          bool
	}{
		{1, 1, 0, true},
		{1, 0.999, 0, false},
		{-1, 0, 0, true},
		{0, 0, 1, true}, // between the slopes 0 and 1
		{0, 1, 1, true},
		{0, 0.5, 0, true}, // what central differences say themselves
		{0, 1.1, 1, false},
		{0, -0.1, 1, false},
		{nn.DifferenceStep / 2, 1, 1, true},
		{nn.DifferenceStep / 2, 0, 1, false},
		{-nn.DifferenceStep / 2, 0, 1, true},
		{-nn.DifferenceStep / 2, 1, 1, false},
		{nn.DifferenceStep * 0.9, 1, 1, true},
		{nn.DifferenceStep / 3, 1, 1, true}, // where one of the two equations holds
		{-nn.DifferenceStep * 0.6, 0, 1, true},
		{-nn.DifferenceStep * 0.6, -0.3, 1, false},
		{-nn.DifferenceStep * 0.9, -0.05, 1, false},
	} {
		t.Run(fmt.Sprintf("gradient %v at %v", test.gradient, test.v), func(t *testing.T) {
			x := tensor.Of([]float64{test.v}, 1)
			a := compareNumerically([]float64{test.gradient}, func() float64 { return max(x.Data[0], 0) }, x)
			err := Report{Name: "max", Arrays: []Array{a}}.Err()
			if a.Kinks() != test.kinks || (err == nil) != test.ok {
				t.Errorf("%d kinks, %v; want %d, ok %v", a.Kinks(), err, test.kinks, test.ok)
			}
			if x.Data[0] != test.v {
				t.Errorf("x is %v after the comparison, it was %v", x.Data[0], test.v)
			}
		})
	}
}

func TestNoKink(t *testing.T) {
	// The rounding of f is none: a wrong gradient is wrong, however small.
	for i := range 50 {
		x := tensor.Of([]float64{float64(i) / 50}, 1)
		f := func() float64 { return 2.3 + 1.4e-6*x.Data[0] }
		if a := compareNumerically([]float64{4.2e-6}, f, x); a.Kinks() != 0 || a.Comparisons[0].MaxError <= Bound {
			t.Errorf("a gradient three times too large at %v: %+v", x.Data[0], a)
		}
	}
	// Curvature is none either, and excuses nothing.
	x := tensor.Of([]float64{0.1}, 1)
	cube := func() float64 { return 1e3 * x.Data[0] * x.Data[0] * x.Data[0] }
	if a := compareNumerically([]float64{30}, cube, x); a.Kinks() != 0 || !(a.Comparisons[0].MaxError <= Bound) {
		t.Errorf("x³: %+v", a)
	}
	if a := compareNumerically([]float64{30.01}, cube, x); a.Kinks() != 0 || a.Comparisons[0].MaxError <= Bound {
		t.Errorf("x³ with a wrong gradient: %+v", a)
	}
}

func TestRelativeErrorOfArrays(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		got, want []float64
		worst     float64
	}{
		{nil, nil, 0},
		{[]float64{1, 2}, []float64{1, 2}, 0},
		{[]float64{1, 2}, []float64{1, 4}, 0.5},
		{[]float64{0.001, 2}, []float64{0, 2}, 0.05}, // against a hundredth of the largest
		{[]float64{nan, 2}, []float64{1, 4}, nan},
		{[]float64{1, 4}, []float64{2, nan}, nan},
	} {
		if worst := RelativeError(test.got, test.want); worst != test.worst && !(math.IsNaN(worst) && math.IsNaN(test.worst)) {
			t.Errorf("RelativeError(%v, %v) = %v, want %v", test.got, test.want, worst, test.worst)
		}
	}
}

func TestRelativeError(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct{ g, n, scale, want float64 }{
		{0, 0, 0, 0},
		{0, 0, 1, 0},
		{1, 1, 1, 0},
		{1, 0, 1, 1},
		{2, 1, 2, 0.5},
		{1, -1, 1, 2},
		{0.001, 0, 1, 0.1}, // measured against a hundredth of the largest
		{nan, 1, nan, nan},
		{1, nan, nan, nan},
	} {
		if got := relative(test.g, test.n, test.scale); got != test.want && !(math.IsNaN(got) && math.IsNaN(test.want)) {
			t.Errorf("relative(%v, %v, %v) = %v, want %v", test.g, test.n, test.scale, got, test.want)
		}
	}
	// NaN must not pass as a small error, nor be hidden by a larger one.
	x := tensor.Of([]float64{1, 2, 3}, 3)
	sum := func() float64 { return x.Data[0] + x.Data[1] + x.Data[2] }
	for i := range x.Data {
		got := []float64{1, 1, 1}
		got[i] = nan
		a := compareNumerically(got, sum, x)
		r := Report{Name: "sum", Arrays: []Array{a}}
		if err := r.Err(); err == nil || !math.IsNaN(a.Comparisons[0].MaxError) || a.Comparisons[0].Worst.Index[0] != i {
			t.Errorf("a NaN at %d: %+v, %v", i, a, err)
		}
	}
}
