package nn_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// A user's own loop does other things between its steps. A second thread may
// never make such a step slower: it may have gone to sleep in the meantime.
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
				loss, sgd := nn.NewSoftmaxWithLoss[float32](), optim.NewSGD(net.Params(), 0.1)
				pass := &nn.Pass[float32]{Train: true, Keep: true, Threads: threads}
				var busy time.Duration
				for b.Loop() {
					start := time.Now()
					pass.Reset()
					loss.Forward(pass, net.Forward(pass, x), nn.Labels[float32](labels...))
					net.BackwardParams(pass, loss.Backward(pass))
					sgd.Step()
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
