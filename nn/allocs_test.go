package nn_test

import (
	"math/rand/v2"
	"testing"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Once warm, no layer allocates anything in Forward and Backward.
func TestLayersAllocateNothing(t *testing.T) {
	if nn.Poison {
		t.Skip("poisoned memory is dropped on Reset")
	}
	for _, row := range trace.Rows() {
		if row.Make == nil {
			continue // a loss: the targets of float32 are made anew for every Forward
		}
		for _, sizes := range row.Real {
			c := row.Of(sizes)
			t.Run(c.Name, func(t *testing.T) {
				l := c.New(rand.New(rand.NewPCG(71, 0)))
				l32, err := c.NewFloat32(rand.New(rand.NewPCG(71, 0)))
				if err != nil {
					t.Fatal(err)
				}
				layerAllocs(t, l32, sizes.Sample)
				layerAllocs(t, l, sizes.Sample)
			})
		}
	}
}

func layerAllocs[T tensor.Float](t *testing.T, l nn.Layer[T], sample []int) {
	const batch = 8
	x := tensor.New[T](append([]int{batch}, sample...)...)
	for i := range x.Data {
		x.Data[i] = T(i % 7)
	}
	for _, train := range []bool{true, false} {
		p := &nn.Pass[T]{Train: train, Keep: true}
		dy := l.Forward(p, x).Clone()
		step := func() {
			p.Reset()
			l.Forward(p, x)
			l.Backward(p, dy)
			if pb, ok := l.(nn.ParamsBackward[T]); ok {
				pb.BackwardParams(p, dy)
			}
		}
		step()
		if n := testing.AllocsPerRun(10, step); n != 0 {
			t.Errorf("%T, Train %t: %v allocations, want 0", l, train, n)
		}
	}
}
