package graph_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

func figure(t *testing.T, name string) graph.Figure {
	t.Helper()
	all := graph.Figures()
	i := slices.IndexFunc(all, func(f graph.Figure) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("there is no figure %q", name)
	}
	return all[i]
}

// build returns the figure's graph and its nodes by label.
func build(t *testing.T, name string, values ...float64) (*graph.Graph[float64], map[string]*graph.Node[float64]) {
	t.Helper()
	g, err := figure(t, name).Graph(values...)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]*graph.Node[float64]{}
	for _, n := range g.Nodes() {
		named[n.Label] = n
	}
	return g, named
}

// TestApples: the numbers that Python prints for the book's ch05/buy_apple.py and
// buy_apple_orange.py, to the bit.
func TestApples(t *testing.T) {
	for _, test := range []struct {
		figure      string
		value, grad map[string]float64
	}{
		{"apples",
			map[string]float64{"price": 220.00000000000003, "apples' price": 200},
			map[string]float64{"price": 1, "apples' price": 1.1, "apple price": 2.2, "apples": 110.00000000000001, "tax": 200}},
		{"apples-oranges",
			map[string]float64{"price": 715.0000000000001, "price before tax": 650, "oranges' price": 450, "apples' price": 200},
			map[string]float64{"price": 1, "price before tax": 1.1, "oranges' price": 1.1, "apples' price": 1.1,
				"apple price": 2.2, "apples": 110.00000000000001, "orange price": 3.3000000000000003, "oranges": 165, "tax": 650}},
	} {
		t.Run(test.figure, func(t *testing.T) {
			_, named := build(t, test.figure)
			for label, want := range test.value {
				equal(t, label, named[label].Value, []float64{want})
			}
			for label, want := range test.grad {
				equal(t, "gradient of "+label, named[label].Grad, []float64{want})
			}
		})
	}
}

// TestFigures: the gradients the book shows. Those through exp and log are good
// to rounding, which is not the same on every processor.
func TestFigures(t *testing.T) {
	sigmoid := 1 / (1 + math.Exp(-0.5))
	for _, test := range []struct {
		figure, label string
		value, grad   []float64
	}{
		{"relu", "x", []float64{1, -0.5, -2, 3}, []float64{1, 0, 0, 1}},
		{"relu", "y", []float64{1, 0, 0, 3}, []float64{1, 1, 1, 1}},
		{"sigmoid", "x", []float64{0.5}, []float64{sigmoid * (1 - sigmoid)}},
		{"sigmoid", "y", []float64{sigmoid}, []float64{1}},
		{"sigmoid", "dx = dy·y(1 - y)", []float64{sigmoid * (1 - sigmoid)}, []float64{0}},
		{"affine", "y", []float64{6, 13, 20}, []float64{1, 2, 3}},
		{"affine", "x", []float64{1, 2}, []float64{22, 28}},
		{"affine", "W", []float64{1, 3, 5, 2, 4, 6}, []float64{1, 2, 3, 2, 4, 6}},
		{"affine", "b", []float64{1, 2, 3}, []float64{1, 2, 3}},
		{"batch-affine", "y", []float64{1, 2, 3, 11, 12, 13}, []float64{1, 2, 3, 4, 5, 6}},
		{"batch-affine", "X", []float64{0, 0, 1, 2}, []float64{28, 16, 64, 43}},
		{"batch-affine", "W", []float64{2, 4, 6, 4, 3, 2}, []float64{4, 5, 6, 8, 10, 12}},
		{"batch-affine", "b", []float64{1, 2, 3}, []float64{5, 7, 9}},
		{"softmax-with-loss", "y", []float64{0.3, 0.2, 0.5}, []float64{0, -5, 0}},
		{"softmax-with-loss", "x", []float64{math.Log(0.3), math.Log(0.2), math.Log(0.5)}, []float64{0.3, -0.8, 0.5}},
		{"softmax-with-loss", "L", []float64{-math.Log(0.2)}, []float64{1}},
	} {
		t.Run(test.figure+" "+test.label, func(t *testing.T) {
			_, named := build(t, test.figure)
			near(t, "value", named[test.label].Value, test.value)
			near(t, "gradient", named[test.label].Grad, test.grad)
		})
	}
}

