package nn

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func TestTwoLayerNetParams(t *testing.T) {
	net := NewTwoLayerNet[float64](7, 5, 3, 0.01, newRand(60))
	for i, want := range []struct {
		name  string
		shape []int
	}{
		{"W1", []int{7, 5}}, {"b1", []int{5}}, {"W2", []int{5, 3}}, {"b2", []int{3}},
	} {
		p := net.Params()[i]
		if p.Name != want.name || !slices.Equal(p.Value.Shape, want.shape) || !slices.Equal(p.Grad.Shape, want.shape) {
			t.Errorf("parameter %d is %s of %v, want %s of %v", i, p.Name, p.Value.Shape, want.name, want.shape)
		}
	}
	var names []string
	for _, l := range net.Layers() {
		names = append(names, l.Name)
	}
	if !slices.Equal(names, []string{"Affine1", "ReLU1", "Affine2"}) {
		t.Errorf("layers %v, want Affine1, ReLU1, Affine2", names)
	}
	// One stream of random numbers, W1 first.
	rng := newRand(60)
	for _, i := range []int{0, 2} {
		want := make([]float64, len(net.Params()[i].Value.Data))
		normal(want, 0.01, rng)
		sameBits(t, net.Params()[i].Name, net.Params()[i].Value, of(want, net.Params()[i].Value.Shape...))
		sameBits(t, "bias", net.Params()[i+1].Value, tensor.New[float64](net.Params()[i+1].Value.Shape...))
	}
}

// Its numbers, worked by hand: x (1, 2) → (1, 2) → ReLU → (1, 2).
func TestTwoLayerNetWorked(t *testing.T) {
	net := NewTwoLayerNet[float64](2, 2, 2, 0.01, newRand(61))
	for i, v := range [][]float64{{1, -1, 2, 1}, {0.5, 0}, {1, 0, 3, 1}, {0, math.Ln2}} {
		copy(net.Params()[i].Value.Data, v)
	}
	// Affine1: 1·1+1·2+0.5 = 3.5, -1·1+1·1+0 = 0; ReLU: 3.5, 0; Affine2: 3.5, ln 2.
	x := of([]float64{1, 1}, 1, 2)
	sameBits(t, "logits", net.Predict(x), of([]float64{3.5, math.Ln2}, 1, 2))
	near(t, "loss", net.Loss(x, []int{0}), math.Log(math.Exp(3.5)+2)-3.5, 1e-15)
	if a, b := net.Accuracy(x, []int{0}), net.Accuracy(x, []int{1}); a != 1 || b != 0 {
		t.Errorf("Accuracy %v and %v, want 1 and 0", a, b)
	}
	// y = (e^3.5, 2)/(e^3.5 + 2); dx of the loss is y - (1, 0) = (-q, q).
	q := 2 / (math.Exp(3.5) + 2)
	g := net.Gradient(x, []int{0})
	for name, want := range map[string][]float64{
		"b2": {-q, q},
		"W2": {-3.5 * q, 3.5 * q, 0, 0}, // the second unit is 0
		"b1": {-q, 0},                   // and its ReLU, at exactly 0, is shut
		"W1": {-q, 0, -q, 0},
	} {
		for i, v := range want {
			near(t, "gradient of "+name, g[name].Data[i], v, 1e-15)
		}
	}
}

func TestGradientAgainstNumericalGradient(t *testing.T) {
	net := NewTwoLayerNet[float64](6, 5, 4, 1, newRand(62))
	for _, i := range []int{1, 3} { // no bias 0
		copy(net.Params()[i].Value.Data, random[float64](newRand(63), 5).Data)
	}
	x, labels := random[float64](newRand(64), 9, 6), []int{0, 1, 2, 3, 0, 1, 2, 3, 0}
	ours, theirs := net.Gradient(x, labels), net.NumericalGradient(x, labels)
	names := slices.Sorted(maps.Keys(ours))
	if !slices.Equal(names, []string{"W1", "W2", "b1", "b2"}) || !slices.Equal(slices.Sorted(maps.Keys(theirs)), names) {
		t.Fatalf("gradients of %v, want W1, W2, b1 and b2", names)
	}
	awake, all := 0, 0
	for _, name := range names {
		a, n := ours[name], theirs[name]
		if !slices.Equal(a.Shape, n.Shape) {
			t.Fatalf("%s: shapes %v and %v", name, a.Shape, n.Shape)
		}
		scale := 0.
		for _, v := range a.Data {
			scale = max(scale, math.Abs(v))
		}
		for i, v := range a.Data {
			all++
			if v != 0 {
				awake++
			}
			// Truncation: h²/6 = 2e-9 times a third derivative below 1.
			if diff := math.Abs(v - n.Data[i]); !(diff <= 1e-6*max(math.Abs(v), scale/100)) {
				t.Errorf("%s%v: %.12g by backpropagation, %.12g by differences", name, a.Index(i), v, n.Data[i])
			}
		}
	}
	if awake < all*9/10 {
		t.Errorf("only %d of %d gradients are not 0: this proves little", awake, all)
	}
}

// Gradient is a question: it leaves Grad, and the values, as they were.
func TestGradientLeavesGradAlone(t *testing.T) {
	net := NewTwoLayerNet[float64](3, 4, 2, 1, newRand(65))
	var tensors, grads, values []*tensor.Tensor[float64]
	for i, p := range net.Params() {
		copy(p.Grad.Data, random[float64](newRand(uint64(i)), len(p.Grad.Data)).Data)
		tensors = append(tensors, p.Grad)
		grads, values = append(grads, p.Grad.Clone()), append(values, p.Value.Clone())
	}
	check := func(when string) {
		t.Helper()
		for i, p := range net.Params() {
			if p.Grad != tensors[i] {
				t.Errorf("%s: Grad of %s is another tensor", when, p.Name)
			}
			sameBits(t, when+", Grad of "+p.Name, p.Grad, grads[i])
			sameBits(t, when+", Value of "+p.Name, p.Value, values[i])
		}
	}
	x := random[float64](newRand(66), 5, 3)
	first := net.Gradient(x, []int{0, 1, 0, 1, 0})
	check("after Gradient")
	second := net.Gradient(x, []int{0, 1, 0, 1, 0})
	for name, g := range first {
		sameBits(t, "Gradient once more, "+name, second[name], g)
	}
	net.NumericalGradient(x, []int{0, 1, 0, 1, 0})
	check("after NumericalGradient")
	mustPanic(t, "the label of sample 4 is 2", func() { net.Gradient(x, []int{0, 1, 0, 1, 2}) })
	check("after a wrong label")
}

// What Gradient returns is what a training step adds to Grad.
func TestGradientIsTheTrainingStep(t *testing.T) {
	net := NewTwoLayerNet[float32](3, 4, 2, 1, newRand(67))
	x, labels := random[float32](newRand(68), 5, 3), []int{0, 1, 0, 1, 0}
	want := net.Gradient(x, labels)
	loss, p := NewSoftmaxWithLoss[float32](), training[float32]()
	got := loss.Forward(p, net.Forward(p, x), Labels[float32](labels...))
	net.Backward(p, loss.Backward(p))
	for _, w := range net.Params() {
		sameBits(t, "gradient of "+w.Name, w.Grad, want[w.Name])
	}
	if want := net.Loss(x, labels); got != want {
		t.Errorf("loss %v in training, %v asked", got, want)
	}
}
