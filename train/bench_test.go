package train_test

import (
	"fmt"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

// BenchmarkStep measures one step of the book's network on MNIST, batch 100.
func BenchmarkStep(b *testing.B) {
	set, _, err := data.LoadMNIST[float32](b.Context(), data.MNISTSource{})
	if err != nil {
		b.Skip(err)
	}
	rng := train.Random(1, "weights")
	net := nn.NewSequential(nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](), nn.NewAffine[float32](50, 10, rng))
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			step := train.NewStep(net, nn.NewSoftmaxWithLoss[float32](), optim.NewSGD(net.Params(), 0.1))
			step.Threads(threads)
			batches := data.NewBatcher(set, 100, 1)
			b.ReportAllocs()
			for b.Loop() {
				x, t, ok := batches.Next()
				if !ok {
					x, t, _ = batches.Next()
				}
				if _, err := step.Do(x, t); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
