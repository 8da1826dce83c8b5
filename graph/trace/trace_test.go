package trace

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestRows: every kind of layer of package nn has a row and a formula, names differ, and
// each case makes its layer in both precisions.
func TestRows(t *testing.T) {
	kinds, names := map[string]bool{}, map[string]bool{}
	for _, r := range Rows() {
		t.Run(r.Name, func(t *testing.T) {
			if names[r.Name] {
				t.Error("the name is used twice")
			}
			names[r.Name] = true
			rng := rand.New(rand.NewPCG(1, 2))
			l := r.New(rng)
			kinds[nn.Kind(l)] = true
			if _, known := formulaOf(l); !known {
				t.Errorf("there is no formula of a %T", l)
			}
			for _, s := range append(slices.Clone(r.Real), r.Small) {
				if _, err := r.Of(s).NewFloat32(rng); err != nil {
					t.Errorf("in float32: %v", err)
				}
			}
		})
	}
	for _, kind := range nn.Kinds() {
		if !kinds[kind] {
			t.Errorf("there is no row of %s", kind)
		}
	}
}

type net = nn.Layer[float64]

// TestNetwork: what a drawing of a network needs is there: names, a group for each layer
// and for the loss, gradients, and one node for a parameter that is shared.
func TestNetwork(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	first := nn.NewAffine[float64](3, 3, rng)
	net := nn.NewNamed(
		nn.Named[float64]{Name: "In", Layer: first},
		nn.Named[float64]{Name: "Block", Layer: nn.NewSequential[float64](nn.NewReLU[float64](), nn.AffineOf(first.W, first.B))},
	)
	x, labels := tensor.Of([]float64{1, 2, 3, 4, 5, 6}, 2, 3), nn.Labels[float64](2, 0)
	loss := nn.NewSoftmaxWithLoss[float64]()
	g, err := Network(nil, net, loss, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	var inputs, groups []string
	for _, n := range g.Nodes() {
		if n.Op == "input" {
			inputs = append(inputs, n.Label)
		}
		path := ""
		for group := n.Group; group != nil; group = group.Outer {
			path = "/" + group.Name + path
		}
		if len(groups) == 0 || groups[len(groups)-1] != path {
			groups = append(groups, path)
		}
	}
	if want := []string{"x", "W", "b", "t"}; !slices.Equal(inputs, want) {
		t.Errorf("inputs %q, want %q", inputs, want)
	}
	if want := []string{"", "/In", "/Block/ReLU1", "/Block/Affine1", "/SoftmaxWithLoss"}; !slices.Equal(groups, want) {
		t.Errorf("groups %q, want %q", groups, want)
	}
	out, want := g.Output(), loss.Forward(nil, net.Forward(nil, x), labels)
	if out.Label != "loss" || math.Abs(out.Value[0]-want) > 1e-15*want {
		t.Errorf("%s is %v, want the loss %v", out.Label, out.Value, want)
	}
	nn.Backpropagate[float64](&nn.Pass[float64]{Keep: true}, net, loss, x, labels)
	for _, p := range net.Params() {
		for i, got := range g.Param(p).Grad {
			if want := p.Grad.Data[i]; math.Abs(got-want) > 1e-14*math.Abs(want) {
				t.Errorf("the gradient of %s at %d is %v, want %v", p.Name, i, got, want)
			}
		}
	}
}

// TestDropout: the graph has the mask of the step of the Pass, and none in evaluation.
func TestDropout(t *testing.T) {
	l := nn.NewDropout[float64](0.5, rand.New(rand.NewPCG(1, 2)))
	x := tensor.New[float64](4, 16)
	for i := range x.Data {
		x.Data[i] = float64(1 + i)
	}
	for _, test := range []struct {
		name string
		pass *nn.Pass[float64]
	}{
		{"step 3", &nn.Pass[float64]{Train: true, Step: 3}},
		{"step 4", &nn.Pass[float64]{Train: true, Step: 4}},
		{"evaluation", &nn.Pass[float64]{Step: 3}},
		{"nil", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, in, y, err := Layer(test.pass, l, x, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := l.Forward(test.pass, x).Data; !slices.Equal(y.Value, want) {
				t.Errorf("y is %v, want %v", y.Value, want)
			}
			if train := test.pass != nil && test.pass.Train; train != (in != y) {
				t.Errorf("there is a mask: %t, want %t", in != y, train)
			}
		})
	}
}

// wrong and around are layers whose formulas do not fit their shapes, unknown has none.
type wrong struct{ nn.ReLU[float64] }
type around struct{ nn.ReLU[float64] }
type unknown struct{ nn.ReLU[float64] }
type unknownLoss struct{ nn.SoftmaxWithLoss[float64] }

func TestErrors(t *testing.T) {
	Register(func(t *Tracer, _ *wrong, x Node) Node { return t.Add(x, t.Const(1)) })
	Register(func(t *Tracer, _ *around, x Node) Node { return t.Add(t.Layer(&nn.ReLU[float64]{}, x), t.Const(1)) })
	x, labels := tensor.Of([]float64{1, 2}, 1, 2), nn.Labels[float64](0)
	loss := nn.NewSoftmaxWithLoss[float64]()
	for _, test := range []struct {
		name   string
		net    net
		loss   nn.Loss[float64]
		x      *tensor.Tensor[float64]
		labels nn.Targets[float64]
		want   string
	}{
		{"a layer without a formula", nn.NewSequential[float64](&unknown{}), loss, x, labels, "there is no graph of a *trace.unknown; give its formula to trace.Register"},
		{"a loss without a formula", &nn.ReLU[float64]{}, &unknownLoss{}, x, labels, "there is no graph of a *trace.unknownLoss; give its formula to trace.RegisterLoss"},
		{"a wrong formula", &wrong{}, loss, x, labels, "the formula of a *trace.wrong: "},
		{"a wrong shape", &nn.Softmax[float64]{}, loss, tensor.New[float64](2, 2, 2), labels, "Softmax.Forward"},
		{"a wrong formula around a layer", &around{}, loss, x, labels, "the formula of a *trace.around: "},
		{"no targets", &nn.ReLU[float64]{}, loss, x, nn.Targets[float64]{}, "got neither values nor labels"},
		{"a wrong label", &nn.ReLU[float64]{}, loss, x, nn.Labels[float64](2), "the label of sample 0 is 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Network(nil, test.net, test.loss, test.x, test.labels)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
			_, unknown := errors.AsType[*UnknownError](err)
			if want := strings.HasPrefix(test.want, "there is no graph"); unknown != want {
				t.Errorf("%v is an UnknownError: %t, want %t", err, unknown, want)
			}
		})
	}
	t.Run("registered twice", func(t *testing.T) {
		defer func() {
			if e := recover(); e != "trace: Register: *trace.wrong has a formula already" {
				t.Errorf("got %v", e)
			}
		}()
		Register(func(t *Tracer, _ *wrong, x Node) Node { return x })
	})
	t.Run("another panic", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("a mistake of the program is hidden")
			}
		}()
		Network(nil, nil, nil, nil, labels)
	})
}

