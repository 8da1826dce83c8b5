//go:build !poison

package gradcheck

import (
	"math/rand/v2"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestDifferencesAllocateOnce: a loss allocates nothing, so ten times the parameters
// take as many allocations.
func TestDifferencesAllocateOnce(t *testing.T) {
	allocations := func(inputs int) float64 {
		rng := rand.New(rand.NewPCG(72, 0))
		net := nn.NewTwoLayerNet[float64](inputs, 5, 3, 1, rng).Sequential
		x := tensor.New[float64](2, inputs)
		fill(x, rng)
		return testing.AllocsPerRun(10, func() {
			differences(net, nn.NewSoftmaxWithLoss[float64](), x, nn.Labels[float64](0, 1), func(int) int { return 1 })
		})
	}
	if few, many := allocations(6), allocations(60); many != few {
		t.Errorf("%v allocations for 6 inputs, %v for 60", few, many)
	}
}
