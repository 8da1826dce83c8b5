package nn_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Every kind of layer is written in a line and read from it, as in the table by which it is
// proved.
func TestEveryKindInALine(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range trace.Rows() {
		if row.Make == nil {
			continue // a loss
		}
		t.Run(row.Name, func(t *testing.T) {
			made := row.Make(row.Small, rand.New(rand.NewPCG(1, 0)))
			net := nn.NewSequential(made)
			if two, ok := made.(*nn.TwoLayerNet[float64]); ok {
				net = two.Sequential
			}
			for _, l := range nn.Walk[float64](net) {
				seen[nn.Kind(l)] = true
			}
			line, err := nn.Format(net, row.Small.Sample...)
			if err != nil {
				t.Fatal(err)
			}
			again, err := nn.Parse[float64](line, row.Small.Sample, rand.New(rand.NewPCG(1, 0)))
			if err != nil {
				t.Fatal(err)
			}
			if written, err := nn.Format(again, row.Small.Sample...); err != nil || written != line || again.String() != net.String() {
				t.Errorf("%s is read as %v and written as %s, %v; want %v", line, again, written, err, net)
			}
			for i, p := range net.Params() {
				if q := again.Params()[i]; !slices.Equal(q.Value.Shape, p.Value.Shape) {
					t.Errorf("%s has the parameter %s of shape %v, want %v", line, q.Name, q.Value.Shape, p.Value.Shape)
				}
			}
			sameConstants(t, again, net)
		})
	}
	for _, kind := range nn.Kinds() {
		if !seen[kind] && !strings.HasPrefix(kind, "test.") {
			t.Errorf("no row of the table has a %s", kind)
		}
	}
}

// sameConstants compares the parameters and state that are not drawn: a layer begins as its
// constructor makes it.
func sameConstants(t *testing.T, got, want *nn.Sequential[float64]) {
	t.Helper()
	constants := func(net *nn.Sequential[float64]) (all [][]float64) {
		for _, l := range nn.Walk[float64](net) {
			_, drawn := l.(nn.Initializer)
			nn.VisitFields(l, func(f nn.Field[float64]) error {
				switch v := f.Value.(type) {
				case **nn.Param[float64]:
					if !drawn {
						all = append(all, (*v).Value.Data)
					}
				case **tensor.Tensor[float64]:
					all = append(all, (*v).Data)
				}
				return nil
			})
		}
		return all
	}
	if a, b := constants(got), constants(want); !slices.EqualFunc(a, b, slices.Equal) {
		t.Errorf("parameters and state begin as %v, want %v", a, b)
	}
}
