package gradcheck

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

type array = *tensor.Tensor[float64]

// affine and relu are the cases of two layers of package nn.
var affine, relu = rowOf("Affine"), rowOf("ReLU")

func rowOf(name string) Case {
	for _, r := range trace.Rows() {
		if r.Name == name {
			return r.Case
		}
	}
	panic("there is no row " + name)
}

// TestEveryLayerPasses: every row of the table of layers and losses.
func TestEveryLayerPasses(t *testing.T) {
	for _, c := range trace.Rows() {
		t.Run(c.Name, func(t *testing.T) {
			r := Layer(c.Case)
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			if len(r.Arrays) == 0 {
				t.Error("nothing was compared")
			}
			kinks := 0
			if c.Kinks != nil {
				c := c.Case
				kinks = c.Kinks(tensor.New[float64](append([]int{batch}, c.Sample...)...))
			}
			for _, a := range r.Arrays {
				if n := len(a.Comparisons); n != 3 && !(a.Result && n == 1) {
					t.Errorf("%s: compared with %d references, want 3, or 1 if it is y", a.Name, n)
				}
				if err, _ := a.Error(ComplexStep); err > 1e-14 {
					t.Errorf("%s: error %.1e against the complex step, more than 1e-14", a.Name, err)
				}
				if a.Batch > 1 && a.Float32 == nil && !strings.HasPrefix(a.Name, "at kinks") {
					t.Errorf("%s: float32 was not compared", a.Name)
				}
				t.Logf("%-8s %4d elements, nonzero share %v, %+v", a.Name, a.Elements, a.NonzeroShare(), a.Comparisons)
			}
			if r.NonzeroShare() < 1 {
				t.Errorf("nonzero share %v, want 1: a gradient of 0 proves nothing", r.NonzeroShare())
			}
			if r.Kinks() != kinks {
				t.Errorf("%d kinks, want %d", r.Kinks(), kinks)
			}
		})
	}
}

// TestPinned: at 0 the gradient of ReLU is 0. Another one between the one-sided
// derivatives is correct, but not what this library has settled on.
func TestPinned(t *testing.T) {
	c := relu
	c.New = func(*rand.Rand) nn.Layer[float64] { return &reluOne{} }
	c.Graph = func(t *trace.Tracer, _ nn.Layer[float64], x trace.Node) trace.Node { return graph.ReLU(t.Graph, x) }
	r := Layer(c)
	for _, test := range []struct {
		by   Reference
		want bool
	}{{Graph, true}, {ComplexStep, true}, {CentralDifference, false}} {
		if got := r.Contradicts(test.by); got != test.want {
			t.Errorf("a ReLU with the gradient 1 at 0: %s contradicts: %t, want %t", test.by, got, test.want)
		}
	}
	c.Graph = nil
	if r := Layer(c); r.Kinks() != 20 {
		t.Errorf("%d kinks without a formula, want 20", r.Kinks())
	}
}

// reluOne is a ReLU whose gradient at 0 is 1.
type reluOne struct {
	nn.ReLU[float64]
	x nn.Saved[float64]
}

func (l *reluOne) Forward(p *nn.Pass[float64], x array) array {
	l.x.Set(p, x)
	return l.ReLU.Forward(p, x)
}

func (l *reluOne) Backward(p *nn.Pass[float64], dy array) array {
	dx := l.ReLU.Backward(p, dy)
	for i, v := range l.x.Get(p, l).Data {
		if v == 0 {
			dx.Data[i] = dy.Data[i]
		}
	}
	return dx
}
