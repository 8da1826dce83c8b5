package draw

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/graph"
)

// A step of a page is an operation, or a folded group, of the forward or the
// backward pass.
type step struct {
	Item     string   `json:"item"` // its name
	Backward bool     `json:"backward"`
	Lines    []string `json:"lines"` // what is computed
	// The number of operations computed by then, of both passes: by it, a step of one
	// drawing is found in another.
	Done int `json:"done"`
}

// A walk is the steps of a drawing. Steps count from 1; inputs are there at 0.
type walk struct {
	steps []step
	value []int         // by node: the step that computes its value
	grad  []int         // by node: the step that completes its gradient, or never
	back  map[*item]int // the backward step of an operation or a folded group
}

// never is a step no page reaches.
const never = 1 << 30

// walk returns the steps of a graph as it is drawn.
func (d *diagram) walk(g *graph.Graph[float64]) *walk {
	nodes := g.Nodes()
	rules := map[string]graph.Rule{}
	for _, r := range graph.Rules() {
		rules[r.Op] = r
	}
	w := &walk{steps: []step{}, value: make([]int, len(nodes)), grad: slices.Repeat([]int{never}, len(nodes)), back: map[*item]int{}}
	done := 0
	for _, n := range nodes {
		if n.Leaf() {
			continue
		}
		done++
		it := d.shown[n.ID]
		// The nodes of a group follow one another, so those of a box are one step.
		if k := len(w.steps); it.kind != box || k == 0 || w.steps[k-1].Item != it.name {
			w.steps = append(w.steps, step{Item: it.name, Lines: d.forward(n, it, rules)})
		}
		w.value[n.ID] = len(w.steps)
		w.steps[len(w.steps)-1].Done = done
	}
	out := g.Output()
	if out == nil {
		return w
	}
	needed, count := dependence(g)
	done++
	w.steps = append(w.steps, step{Item: d.shown[out.ID].name, Backward: true, Done: done, Lines: []string{
		fmt.Sprintf("∂L/∂%s = %s, where backward begins", d.names[out.ID], inline(out.Shape, out.Grad))}})
	w.grad[out.ID] = len(w.steps)
	for _, n := range slices.Backward(nodes[:out.ID+1]) {
		if n.Leaf() || !needed[n.ID] {
			continue
		}
		done++
		it := d.shown[n.ID]
		if it.kind != box || w.back[it] == 0 {
			s := step{Item: it.name, Backward: true}
			if it.kind == box {
				s.Lines = d.backwardOfBox(it, needed)
			} else {
				s.Lines = d.backward(n, rules[n.Op], count)
			}
			w.steps = append(w.steps, s)
			w.back[it] = len(w.steps)
		}
		w.steps[len(w.steps)-1].Done = done
		for _, a := range n.In {
			w.grad[a.ID] = len(w.steps) // the last one counts
		}
	}
	return w
}

// forward returns the lines on what an operation or a folded group computes.
func (d *diagram) forward(n *graph.Node[float64], it *item, rules map[string]graph.Rule) (all []string) {
	if it.kind != box {
		y := rules[n.Op].Y
		if n.Op == "gather" {
			y = gatherWords(n, y)
		}
		words, numbers := d.operands(n)
		return []string{fmt.Sprintf("%s = %s = %s = %s", d.names[n.ID], fill(y, words), fill(y, numbers), inline(n.Shape, n.Value))}
	}
	in, out := d.around(it)
	var arguments []string
	for _, a := range in {
		arguments = append(arguments, d.names[a.ID])
	}
	call := it.text + "(" + strings.Join(arguments, ", ") + ")"
	for _, y := range out {
		line := call + " = " + full(y.Shape, y.Value)
		if d.names[y.ID] != it.text {
			line = d.names[y.ID] + " = " + line
		}
		all = append(all, line)
	}
	return all
}

// backward returns the lines on what an operation sends back.
func (d *diagram) backward(n *graph.Node[float64], rule graph.Rule, count []int) (all []string) {
	words, numbers := d.operands(n)
	for i, term := range n.Terms() {
		a := n.In[i]
		if a.Op == graph.OpConst {
			continue
		}
		dx := rule.DX[min(i, len(rule.DX)-1)] // a gather has one for all its inputs
		line := fmt.Sprintf("∂L/∂%s = %s = %s = %s", d.names[a.ID], fill(dx, words), fill(dx, numbers), inline(a.Shape, term))
		if dx == "0" {
			line = fmt.Sprintf("∂L/∂%s = %s", d.names[a.ID], inline(a.Shape, term))
		}
		if count[a.ID] > 1 {
			line = fmt.Sprintf("%s, one of %d terms of %s", line, count[a.ID], inline(a.Shape, a.Grad))
		}
		all = append(all, line)
	}
	return all
}

