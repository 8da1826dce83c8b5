package draw_test

import (
	"fmt"
	"os"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/internal/draw"
)

func ExampleDOT() {
	g := graph.New[float64]()
	x := g.Input("x", []float64{1})
	g.Backward(g.Log(x).As("y"))
	if err := draw.DOT(os.Stdout, g, draw.Options{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// digraph {
	// 	rankdir=LR
	// 	nodesep=0.25
	// 	ranksep=0.2
	// 	fontname="Helvetica"
	// 	node [fontname="Helvetica" fontsize=14 fontcolor="#1f2937" color="#1f2937" fillcolor="#eef4ff"]
	// 	edge [color="#1f2937" arrowsize=0.7]
	// 	"n0" [shape=none width=0 height=0 margin="0.06,0.02" label=<x>]
	// 	"n1" [shape=circle style=filled fixedsize=true width=0.5 label=<log>]
	// 	"v0" [shape=plain label=<<table border="0" cellborder="0" cellspacing="0" cellpadding="3"><tr><td><font point-size="10" color="#57606a"> </font><br/><font color="#1f2937">1</font></td></tr><hr/><tr><td><font color="#b42318">1</font><br/><font point-size="10"> </font></td></tr></table>>]
	// 	"v1" [shape=plain label=<<table border="0" cellborder="0" cellspacing="0" cellpadding="3"><tr><td><font point-size="10" color="#57606a"> </font><br/><font color="#1f2937">0</font></td></tr><hr/><tr><td><font color="#b42318">1</font><br/><font point-size="10"> </font></td></tr></table>>]
	// 	"end1" [shape=none width=0 height=0 margin="0.06,0.02" label=<y>]
	// 	"n0" -> "v0" [arrowhead=none headport=w]
	// 	"v0" -> "n1" [tailport=e]
	// 	"n1" -> "v1" [arrowhead=none headport=w]
	// 	"v1" -> "end1" [tailport=e]
	// }
}
