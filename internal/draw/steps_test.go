package draw

import (
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

// told returns what the steps of a drawing tell, each with the item it is at and
// how much is done by then.
func told(t *testing.T, g *graph.Graph[float64], folded func(*graph.Group) bool) (lines []string, w *walk) {
	t.Helper()
	d, err := newDiagram(g, Options{Folded: folded}, true)
	if err != nil {
		t.Fatal(err)
	}
	w = d.walk(g)
	for _, s := range w.steps {
		lines = append(lines, s.Item+": "+strings.Join(s.Lines, "; "))
	}
	return lines, w
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// TestSteps: a label is not part of the formula it stands in, and a node without
// one is called by what it is.
func TestSteps(t *testing.T) {
	g := graph.New[float64]()
	a, b := g.Input("a - b * dy", []float64{-3}), g.Input("b", []float64{2})
	g.Backward(g.Sub(a, g.Mul(a, b)).As("y"))
	got, _ := told(t, g, nil)
	compare(t, got, []string{
		"n2: product = a - b * dy × b = (-3) × 2 = -6",
		"n3: y = a - b * dy − product = (-3) − (-6) = 3",
		"n3: ∂L/∂y = 1, where backward begins",
		"n3: ∂L/∂a - b * dy = ∂L/∂y = 1 = 1, one of 2 terms of -1; ∂L/∂product = -∂L/∂y = -1 = -1",
		"n2: ∂L/∂a - b * dy = ∂L/∂product × b = (-1) × 2 = -2, one of 2 terms of -1; ∂L/∂b = ∂L/∂product × a - b * dy = (-1) × (-3) = 3",
	})
}

// TestFoldedSteps: a folded group is one step forward and one backward, with what
// goes into it and what comes out.
func TestFoldedSteps(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{1, 2}, 1, 2)
	y := x
	g.Group("Affine1", func() {
		y = graph.Affine(g, y, g.Input("W", []float64{1, 3, 5, 2, 4, 6}, 2, 3), g.Input("b", []float64{1, 2, -20}, 3))
	})
	g.Group("ReLU1", func() { y = graph.ReLU(g, y) })
	g.Backward(g.Sum(g.Add(y, y)).As("L"))
	got, w := told(t, g, func(*graph.Group) bool { return true })
	compare(t, got, []string{
		"g0: Affine1(x, W, b) = [[6 13 -3]]",
		"g1: ReLU1(Affine1) = [[6 13 0]]",
		"n8: sum = ReLU1 + ReLU1 = [[6 13 0]] + [[6 13 0]] = [[12 26 0]]",
		"n9: L = Σ sum = Σ [[12 26 0]] = 38",
		"n9: ∂L/∂L = 1, where backward begins",
		"n9: ∂L/∂sum = ∂L/∂L, repeated = 1, repeated = [[1 1 1]]",
		"n8: ∂L/∂ReLU1 = ∂L/∂sum = [[1 1 1]] = [[1 1 1]], one of 2 terms of [[2 2 2]]; ∂L/∂ReLU1 = ∂L/∂sum = [[1 1 1]] = [[1 1 1]], one of 2 terms of [[2 2 2]]",
		"g1: ∂L/∂Affine1 = [[2 2 0]]",
		"g0: ∂L/∂x = [[8 12]]; ∂L/∂W = [[2 2 0] [4 4 0]]; ∂L/∂b = [2 2 0]",
	})
	var done []int
	for _, s := range w.steps {
		done = append(done, s.Done)
	}
	if want := []int{3, 4, 5, 6, 7, 8, 9, 10, 13}; !slices.Equal(done, want) {
		t.Errorf("operations done are %v, want %v", done, want)
	}
	_, unfolded := told(t, g, nil)
	if k := len(unfolded.steps); k != 13 || unfolded.steps[k-1].Done != 13 {
		t.Errorf("unfolded there are %d steps, want one for each of 13 operations", k)
	}
}

// TestGatherSteps: a gather is called by its kind, with all its inputs.
func TestGatherSteps(t *testing.T) {
	g := graph.New[float64]()
	a, b := g.Input("p", []float64{1, 2}, 2), g.Input("q", []float64{3}, 1)
	joined := g.Concat(0, a, b)
	picked := g.Gather([]int{2, -1, 0}, []int{3}, 9, joined)
	g.Backward(g.Max(g.Gather([]int{1, 0}, []int{2}, 0, picked)).As("m"))
	got, _ := told(t, g, nil)
	compare(t, got, []string{
		"n2: gathered 1 = concat(p, q) = concat([1 2], [3]) = [1 2 3]",
		"n3: gathered 2 = gathered 1 at index, else 9 = [1 2 3] at index, else 9 = [3 9 1]",
		"n4: gathered 3 = gathered 2 at index = [3 9 1] at index = [9 3]",
		"n5: m = max gathered 3 = max [9 3] = 9",
		"n5: ∂L/∂m = 1, where backward begins",
		"n5: ∂L/∂gathered 3 = ∂L/∂m at the first largest gathered 3, else 0 = 1 at the first largest [9 3], else 0 = [1 0]",
		"n4: ∂L/∂gathered 2 = ∂L/∂gathered 3, added at index = [1 0], added at index = [0 1 0]",
		"n3: ∂L/∂gathered 1 = ∂L/∂gathered 2, added at index = [0 1 0], added at index = [0 0 0]",
		"n2: ∂L/∂p = ∂L/∂gathered 1, added at index = [0 0 0], added at index = [0 0]; ∂L/∂q = ∂L/∂gathered 1, added at index = [0 0 0], added at index = [0]",
	})
}
