package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func TestEveryLayerPasses(t *testing.T) {
	for _, c := range Layers() {
		t.Run(c.Name, func(t *testing.T) {
			r := Layer(c)
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			if len(r.Arrays) == 0 {
				t.Error("nothing was compared")
			}
			for _, a := range r.Arrays {
				t.Logf("%-8s %4d elements, error %.1e, coverage %v, %d kinks", a.Name, a.Elements, a.MaxError, a.Coverage(), a.Kinks)
			}
			if r.Coverage() < 1 {
				t.Errorf("coverage %v: some gradients are 0 and prove nothing", r.Coverage())
			}
		})
	}
}

func TestEveryFaultIsCaught(t *testing.T) {
	tried := map[string]int{}
	for _, c := range Layers() {
		for _, f := range Faults() {
			planted, ok := Plant(f, c)
			if !ok {
				continue
			}
			tried[f.Name]++
			if Layer(planted).Err() == nil {
				t.Errorf("%s is not caught", planted.Name)
			}
		}
	}
	if len(tried) < 20 || len(tried) != len(Faults()) {
		t.Errorf("%d kinds of faults of %d were tried: %v", len(tried), len(Faults()), tried)
	}
}

// TestPlantingIsNoFault: it is the fault that is caught, not the way it is
// planted.
func TestPlantingIsNoFault(t *testing.T) {
	nothing := func(array, int) {}
	for _, c := range Layers() {
		for _, f := range []Fault{{Name: "none"}, inDX("nothing", nothing), inGradients("nothing", nothing)} {
			planted, _ := Plant(f, c)
			if err := Layer(planted).Err(); err != nil {
				t.Errorf("%s is caught: %v", planted.Name, err)
			}
		}
	}
}

// TestReasons: what a fault is reported as.
func TestReasons(t *testing.T) {
	for fault, want := range map[string]string{
		"dx: wrong sign":                         "(the sign)",
		"dx: 1/N missing":                        "(4 times too large)",
		"dx: last row stale":                     "(nothing arrives here)",
		"dx: shape of another":                   "dx has the shape (20) of no x, which is (4, 5)",
		"gradient: = in place of +=":             "relative error",
		"Backward writes into dy":                "Backward modifies dy",
		"Backward writes into x":                 "Backward modifies x",
		"Forward writes into x":                  "Forward modifies x",
		"Backward changes a parameter":           "changes the value of W",
		"Backward differs the second time":       "a second Backward returns another dx",
		"Forward without Keep disturbs Backward": "Forward without Keep writes state",
		"gradient: noise of 1e-5":                "Affine, gradient: noise of 1e-5: W[",
		"gradient: sum over the batch missing":   "relative error",
	} {
		i := indexOf(fault)
		if i < 0 {
			t.Errorf("there is no fault %q", fault)
			continue
		}
		planted, _ := Plant(Faults()[i], Layers()[0])
		if err := Layer(planted).Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want %q, got %v", fault, want, err)
		}
	}
}

func indexOf(fault string) int {
	for i, f := range Faults() {
		if f.Name == fault {
			return i
		}
	}
	return -1
}

