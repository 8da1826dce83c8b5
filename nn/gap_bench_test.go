package nn_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// BenchmarkStepWithGaps measures a training step of a loop that does other things between
// its steps, on one thread and on two. The workers of the pool may have gone to sleep in
// the meantime. It asserts nothing: compare the two by hand.
func BenchmarkStepWithGaps(b *testing.B) {
	const batch = 100
	rng := rand.New(rand.NewPCG(71, 0))
	x := tensor.New[float32](batch, 784)
	for i := range x.Data {
		x.Data[i] = rng.Float32()
	}
	labels := make([]int, batch)
	for i := range labels {
		labels[i] = rng.IntN(10)
	}
	for _, gap := range []time.Duration{0, 100 * time.Microsecond, 300 * time.Microsecond, time.Millisecond} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("gap=%v/threads=%d", gap, threads), func(b *testing.B) {
				net := nn.NewSequential(nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](), nn.NewAffine[float32](50, 10, rng))
				step := train.NewStep(net, nn.NewSoftmaxWithLoss[float32](), optim.NewSGD(net.Params(), 0.1))
				step.Threads(threads)
				var busy time.Duration
				for b.Loop() {
					start := time.Now()
					if _, err := step.Do(x, nn.Labels[float32](labels...)); err != nil {
						b.Fatal(err)
					}
					end := time.Now()
					busy += end.Sub(start)
					for time.Since(end) < gap { // other work
					}
				}
				b.ReportMetric(float64(busy.Microseconds())/float64(b.N), "µs/step")
			})
		}
	}
}
