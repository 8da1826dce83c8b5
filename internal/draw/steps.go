package draw

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/graph"
)

// A step of a page is one node of the forward or the backward pass.
type step struct {
	Node     string   `json:"node"` // the item's name
	Backward bool     `json:"backward"`
	Lines    []string `json:"lines"` // what is computed
}

// steps returns all steps, and by node the step that computes its value and the
// one that completes its gradient. They count from 1; inputs are there at 0, and
// a gradient that is not computed never is.
func steps(g *graph.Graph[float64]) (all []step, value, grad []int) {
	nodes := g.Nodes()
	rules := map[string]graph.Rule{}
	for _, r := range graph.Rules() {
		rules[r.Op] = r
	}
	value, grad = make([]int, len(nodes)), make([]int, len(nodes))
	for i := range grad {
		grad[i] = never
	}
	for _, n := range nodes {
		if n.Leaf() {
			continue
		}
		names, numbers := operands(n)
		y := rules[n.Op].Y
		all = append(all, step{Node: itemName(n), Lines: []string{
			fmt.Sprintf("%s = %s = %s = %s", name(n), fill(y, names), fill(y, numbers), inline(n.Shape, n.Value))}})
		value[n.ID] = len(all)
	}
	out := g.Output()
	if out == nil {
		return all, value, grad
	}
	needed, uses := dependence(g)
	all = append(all, step{Node: itemName(out), Backward: true, Lines: []string{
		fmt.Sprintf("∂L/∂%s = %s, where backward begins", name(out), inline(out.Shape, out.Grad))}})
	grad[out.ID] = len(all)
	for _, n := range slices.Backward(nodes[:out.ID+1]) {
		if n.Leaf() || !needed[n.ID] {
			continue
		}
		names, numbers := operands(n)
		s := step{Node: itemName(n), Backward: true}
		for i, term := range n.Terms() {
			a := n.In[i]
			if a.Op == graph.OpConst {
				continue
			}
			rule := rules[n.Op].DX[i]
			line := fmt.Sprintf("∂L/∂%s = %s = %s = %s", name(a), fill(rule, names), fill(rule, numbers), inline(a.Shape, term))
			if uses[a.ID] > 1 {
				line = fmt.Sprintf("%s, one of %d terms of %s", line, uses[a.ID], inline(a.Shape, a.Grad))
			}
			s.Lines = append(s.Lines, line)
		}
		all = append(all, s)
		for _, a := range n.In {
			grad[a.ID] = len(all) // the last one counts
		}
	}
	return all, value, grad
}

// never is a step no page reaches.
const never = 1 << 30

// dependence returns by node whether the output depends on it, and along how many
// edges.
func dependence(g *graph.Graph[float64]) (needed []bool, uses []int) {
	needed, uses = make([]bool, len(g.Nodes())), make([]int, len(g.Nodes()))
	if g.Output() == nil {
		return needed, uses
	}
	needed[g.Output().ID] = true
	for _, n := range slices.Backward(g.Nodes()) {
		if !needed[n.ID] {
			continue
		}
		for _, a := range n.In {
			needed[a.ID] = true
			uses[a.ID]++
		}
	}
	return needed, uses
}

// operands returns what a, b, y and dy of the rule of n are, as names and as
// numbers.
func operands(n *graph.Node[float64]) (names, numbers map[string]string) {
	names = map[string]string{"y": name(n), "dy": "∂L/∂" + name(n)}
	numbers = map[string]string{"y": number(n.Shape, n.Value), "dy": number(n.Shape, n.Grad)}
	for i, a := range n.In {
		letter := []string{"a", "b"}[i]
		names[letter], numbers[letter] = name(a), number(a.Shape, a.Value)
	}
	return names, numbers
}

var letters = regexp.MustCompile(`\b(dy|y|a|b)\b`)

// fill writes a rule with other words for its letters.
func fill(rule string, words map[string]string) string {
	rule = strings.NewReplacer(" * ", " × ", " - ", " − ").Replace(rule)
	return letters.ReplaceAllStringFunc(rule, func(letter string) string { return words[letter] })
}

// number is inline, in parentheses where a sign would meet another.
func number(shape []int, data []float64) string {
	s := inline(shape, data)
	if strings.HasPrefix(s, "-") {
		return "(" + s + ")"
	}
	return s
}

// name is how a node is called in a sentence.
func name(n *graph.Node[float64]) string {
	switch {
	case n.Label != "":
		return n.Label
	case n.Op == graph.OpConst:
		return leafText(n)
	}
	return fmt.Sprintf("v%d", n.ID)
}
