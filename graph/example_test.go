package graph_test

import (
	"fmt"
	"math"
	"strings"

	"github.com/chainrule-go/chainrule/graph"
)

// Two apples at 100 each, with a tax of 10 %: what would the price do if an apple
// cost 1 more?
func Example() {
	g := graph.New[float64]()
	price := g.Input("apple price", []float64{100})
	count := g.Input("apples", []float64{2})
	tax := g.Input("tax", []float64{1.1})

	total := g.Mul(g.Mul(price, count), tax)
	g.Backward(total)

	fmt.Printf("%.4g\n", total.Value[0])
	for _, n := range []*graph.Node[float64]{price, count, tax} {
		fmt.Printf("%s: %.4g\n", n.Label, n.Grad[0])
	}
	// Output:
	// 220
	// apple price: 2.2
	// apples: 110
	// tax: 200
}

func ExampleGraph_BackwardFrom() {
	g := graph.New[float64]()
	x := g.Input("x", []float64{0, 0, 1, 2}, 2, 2)
	w := g.Input("W", []float64{2, 4, 6, 4, 3, 2}, 2, 3)
	b := g.Input("b", []float64{1, 2, 3}, 3)
	y := graph.Affine(g, x, w, b)
	g.BackwardFrom(y, []float64{1, 2, 3, 4, 5, 6})
	fmt.Println(y.Value)
	fmt.Println(b.Grad)
	// Output:
	// [1 2 3 11 12 13]
	// [5 7 9]
}

func ExampleComplexStep() {
	g := graph.New[float64]()
	x := g.Input("x", []float64{3})
	y := g.Mul(g.Mul(x, x), x)
	fmt.Println(graph.ComplexStep(g, y, x))
	// Output: [27]
}

func ExampleFigure_Graph() {
	for _, f := range graph.Figures() {
		if f.Name != "apples" {
			continue
		}
		g, err := f.Graph(2, 150, 1.08) // dearer apples, less tax
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(g.Output().Label, g.Output().Value)
	}
	// Output: price [324]
}

func ExampleRules() {
	for _, r := range graph.Rules() {
		fmt.Printf("%-9s  %-21s  %s\n", r.Op, r.Y, strings.Join(r.DX, " | "))
	}
	// Output:
	// +          a + b                  dy | dy
	// -          a − b                  dy | -dy
	// *          a × b                  dy × b | dy × a
	// /          a / b                  dy / b | -dy × y / b
	// exp        exp(a)                 dy × y
	// log        log(a)                 dy / a
	// sqrt       sqrt(a)                dy / (2 × y)
	// tanh       tanh(a)                dy / cosh(a) / cosh(a)
	// erf        erf(a)                 dy × 2 / sqrt(π) × exp(-a × a)
	// maximum    max(a, b)              dy where a > b, else 0 | dy where a ≤ b, else 0
	// dot        a · b                  dy · bᵀ | aᵀ · dy
	// sum        Σ a                    dy, repeated
	// max        max a                  dy at the first largest a, else 0
	// broadcast  a, repeated            Σ dy
	// hold       a, held constant       0
	// gather     a at index, else fill  dy, added at index
}

// The largest of each window of 2 by 2: gather brings the elements of a window
// together, and -Inf stands beyond the edge.
func ExampleGraph_Gather() {
	g := graph.New[float64]()
	x := g.Input("x", []float64{
		1, 5, 3,
		4, 2, 6,
	}, 2, 3)
	windows := g.Gather([]int{
		0, 1, 3, 4,
		2, -1, 5, -1,
	}, []int{2, 4}, math.Inf(-1), x)
	y := g.Max(windows, 1)
	g.BackwardFrom(y, []float64{10, 20})
	fmt.Println(y.Value)
	fmt.Println(x.Grad)
	// Output:
	// [5 6]
	// [0 10 0 0 0 20]
}
