package trace_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func ExampleNetwork() {
	net := nn.NewSequential[float64](nn.NewAffine[float64](2, 3, rand.New(rand.NewPCG(1, 2))))
	g, err := trace.Network(nil, net, nn.NewSoftmaxWithLoss[float64](), tensor.Of([]float64{1, 2}, 1, 2), nn.Labels[float64](0))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range g.Nodes() {
		if n.Group != nil && n.Group.Name == "Affine1" {
			fmt.Println(n.Op, n.Label, n.Shape)
		}
	}
	// Output:
	// input W [2 3]
	// input b [3]
	// dot  [1 3]
	// broadcast  [1 3]
	// +  [1 3]
}

// Scale multiplies each feature by a factor that it learns. (Its Forward and Backward
// are left out here.)
type Scale struct {
	nn.Layer[float64]
	factors *nn.Param[float64]
}

func ExampleRegister() {
	trace.Register(func(t *trace.Tracer, l *Scale, x trace.Node) trace.Node {
		return t.Mul(x, t.Broadcast(t.Param(l.factors), x.Shape...))
	})

	l := &Scale{factors: nn.NewParam[float64]("factors", 2)}
	copy(l.factors.Value.Data, []float64{2, 3})
	g, _, y, err := trace.Layer(nil, l, tensor.Of([]float64{1, 1, 5, 5}, 2, 2), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	g.BackwardFrom(y, []float64{1, 1, 1, 1})
	fmt.Println(y.Value, g.Param(l.factors).Grad)
	// Output: [2 3 10 15] [6 6]
}