func near(t *testing.T, name string, got, want []float64) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) <= 1e-15*max(1, math.Abs(b)) }) {
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

// TestSigmoidSteps: the four nodes of the figure, and what comes back through
// each, are those of the book's figure 5-20.
func TestSigmoidSteps(t *testing.T) {
	g, named := build(t, "sigmoid", 2)
	y := named["y"].Value[0]
	want := map[string]float64{ // the gradient of the node's result
		"/":   1,
		"+":   -y * y,
		"exp": -y * y,
		"*":   -y * y * math.Exp(-2),
	}
	for _, n := range g.Nodes() {
		if n.Group != nil && n.Group.Name == "Sigmoid" && !n.Leaf() {
			near(t, n.Op, n.Grad, []float64{want[n.Op]})
			delete(want, n.Op)
		}
	}
	if len(want) != 0 {
		t.Errorf("no node of %v", want)
	}
}

// TestFigureValues: the user's numbers in place of the book's, all or none.
func TestFigureValues(t *testing.T) {
	_, named := build(t, "apples", 3, 10, 2)
	equal(t, "price", named["price"].Value, []float64{60})
	equal(t, "gradient of apples", named["apples"].Grad, []float64{20})

	_, err := figure(t, "batch-affine").Graph(1, 2)
	if want := "batch-affine takes 13 values: X (2, 2), W (2, 3), b (3); got 2"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = figure(t, "apples").Graph(1, 2, 3, 4)
	if want := "apples takes 3 values: apples, apple price, tax; got 4"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestJSON: exact numbers, lists nested by shape, and JSON even where a value is
// none.
func TestJSON(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	g := graph.New[float64]()
	x := g.Input(`<x> & "y"`, []float64{0, 1e6, 1e-7, 715.0000000000001, inf, -inf}, 2, 3)
	g.Const(0, 0, 2)
	var y *graph.Node[float64]
	g.Group("outer", func() {
		g.Group("inner", func() { y = g.Add(x, x) })
	})
	g.BackwardFrom(y, []float64{1, 0.1, -3, 1e300, nan, inf})
	got, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("\n", "", "\t", "").Replace(`{"nodes":[
		{"id":0,"op":"input","label":"\u003cx\u003e \u0026 \"y\"","group":null,"inputs":[],"shape":[2,3],
			"value":[[0,1e+06,1e-07],[715.0000000000001,"Infinity","-Infinity"]],"grad":[[2,0.2,-6],[2e+300,"NaN","Infinity"]]},
		{"id":1,"op":"const","label":"","group":null,"inputs":[],"shape":[0,2],"value":[],"grad":[]},
		{"id":2,"op":"+","label":"","group":1,"inputs":[0,0],"shape":[2,3],
			"value":[[0,2e+06,2e-07],[1430.0000000000002,"Infinity","-Infinity"]],"grad":[[1,0.1,-3],[1e+300,"NaN","Infinity"]]}],
		"groups":[{"name":"outer","outer":null},{"name":"inner","outer":0}],"output":2}`)
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	gathered := graph.New[float64]()
	gathered.Pad(gathered.Input("x", []float64{1, 2}, 2), 0, 0, 1, inf)
	got, err = json.Marshal(gathered)
	if want := `"value":[1,2,"Infinity"],"grad":[0,0,0],"attributes":{"kind":"pad","index":[0,1,-1],"fill":"Infinity"}}]`; err != nil || !strings.Contains(string(got), want) {
		t.Errorf("a gather: %s, %v, want %s", got, err, want)
	}

	c := graph.New[complex128]()
	c.Input("z", []complex128{complex(1, 1e-30)})
	got, err = json.Marshal(c)
	if err != nil || !strings.Contains(string(got), `"value":"(1+1e-30i)"`) || !strings.HasSuffix(string(got), `"output":null}`) {
		t.Errorf("complex: %s, %v", got, err)
	}
}
