package draw

import (
	"fmt"

	"github.com/chainrule-go/chainrule/graph"
)

// nouns are the names of the results of operations.
var nouns = map[string]string{
	"+": "sum", "-": "difference", "*": "product", "/": "quotient", "maximum": "larger", "dot": "dot product",
	"sum": "total", "max": "largest", "broadcast": "repeated", "hold": "held", "gather": "gathered",
}

// names returns the name of each node in a sentence: its label; of a constant the
// number; of the last node of a group the name of the group; and of any other the noun
// of its operation, with a number if there are several.
func names(g *graph.Graph[float64]) []string {
	outputs := map[*graph.Group]*graph.Node[float64]{}
	for _, n := range g.Nodes() {
		for _, group := range chain(n.Group) {
			if !n.Leaf() {
				outputs[group] = n
			}
		}
	}
	all := make([]string, len(g.Nodes()))
	same := map[string][]int{} // the nodes that are called by the same noun
	for _, n := range g.Nodes() {
		switch {
		case n.Label != "":
			all[n.ID] = n.Label
			continue
		case n.Op == graph.OpConst:
			all[n.ID] = leafText(n)
			continue
		}
		for _, group := range chain(n.Group) {
			if outputs[group] == n && group.Name != "" {
				all[n.ID] = group.Name
				break
			}
		}
		if all[n.ID] == "" {
			noun := nouns[n.Op]
			if noun == "" {
				noun = n.Op
			}
			same[noun] = append(same[noun], n.ID)
			all[n.ID] = noun
		}
	}
	for noun, nodes := range same {
		for i, id := range nodes {
			if len(nodes) > 1 {
				all[id] = fmt.Sprintf("%s %d", noun, i+1)
			}
		}
	}
	return all
}

// groupName is the name of the item, or the frame, of group i of groups.
func groupName(i int) string { return fmt.Sprintf("g%d", i) }

// groups returns all groups of a graph, the outer before the inner.
func groups(g *graph.Graph[float64]) (all []*graph.Group) {
	known := map[*graph.Group]bool{}
	for _, n := range g.Nodes() {
		for _, group := range chain(n.Group) {
			if !known[group] {
				known[group] = true
				all = append(all, group)
			}
		}
	}
	return all
}
