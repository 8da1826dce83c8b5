package train_test

import (
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

// BenchmarkStep is one step of the book's network on MNIST, batch 100.
func BenchmarkStep(b *testing.B) {
	set, _, err := data.LoadMNIST[float32](b.Context(), data.MNISTSource{})
	if err != nil {
		b.Skip(err)
	}
	rng := train.Random(1, "weights")
	net := nn.NewSequential(nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](), nn.NewAffine[float32](50, 10, rng))
	for name, threads := range map[string]int{"threads=1": 1, "threads=2": 2} {
		b.Run(name, func(b *testing.B) {
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
