package certify

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
)

// A Mutant is a layer or network with a planted fault, and what the check found.
type Mutant struct {
	Fault string
	gradcheck.Report
}

// Caught reports whether the check found anything wrong.
func (m Mutant) Caught() bool { return m.Err() != nil }

// Mutants plants every fault into every layer and loss of package nn that can have it, and
// checks the result.
func Mutants() []Mutant {
	rows := trace.Rows()
	of := make([][]Mutant, len(rows))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(rows); i = int(next.Add(1)) - 1 {
				for _, f := range Faults() {
					if planted, ok := Plant(f, rows[i].Case); ok {
						of[i] = append(of[i], Mutant{f.Name, gradcheck.Layer(planted)})
					}
				}
			}
		})
	}
	workers.Wait()
	return slices.Concat(of...)
}

// NetworkMutants plants every fault of a gradient into every layer of the network of the
// report r where a gradient of a parameter can show it: the dx of the first layer is not
// used.
func NetworkMutants(r gradcheck.NetworkReport, net *nn.Sequential[float64]) (all []Mutant) {
	layers := net.Layers()
	behind := false // there is a layer with parameters before
	for i, l := range layers {
		has := len(l.Layer.Params()) > 0
		for _, f := range Faults() {
			if !f.gradient || f.params && !has || !f.params && !behind {
				continue
			}
			planted := slices.Clone(layers)
			planted[i].Layer = &faulty{Layer: l.Layer, fault: f}
			name := fmt.Sprint(l.Name, ", ", f.Name)
			all = append(all, Mutant{f.Name, r.Check(name, nn.NewNamed(planted...))})
		}
		behind = behind || has
	}
	return all
}

// A Tally says how often a fault was planted and how often each reference alone would have
// caught it.
type Tally struct {
	Fault         string
	Tried, Caught int
	By            [3]int // by gradcheck.Reference
	Contract      int    // the rest of the contract, such as arguments unmodified
}

// Tallies counts mutants by fault, in the order of [Faults].
func Tallies(mutants []Mutant) (all []Tally) {
	for _, f := range Faults() {
		t := Tally{Fault: f.Name}
		for _, m := range mutants {
			if m.Fault != f.Name {
				continue
			}
			t.Tried++
			if m.Caught() {
				t.Caught++
			}
			for _, by := range gradcheck.References() {
				if m.Contradicts(by) {
					t.By[by]++
				}
			}
			if len(m.Broken) > 0 {
				t.Contract++
			}
		}
		if t.Tried > 0 {
			all = append(all, t)
		}
	}
	return all
}
