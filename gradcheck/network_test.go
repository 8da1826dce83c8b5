package gradcheck

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

type layer = nn.Layer[float64]

// small returns a network of 31, 12 and 5 units, and samples that activate all.
func small() (net *nn.TwoLayerNet[float64], x array, t nn.Targets[float64]) {
	rng := rand.New(rand.NewPCG(1, 2))
	net = nn.NewTwoLayerNet[float64](31, 12, 5, 0.1, rng)
	x, labels := Wake(net, 3, rng)
	return net, x, nn.Labels[float64](labels...)
}

// mustNetwork is Network for one that is correct.
func mustNetwork(t *testing.T, net layer, loss nn.Loss[float64], x array, targets nn.Targets[float64]) NetworkReport {
	t.Helper()
	r, err := Network("it", net, loss, x, targets)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	return r
}

// TestNetworkProgress: steps are done until all are.
func TestNetworkProgress(t *testing.T) {
	net, x, labels := small()
	last, of := 0, 0
	_, err := Network("it", net.Sequential, net.Last, x, labels, func(done, total int) {
		if done <= last || done > total || of != 0 && total != of {
			t.Errorf("%d of %d steps after %d of %d", done, total, last, of)
		}
		last, of = done, total
	})
	if err != nil {
		t.Fatal(err)
	}
	if last == 0 || last != of {
		t.Errorf("%d of %d steps at the end", last, of)
	}
	empty := nn.NewSequential[float64]()
	if _, err := Network("empty", empty, net.Last, x, labels, func(done, total int) { t.Errorf("%d of %d steps", done, total) }); err != nil {
		t.Error(err)
	}
}

// TestNetwork checks a small network; the command checks the book's.
func TestNetwork(t *testing.T) {
	net, x, labels := small()
	r := mustNetwork(t, net.Sequential, net.Last, x, labels)
	if r.NonzeroShare() != 1 || r.NonzeroOfAll() != 1 {
		t.Errorf("nonzero shares %v and %v, want 1", r.NonzeroShare(), r.NonzeroOfAll())
	}
	if want := 31*12 + 12 + 12*5 + 5; len(r.Arrays) != 5 || r.Arrays[1].Elements != 31*12 || r.Parameters != want {
		t.Errorf("%d parameters, want %d: %+v", r.Parameters, want, r.Arrays)
	}
	for _, a := range r.Arrays {
		if worst, compared := a.Error(ComplexStep); worst > 1e-13 || compared == a.Result {
			t.Errorf("%s: error %.1e against the complex step, more than 1e-13", a.Name, worst)
		}
	}
	if r.Numerical <= 0 || r.Backprop <= 0 || r.Speedup() != r.Numerical.Seconds()/r.Backprop.Seconds() {
		t.Errorf("central differences took %v, backpropagation %v: %v times", r.Numerical, r.Backprop, r.Speedup())
	}
	if err := r.Check("again", net.Sequential).Err(); err != nil {
		t.Errorf("the same network again: %v", err)
	}
	net.Params()[2].Value.Data[0] += 1e-3
	wantError(t, r.Check("other", net.Sequential).Err(), "other: gradient of parameter: W1[")

	for _, p := range net.Params() {
		if slices.ContainsFunc(p.Grad.Data, func(g float64) bool { return g != 0 }) {
			t.Errorf("the Grad of %s was 0, and is not", p.Name)
		}
	}
}

// TestLargeNetwork: every fourth element of a large array is moved, and no other.
func TestLargeNetwork(t *testing.T) {
	net, x, labels := small()
	defer func(old int) { work = old }(work)
	work = 100 * (31*12 + 12 + 12*5 + 5)
	r := mustNetwork(t, net.Sequential, net.Last, x, labels)
	w1 := r.Arrays[1]
	for i, want := range []int{31 * 12, 31 * 12 / 4, 31 * 12 / 4} {
		if c := w1.Comparisons[i]; c.Elements != want {
			t.Errorf("%s: %d elements, want %d", c.Reference, c.Elements, want)
		}
	}
	for _, element := range []int{4, 5} {
		got := slices.Clone(r.gradients[0])
		got[element] *= 2
		a := compare(r.params[0], got, nil, r.answers[0])
		if found, want := a.Comparisons[CentralDifference].wrong(), element == 4; found != want {
			t.Errorf("a wrong element %d is found: %t, want %t", element, found, want)
		}
	}
}