// TestBrokenContract: layers that break a promise which no planted fault breaks.
func TestBrokenContract(t *testing.T) {
	type layer = nn.Layer[float64]
	made := 0 // differs from layer to layer, as it must not
	for want, test := range map[string]struct {
		of   Case
		make func(right layer) layer
	}{
		"Backward before Forward is refused without the layer's name": {relu, func(right layer) layer { return anonymous{right} }},
		"Backward after Reset is not refused":                         {relu, func(layer) layer { return &hoarder{} }},
		"a dy of another shape than y is not refused":                 {relu, func(layer) layer { return &hoarder{} }},
		"panic: boom": {relu, func(layer) layer { return bomb{} }},
		"evaluation: panic: runtime error: invalid memory":   {relu, func(right layer) layer { return &broken{Layer: right, nilPass: true} }},
		"Forward: the same layer and input give other bits":  {relu, func(right layer) layer { made++; return &broken{Layer: right, y: float64(made)} }},
		"Backward: the same layer and input give other bits": {relu, func(right layer) layer { made++; return &broken{Layer: right, dx: float64(made)} }},
		"Backward modifies y":                                {relu, func(right layer) layer { return &broken{Layer: right, keptY: true} }},
		"Forward gives other bits in a second step":          {relu, func(right layer) layer { return &broken{Layer: right, once: true} }},
		"Backward gives other bits in a second step":         {relu, func(right layer) layer { return &broken{Layer: right, lent: true} }},
		"N=0: y is (1)": {relu, func(right layer) layer { return &broken{Layer: right, empty: true} }},
		"BackwardParams and Backward differ in W":               {affine, func(right layer) layer { return lazy{right.(*nn.Affine[float64])} }},
		"Forward refuses x of shape (4, 6) as":                  {affine, func(right layer) layer { return &broken{Layer: right, blames: true} }},
		"x of shape (4, 6) is refused without the layer's name": {affine, func(right layer) layer { return anonymous{right} }},
	} {
		c, right := test.of, test.of.New
		c.New = func(rng *rand.Rand) nn.Layer[float64] { return test.make(right(rng)) }
		err := Layer(c).Err()
		if err != nil && strings.HasSuffix(want, "in a second step") && strings.Contains(err.Error(), "NaN") {
			continue // with -tags poison the first step shows it
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	c := affine
	c.Refuses = append(c.Refuses, []int{batch, 5})
	if err := Layer(c).Err(); err == nil || !strings.Contains(err.Error(), "x of shape (4, 5) is not refused") {
		t.Errorf("a shape that is not refused: %v", err)
	}
}

var affine, relu = Layers()[0], Layers()[1]

// broken is a right layer but for what is set.
type broken struct {
	nn.Layer[float64]
	y, dx   float64 // added to the first element of y or dx, if not 0
	nilPass bool    // Forward reads p without asking whether it is nil
	keptY   bool    // Backward clears y
	once    bool    // Forward counts on zeros in what it is lent
	lent    bool    // and so does Backward
	empty   bool    // y of no samples has one
	blames  bool    // refuses another shape than came

	last array
}

func (l *broken) Forward(p *nn.Pass[float64], x array) array {
	if l.nilPass && p.Keep {
		l.last = nil
	}
	if l.blames && x.Shape[len(x.Shape)-1] == 6 {
		panic(&tensor.ShapeError{Op: "Affine", Want: "another", Got: nil})
	}
	if l.empty && x.Shape[0] == 0 {
		return p.New(1)
	}
	y := l.Layer.Forward(p, x)
	if l.once {
		y = l.add(p, y)
	}
	if l.y != 0 {
		y.Data[0] += l.y
	}
	if p != nil && p.Keep {
		l.last = y
	}
	return y
}

func (l *broken) Backward(p *nn.Pass[float64], dy array) array {
	dx := l.Layer.Backward(p, dy)
	if l.lent {
		dx = l.add(p, dx)
	}
	if l.dx != 0 {
		dx.Data[0] += l.dx
	}
	if l.keptY {
		clear(l.last.Data)
	}
	return dx
}

// add adds x to lent memory as if that were 0.
func (l *broken) add(p *nn.Pass[float64], x array) array {
	sum := p.New(x.Shape...)
	for i, v := range x.Data {
		sum.Data[i] += v
	}
	return sum
}

func (l *broken) String() string { return fmt.Sprint(l.Layer) }

// lazy leaves everything to Backward.
type lazy struct{ *nn.Affine[float64] }

func (lazy) BackwardParams(*nn.Pass[float64], array) {}

type anonymous struct{ nn.Layer[float64] }

func (a anonymous) Forward(p *nn.Pass[float64], x array) array {
	defer a.rename()
	return a.Layer.Forward(p, x)
}

func (a anonymous) Backward(p *nn.Pass[float64], dy array) array {
	defer a.rename()
	return a.Layer.Backward(p, dy)
}

func (anonymous) rename() {
	switch e := recover().(type) {
	case nil:
	case *tensor.ShapeError:
		panic(&tensor.ShapeError{Op: "it", Want: e.Want, Got: e.Got})
	default:
		panic("wrong")
	}
}

func (anonymous) String() string { return "Nameless" }

// hoarder doubles x and never asks whether its Backward may run.
type hoarder struct{}

func (l *hoarder) Forward(p *nn.Pass[float64], x array) array {
	y := p.New(x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = 2 * v
	}
	return y
}

func (l *hoarder) Backward(p *nn.Pass[float64], dy array) array { return l.Forward(p, dy) }

func (l *hoarder) Params() []*nn.Param[float64] { return nil }

type bomb struct{ nn.Layer[float64] }

func (bomb) Params() []*nn.Param[float64] { panic("boom") }

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
		x := tensor.Of([]float64{test.v}, 1)
		a := compare("x", []float64{test.gradient}, func() float64 { return max(x.Data[0], 0) }, x, false)
		a.Batch = 2
		err := Report{Name: "max", Arrays: []Array{a}}.Err()
		if a.Kinks != test.kinks || (err == nil) != test.ok {
			t.Errorf("gradient %v at %v: %d kinks, %v; want %d, ok %v", test.gradient, test.v, a.Kinks, err, test.kinks, test.ok)
		}
		if x.Data[0] != test.v {
			t.Errorf("x is %v after the comparison, it was %v", x.Data[0], test.v)
		}
	}
	// Neither is the rounding of f: a wrong gradient is wrong, however small.
	for i := range 50 {
		x := tensor.Of([]float64{float64(i) / 50}, 1)
		f := func() float64 { return 2.3 + 1.4e-6*x.Data[0] }
		if a := compare("x", []float64{4.2e-6}, f, x, true); a.Kinks != 0 || a.MaxError <= Bound {
			t.Errorf("a gradient three times too large at %v: %+v", x.Data[0], a)
		}
	}
	// Curvature is no kink, and excuses nothing.
	x := tensor.Of([]float64{0.1}, 1)
	cube := func() float64 { return 1e3 * x.Data[0] * x.Data[0] * x.Data[0] }
	if a := compare("x", []float64{30}, cube, x, true); a.Kinks != 0 || !(a.MaxError <= Bound) {
		t.Errorf("x³: %+v", a)
	}
	if a := compare("x", []float64{30.01}, cube, x, true); a.Kinks != 0 || a.MaxError <= Bound {
		t.Errorf("x³ with a wrong gradient: %+v", a)
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
		a := compare("x", got, sum, x, true)
		r := Report{Name: "sum", Arrays: []Array{a}}
		if err := r.Err(); err == nil || !math.IsNaN(r.MaxError()) || a.Worst.Index[0] != i {
			t.Errorf("a NaN at %d: %+v, %v", i, a, err)
		}
	}
}

