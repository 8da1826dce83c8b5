package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

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
				if err, _ := a.Error(ComplexStep); err > 1e-13 {
					t.Errorf("%s: error %.1e against the complex step, more than 1e-13", a.Name, err)
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

// TestSubgradient: at 0 the gradient of ReLU may be any number between the one-sided
// derivatives, with a formula, which takes 0, and without.
func TestSubgradient(t *testing.T) {
	formula := func(t *trace.Tracer, _ nn.Layer[float64], x trace.Node) trace.Node { return graph.ReLU(t.Graph, x) }
	for _, test := range []struct {
		at0 float64
		ok  bool
	}{{0, true}, {1, true}, {0.5, true}, {0.25, true}, {-0.01, false}, {1.01, false}, {math.NaN(), false}} {
		for _, graph := range []trace.Formula{nil, formula} {
			t.Run(fmt.Sprintf("%v, formula %t", test.at0, graph != nil), func(t *testing.T) {
				c := relu
				c.New = func(*rand.Rand) nn.Layer[float64] { return &reluAt0{at0: test.at0} }
				c.Graph = graph
				if err := Layer(c).Err(); (err == nil) != test.ok {
					t.Errorf("got %v, want ok: %t", err, test.ok)
				}
			})
		}
	}
}

// reluAt0 is a ReLU with another gradient at 0.
type reluAt0 struct {
	nn.ReLU[float64]
	at0 float64
	x   nn.Saved[float64]
}

func (l *reluAt0) Forward(p *nn.Pass[float64], x array) array {
	l.x.Set(p, x)
	return l.ReLU.Forward(p, x)
}

func (l *reluAt0) Backward(p *nn.Pass[float64], dy array) array {
	dx := l.ReLU.Backward(p, dy)
	for i, v := range l.x.Get(p, l).Data {
		if v == 0 {
			dx.Data[i] = l.at0 * dy.Data[i]
		}
	}
	return dx
}