// backwardOfBox says what a folded group sends back, and the gradients of the
// inputs in it.
func (d *diagram) backwardOfBox(it *item, needed []bool) (all []string) {
	in, _ := d.around(it)
	for _, a := range in {
		if !needed[a.ID] {
			continue
		}
		if d.shown[a.ID] == it {
			all = append(all, fmt.Sprintf("∂L/∂%s = %s", d.names[a.ID], full(a.Shape, a.Grad)))
			continue
		}
		for _, u := range d.uses[a.ID] {
			if u.item != it || !u.known {
				continue
			}
			line := fmt.Sprintf("∂L/∂%s = %s", d.names[a.ID], full(a.Shape, u.terms))
			if len(d.uses[a.ID]) > 1 {
				line = fmt.Sprintf("%s, one of %d terms of %s", line, len(d.uses[a.ID]), full(a.Shape, a.Grad))
			}
			all = append(all, line)
		}
	}
	return all
}

// around returns what goes into a folded group, with the inputs in it, and what
// comes out.
func (d *diagram) around(it *item) (in, out []*graph.Node[float64]) {
	used := map[*graph.Node[float64]]bool{} // by a node in the group
	for _, n := range d.members[it] {
		for _, a := range n.In {
			if used[a] {
				continue
			}
			used[a] = true
			if a.Op != graph.OpConst && (a.Leaf() || d.shown[a.ID] != it) {
				in = append(in, a)
			}
		}
	}
	slices.SortFunc(in, func(a, b *graph.Node[float64]) int { return a.ID - b.ID })
	for _, n := range d.members[it] {
		if !n.Leaf() && (len(d.uses[n.ID]) > 0 || !used[n]) {
			out = append(out, n)
		}
	}
	return in, out
}

// dependence returns by node whether the output depends on it, and along how many
// edges.
func dependence(g *graph.Graph[float64]) (needed []bool, count []int) {
	needed, count = make([]bool, len(g.Nodes())), make([]int, len(g.Nodes()))
	if g.Output() == nil {
		return needed, count
	}
	needed[g.Output().ID] = true
	for _, n := range slices.Backward(g.Nodes()) {
		if !needed[n.ID] {
			continue
		}
		for _, a := range n.In {
			needed[a.ID] = true
			count[a.ID]++
		}
	}
	return needed, count
}

// operands returns what a, b, y and dy of the rule of n are, as names and as
// numbers. The a of a gather is all its inputs.
func (d *diagram) operands(n *graph.Node[float64]) (words, numbers map[string]string) {
	words = map[string]string{"y": d.names[n.ID], "dy": "∂L/∂" + d.names[n.ID]}
	numbers = map[string]string{"y": number(n.Shape, n.Value), "dy": number(n.Shape, n.Grad)}
	var inputs, values []string
	for _, a := range n.In {
		inputs, values = append(inputs, apart(d.names[a.ID])), append(values, number(a.Shape, a.Value))
	}
	switch {
	case n.Op == "gather":
		words["a"], numbers["a"] = strings.Join(inputs, ", "), strings.Join(values, ", ")
	default:
		for i, letter := range []string{"a", "b"}[:len(inputs)] {
			words[letter], numbers[letter] = inputs[i], values[i]
		}
	}
	return words, numbers
}

// gatherWords are the words of a gather by its kind, or with its own fill.
func gatherWords(n *graph.Node[float64], words string) string {
	switch {
	case n.Attr.Kind != "":
		return n.Attr.Kind + "(a)"
	case !slices.Contains(n.Attr.Index, -1):
		return strings.TrimSuffix(words, ", else fill")
	}
	return strings.Replace(words, "fill", round(n.Attr.Fill), 1)
}

var letters = regexp.MustCompile(`\b(dy|y|a|b)\b`)

// fill writes a rule with other words for its letters.
func fill(rule string, words map[string]string) string {
	return letters.ReplaceAllStringFunc(rule, func(letter string) string { return words[letter] })
}

// number is inline, in parentheses if two signs would meet.
func number(shape []int, data []float64) string {
	return apart(inline(shape, data))
}

// apart puts a text that begins with a sign in parentheses.
func apart(s string) string {
	if strings.HasPrefix(s, "-") {
		return "(" + s + ")"
	}
	return s
}