// TestNetwork checks a small network; the command checks the book's.
func TestNetwork(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
	x, labels := Wake(net, 3, rng)
	r := Network("dense", net, x, labels)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if r.Coverage() != 1 || r.NonZero() != 1 || len(r.Arrays) != 4 || r.Arrays[0].Elements != 31*12 {
		t.Errorf("coverage %v, %v: %+v", r.Coverage(), r.NonZero(), r.Arrays)
	}
	if r.Numerical <= 0 || r.Backprop <= 0 || r.Speedup() != r.Numerical.Seconds()/r.Backprop.Seconds() {
		t.Errorf("central differences took %v, backpropagation %v: %v times", r.Numerical, r.Backprop, r.Speedup())
	}

	// Each unit is awake on one sample at least and asleep on another.
	h := net.Layers()[0].Layer.Forward(nil, x)
	for j := range 12 {
		awake := 0
		for i := range 3 {
			if h.Data[i*12+j] > 0 {
				awake++
			}
		}
		if awake == 0 || awake == 3 {
			t.Errorf("unit %d is awake on %d of 3 samples", j, awake)
		}
	}
}

// TestNetworkFaults plants faults into a layer of the network.
func TestNetworkFaults(t *testing.T) {
	for _, name := range []string{"gradient: last row stale", "gradient: one element off by 0.1 %", "gradient: noise of 1e-5", "gradient: forgotten", "dx: wrong sign"} {
		rng := rand.New(rand.NewPCG(1, 2))
		net := nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
		x, labels := Wake(net, 3, rng)
		f := Faults()[indexOf(name)]
		layers := net.Layers()
		net.Sequential = nn.NewSequential(layers[0].Layer, layers[1].Layer, nn.Layer[float64](&faulty{Layer: layers[2].Layer, fault: f}))
		if Network("faulty", net, x, labels).Err() == nil {
			t.Errorf("%s in Affine2 is not caught", name)
		}
	}
}

// TestSleepingUnit: a unit that no sample wakes hides any fault in its row, and
// the coverage says so.
func TestSleepingUnit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
	x, labels := Wake(net, 3, rng)
	net.Params()[1].Value.Data[7] = -100
	r := Network("one asleep", net, x, labels)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if want := 11.0 / 12; r.Coverage() != want {
		t.Errorf("coverage %v, want %v", r.Coverage(), want)
	}
}
