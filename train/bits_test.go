package train_test

import (
	"encoding/binary"
	"hash/fnv"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// TestTrainingHasTheSameBitsEverywhere trains the book's network for 200 steps, on
// every path of this processor, and compares all bits of its parameters with
// those recorded on amd64 with the loops in Go. A change of one of these is a
// change of everybody's results.
func TestTrainingHasTheSameBitsEverywhere(t *testing.T) {
	type layer = nn.Layer[float32]
	relu := func() layer { return nn.NewReLU[float32]() }
	sigmoid := func() layer { return nn.NewSigmoid[float32]() }
	sgd := func(params []*nn.Param[float32]) *optim.Optimizer[float32] { return optim.NewSGD(params, 0.1) }
	tanh := func() layer { return nn.NewTanh[float32]() }
	adam := func(params []*nn.Param[float32]) *optim.Optimizer[float32] { return optim.NewAdam(params, 0.001) }
	momentum := func(params []*nn.Param[float32]) *optim.Optimizer[float32] {
		return optim.NewMomentum(params, 0.01, 0.9)
	}
	for _, run := range []struct {
		name       string
		ink        float64 // the share of pixels that are not 0: of MNIST 0.19
		activation func() layer
		optimizer  func([]*nn.Param[float32]) *optim.Optimizer[float32]
		want       uint64
	}{
		{"ReLU", 1, relu, sgd, 0xc7e9390aa741e13a},
		{"ReLU on mostly zeros", 0.19, relu, sgd, 0x86fb4e9b3c712e5b},
		{"Sigmoid", 1, sigmoid, sgd, 0x6eec18c174db12d8},
		{"Momentum on mostly zeros", 0.19, relu, momentum, 0x48bb8b3e5954f8dc},
		{"Tanh and Adam", 1, tanh, adam, 0xb2738ce573480cb8},
	} {
		set := pixels(1000, run.ink)
		for _, path := range kernel.Paths() {
			t.Run(run.name+"/"+path, func(t *testing.T) {
				restore, err := kernel.Use(path)
				if err != nil {
					t.Fatal(err)
				}
				defer restore()
				rng := train.Random(1, "weights")
				net := nn.NewSequential[float32](nn.NewAffine[float32](784, 50, rng), run.activation(), nn.NewAffine[float32](50, 10, rng))
				_, err = train.Run(t.Context(), train.Config[float32]{
					Net: net, Loss: nn.NewSoftmaxWithLoss[float32](), Optimizer: run.optimizer(net.Params()),
					Train: set, Batch: 100, Steps: 200, Seed: 1,
				})
				if err != nil {
					t.Fatal(err)
				}
				sum := fnv.New64a()
				_ = binary.Write(sum, binary.LittleEndian, bits(net))
				if got := sum.Sum64(); got != run.want {
					t.Errorf("the bits of the parameters have the checksum %#016x, want %#016x", got, run.want)
				}
			})
		}
	}
}

// pixels is n images of random pixels, so many of them not 0, in ten classes.
// (Uniform numbers: rng.NormFloat64 rounds differently on different processors.)
func pixels(n int, ink float64) data.Set[float32] {
	rng := train.Random(7, "pixels")
	set := data.Set[float32]{X: tensor.New[float32](n, 784), T: make([]int, n)}
	for i := range set.X.Data {
		if rng.Float64() < ink {
			set.X.Data[i] = float32(rng.Float64())
		}
	}
	for i := range set.T {
		set.T[i] = rng.IntN(10)
	}
	return set
}
