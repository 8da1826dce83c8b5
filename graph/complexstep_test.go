package graph_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

// TestComplexStepBits: computing only the row or column of a dot that changes, on
// any number of goroutines, gives the bits of computing everything again.
func TestComplexStepBits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rng := rand.New(rand.NewPCG(11, 0))
	draw := func(n int) []float64 {
		data := make([]float64, n)
		for i := range data {
			data[i] = 2*rng.Float64() - 1
		}
		return data
	}
	type node = *graph.Node[float64]
	for _, test := range []struct {
		name  string
		build func(g *graph.Graph[float64], x node) node
	}{
		{"left", func(g *graph.Graph[float64], x node) node { return g.Dot(x, g.Input("w", draw(24*5), 24, 5)) }},
		{"right", func(g *graph.Graph[float64], x node) node { return g.Dot(g.Input("w", draw(3*12), 3, 12), x) }},
		{"twice", func(g *graph.Graph[float64], x node) node { return g.Dot(g.Transpose(x), x) }},
		{"vector", func(g *graph.Graph[float64], x node) node { return g.Dot(g.Input("w", draw(12), 12), x) }},
		{"far", func(g *graph.Graph[float64], x node) node { return g.Dot(g.Exp(x), g.Input("w", draw(24*2), 24, 2)) }},
		{"a row of two dots", func(g *graph.Graph[float64], x node) node {
			return g.Dot(g.Dot(g.Input("w", draw(3*12), 3, 12), x), g.Dot(g.Input("v", draw(24*5), 24, 5), g.Input("u", draw(5), 5)))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := graph.New[float64]()
			x := g.Input("x", draw(12*24), 12, 24)
			y := g.Sum(graph.Sigmoid(g, test.build(g, x)))

			const h = 1e-30
			want := make([]float64, len(x.Value))
			for i := range want {
				c := graph.Complex(g)
				c.Nodes()[x.ID].Value[i] += complex(0, h)
				c.Forward()
				want[i] = imag(c.Nodes()[y.ID].Value[0]) / h
			}
			for _, threads := range []int{1, 2, 8} {
				runtime.GOMAXPROCS(threads)
				equal(t, fmt.Sprint("goroutines: ", threads), graph.ComplexStep(g, y, x), want)
			}
			some := []int{100, 3, 50}
			equal(t, "some elements", graph.ComplexStep(g, y, x, some...), []float64{want[100], want[3], want[50]})
			g.Backward(y)
			for i, v := range x.Grad {
				if d := v - want[i]; d > 1e-13 || d < -1e-13 {
					t.Errorf("element %d is %v by the chain rule, %v by complex step", i, v, want[i])
				}
			}
		})
	}
}

func TestComplexStepAlong(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{1, 2}, 2)
	w := g.Input("w", []float64{1, 2, 3, 4, 5, 6}, 2, 3)
	y := g.Dot(x, w)
	v := map[*graph.Node[float64]][]float64{x: {1, -1}, w: {1, 0, 0, 0, 1, 10}}
	equal(t, "v·w + x·V", graph.ComplexStepAlong(g, y, v), []float64{-3 + 1, -3 + 2, -3 + 20})
	equal(t, "y, which stays", y.Value, []float64{9, 12, 15})
	defer func() {
		want := "graph: complex step: want a direction for each element of (2), got (3)"
		if got := fmt.Sprint(recover()); got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	graph.ComplexStepAlong(g, y, map[*graph.Node[float64]][]float64{x: {1, 2, 3}})
}

// TestComplex: the twin has the nodes, names and groups of the graph.
func TestComplex(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{1, 2, 3}, 3)
	var y *graph.Node[float64]
	g.Group("Softmax", func() { y = graph.Softmax(g, x).As("y") })
	g.Max(y)
	c := graph.Complex(g)
	if len(c.Nodes()) != len(g.Nodes()) {
		t.Fatalf("%d nodes, want %d", len(c.Nodes()), len(g.Nodes()))
	}
	for i, n := range g.Nodes() {
		twin := c.Nodes()[i]
		if twin.Op != n.Op || twin.Label != n.Label || twin.Group != n.Group || twin.Leaf() != n.Leaf() || len(twin.In) != len(n.In) {
			t.Errorf("node %d is %+v, want %+v", i, twin, n)
		}
		for j, v := range twin.Value {
			if d := real(v) - n.Value[j]; imag(v) != 0 || d > 1e-15 || d < -1e-15 {
				t.Errorf("node %d is %v, want %v", i, twin.Value, n.Value)
			}
		}
	}
	if after := c.Const(0); after.Group != nil {
		t.Errorf("what is added later is in the group %q", after.Group.Name)
	}
}