// TestWake: each unit is active on one sample at least, and not on another.
func TestWake(t *testing.T) {
	net, x, _ := small()
	h := net.Layers()[0].Layer.Forward(nil, x)
	for j := range 12 {
		active := 0
		for i := range 3 {
			if h.Data[i*12+j] > 0 {
				active++
			}
		}
		if active == 0 || active == 3 {
			t.Errorf("unit %d is active on %d of 3 samples", j, active)
		}
	}
}

// TestInactiveUnit: a unit that is active on no sample hides any mistake in its row, and
// the nonzero share shows it.
func TestInactiveUnit(t *testing.T) {
	net, x, labels := small()
	net.Params()[1].Value.Data[7] = -100
	r := mustNetwork(t, net, net.Last, x, labels)
	if want := 11.0 / 12; r.NonzeroShare() != want {
		t.Errorf("nonzero share %v, want %v", r.NonzeroShare(), want)
	}
}

// TestNetworkOfAnyKind: nested layers, shared parameters, dropout, other losses, and
// layers of other packages.
func TestNetworkOfAnyKind(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := tensor.New[float64](5, 6)
	fill(x, rng)
	labels := nn.Labels[float64](0, 1, 2, 3, 0)
	values := tensor.New[float64](5, 4)
	fill(values, rng)
	first := nn.NewAffine[float64](6, 6, rng)
	net := nn.NewSequential[float64](first, nn.NewSigmoid[float64](), nn.NewDropout[float64](0.5, rng),
		nn.NewSequential[float64](nn.AffineOf(first.W, first.B), nn.NewSoftmax[float64]()), nn.NewAffine[float64](6, 4, rng))

	t.Run("nested", func(t *testing.T) {
		r := mustNetwork(t, net, nn.NewSoftmaxWithLoss[float64](), x, labels)
		var got []string
		for _, a := range r.Arrays {
			got = append(got, a.Name)
		}
		if want := []string{"loss", "Affine1.W", "Affine1.b", "Affine2.W", "Affine2.b"}; !slices.Equal(got, want) {
			t.Errorf("arrays %v, want %v", got, want)
		}
	})
	t.Run("values", func(t *testing.T) {
		mustNetwork(t, net, nn.NewMeanSquaredError[float64](), x, nn.Values(values))
	})
	t.Run("a layer of another package", func(t *testing.T) {
		trace.Register(func(t *trace.Tracer, _ *unguarded, x trace.Node) trace.Node { return t.Add(x, x) })
		net := nn.NewSequential[float64](nn.NewAffine[float64](6, 4, rng), &unguarded{})
		mustNetwork(t, net, nn.NewSoftmaxWithLoss[float64](), x, labels)
	})
	t.Run("float32", func(t *testing.T) {
		r := mustNetwork(t, net, nn.NewSoftmaxWithLoss[float64](), x, labels)
		single, err := nn.Convert[float32, float64](net)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Float32(single, nn.NewSoftmaxWithLoss[float32](), float32Of(x), nn.Labels[float32](labels.Labels...)); err != nil {
			t.Error(err)
		}
		if err := r.Err(); err != nil {
			t.Error(err)
		}
		for _, a := range r.Arrays[1:] {
			if a.Float32 == nil || a.Float32.Error == 0 {
				t.Errorf("%s: %+v in float32", a.Name, a.Float32)
			}
		}
		single.Params()[0].Value.Data[0] *= 2
		r.Float32(single, nn.NewSoftmaxWithLoss[float32](), float32Of(x), nn.Labels[float32](labels.Labels...))
		wantError(t, r.Err(), "in float32")
		wantError(t, r.Float32(nn.NewReLU[float32](), nil, nil, nn.Targets[float32]{}), "0 parameters in float32, 4 in float64")
	})
	for _, test := range []struct {
		name    string
		net     layer
		x       array
		targets nn.Targets[float64]
		want    string
	}{
		{"a layer without a formula", nn.NewSequential[float64](first, &plain{}), x, labels, "there is no graph of a *gradcheck.plain; give its formula to trace.Register"},
		{"a wrong shape", net, tensor.New[float64](5, 7), labels, "want (N, 6) or (6), got (5, 7)"},
		{"an infinite input", net, tensor.Of(slices.Repeat([]float64{math.Inf(1)}, 30), 5, 6), labels, "gradcheck: the loss is NaN"},
		{"too few labels", net, x, nn.Labels[float64](0, 1), "SoftmaxWithLoss.Forward(labels): want (5), got (2)"},
		{"a label out of range", net, x, nn.Labels[float64](0, 4, 0, 0, 0), "the label of sample 1 is 4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Network("", test.net, nn.NewSoftmaxWithLoss[float64](), test.x, test.targets)
			wantError(t, err, test.want)
		})
	}
}
