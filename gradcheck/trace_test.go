package gradcheck

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestTrace: what a drawing of a network needs is there: names, a group for each
// layer and for the loss, gradients, and one node for a parameter that is shared.
func TestTrace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	type layer = nn.Layer[float64]
	first := nn.NewAffine[float64](3, 3, rng)
	net := nn.NewNamed(
		nn.Named[float64]{Name: "In", Layer: first},
		nn.Named[float64]{Name: "Block", Layer: nn.NewSequential(layer(nn.NewReLU[float64]()), layer(nn.AffineOf(first.W, first.B)))},
	)
	x, labels := tensor.Of([]float64{1, 2, 3, 4, 5, 6}, 2, 3), []int{2, 0}
	g, err := Trace(net, x, labels)
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
	out := g.Output()
	if loss := nn.NewSoftmaxWithLoss[float64]().Forward(nil, net.Forward(nil, x), labels); out.Label != "loss" || relative(out.Value[0], loss, loss) > 1e-15 {
		t.Errorf("%s is %v, want the loss %v", out.Label, out.Value, loss)
	}
	p := &proof{x: x, t: labels}
	got := p.backpropagation(net)
	for i, n := range []node{g.Nodes()[1], g.Nodes()[2]} {
		if a := judge(n.Label, got[i], n.Shape, 2, true, nil, testimony{by: Graph, values: n.Grad}); a.Against[0].wrong() {
			t.Errorf("the gradient of %s: %+v", n.Label, a)
		}
	}
}

// TestPinned: at 0 the gradient of ReLU is 0. Another one between the one-sided
// derivatives is no mistake, but not what this library has settled on.
func TestPinned(t *testing.T) {
	c := relu
	c.New = func(*rand.Rand) nn.Layer[float64] { return &reluOne{} }
	c.Graph = func(g *graph.Graph[float64], x node, _ []node) node { return graph.ReLU(g, x) }
	r := Layer(c)
	if !r.Contradicts(Graph) || !r.Contradicts(ComplexStep) || r.Contradicts(CentralDifference) {
		t.Errorf("a ReLU with the gradient 1 at 0: %v", r.Err())
	}
	c.Graph = nil
	if r := Layer(c); r.Kinks() != 20 {
		t.Errorf("%d kinks, want 20", r.Kinks())
	}
}

// reluOne is a ReLU whose gradient at 0 is 1.
type reluOne struct {
	nn.ReLU[float64]
	x nn.Kept[float64]
}

func (l *reluOne) Forward(p *nn.Pass[float64], x array) array {
	l.x.Keep(p, x)
	return l.ReLU.Forward(p, x)
}

func (l *reluOne) Backward(p *nn.Pass[float64], dy array) array {
	dx := l.ReLU.Backward(p, dy)
	for i, v := range l.x.Of(p, l).Data {
		if v == 0 {
			dx.Data[i] = dy.Data[i]
		}
	}
	return dx
}

// TestBookLoss: the gradients are wrong for the loss of the book by what it adds
// inside the logarithm, and right for the one it means.
func TestBookLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewTwoLayerNet[float64](31, 12, 10, 0.01, rng)
	x, labels := Wake(net, 3, rng)
	book, err := BookLoss(net.Sequential, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := Network("ours", net.Sequential, x, labels)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []Witness{Graph, ComplexStep} {
		if off, _ := book.Error(w); !(off > 9e-7 && off < 3e-6) {
			t.Errorf("the book's loss, %s: %.2g, want 1e-6 or so", w, off)
		}
		for _, a := range book.Arrays {
			if off, _ := a.Error(w); off < 9e-7 {
				t.Errorf("the book's loss, %s of %s: %.2g", w, a.Name, off)
			}
		}
		if off, _ := ours.Error(w); off > 1e-13 {
			t.Errorf("ours, %s: %.2g", w, off)
		}
	}
	if book.Err() == nil {
		t.Error("the book's loss passes")
	}
}