// TestLossLayer: the gradient of the loss times dy, in both precisions.
func TestLossLayer(t *testing.T) {
	l := LossLayer[float32](nn.NewMeanSquaredError[float32](), func(n int) nn.Targets[float32] {
		return nn.Values(tensor.New[float32](n, 2))
	})
	p := &nn.Pass[float32]{Keep: true}
	y := l.Forward(p, tensor.Of([]float32{1, 3}, 1, 2))
	dx := l.Backward(p, tensor.Of([]float32{2}, 1))
	if want := []float32{5}; !slices.Equal(y.Data, want) {
		t.Errorf("y is %v, want %v", y.Data, want)
	}
	if want := []float32{2, 6}; !slices.Equal(dx.Data, want) {
		t.Errorf("dx is %v, want %v", dx.Data, want)
	}
}

// TestTargets: of several kinds and for any number of samples.
func TestTargets(t *testing.T) {
	for _, n := range []int{0, 1, 5} {
		if got := labels(n, 6).Labels; len(got) != n {
			t.Errorf("%d labels, want %d", len(got), n)
		}
		d := float32Targets(distributions(n, 7)).Values
		for row := range n {
			var sum float32
			for _, v := range d.Data[row*7 : (row+1)*7] {
				sum += v
			}
			if sum != 1 {
				t.Errorf("row %d sums to %v, want 1", row, sum)
			}
		}
	}
	if got, want := oneHot(nn.Labels[float64](2, 0), 3), []float64{0, 0, 1, 1, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("one-hot rows %v, want %v", got, want)
	}
	a, b := float32Targets(values(2, 3)).Values.Data, values(2, 3).Values.Data
	for i := range a {
		if float64(a[i]) != b[i] {
			t.Errorf("value %d is %v in float32 and %v in float64", i, a[i], b[i])
		}
	}
}
