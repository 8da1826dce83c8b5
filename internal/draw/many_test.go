package draw

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

// A page of many groups costs little more than its drawing: those with one group open for
// which there is no room are not tried.
func TestPageOfManyGroups(t *testing.T) {
	g := graph.New[float64]()
	x := g.Input("x", []float64{1})
	for i := range 600 {
		g.Group(fmt.Sprint("layer", i), func() {
			for range 5 {
				x = g.Tanh(x)
			}
		})
	}
	g.Backward(x)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := HTML(io.Discard, g, Options{Folded: func(*graph.Group) bool { return true }})
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; err != nil || got > 100<<20 {
		t.Errorf("%d MB were allocated, want at most 100; error %v", got>>20, err)
	}
}
