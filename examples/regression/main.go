// Command regression fits a curve: a network of one hidden layer learns the sine of a
// number from samples with noise, by the mean squared error.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

func main() {
	net, err := fit(func(e train.Epoch) error {
		if e.Step%1000 == 0 {
			fmt.Printf("step %4d  mean squared error %.5f\n", e.Step, e.Loss)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range []float32{-2, -1, 0, 1, 2} {
		y := net.Forward(nil, tensor.Of([]float32{x}, 1, 1))
		fmt.Printf("sin(%2v) = %+.3f, the network says %+.3f\n", x, math.Sin(float64(x)), y.Data[0])
	}
}

func fit(onEpoch func(train.Epoch) error) (*nn.Sequential[float32], error) {
	weights := train.Random(1, "weights")
	net := nn.NewSequential(
		nn.NewAffine[float32](1, 32, weights),
		nn.NewTanh[float32](),
		nn.NewAffine[float32](32, 1, weights),
	)
	_, err := train.Run(context.Background(), train.Config[float32]{
		Net:       net,
		Loss:      nn.NewMeanSquaredError[float32](),
		Optimizer: optim.NewAdam(net.Params(), 0.01),
		Train:     samples(1000, 0.1, train.Random(1, "samples")),
		Batch:     50,
		Steps:     5000,
		Seed:      1,
		OnEpoch:   onEpoch,
	})
	return net, err
}

// samples returns n points of the curve, whose y has noise of a standard deviation. The
// targets of a regression are Values; those of a classifier are the labels T.
func samples(n int, noise float64, rng *rand.Rand) data.Set[float32] {
	x, y := tensor.New[float32](n, 1), tensor.New[float32](n, 1)
	for i := range n {
		at := math.FMA(6, rng.Float64(), -3) // from -3 to 3
		x.Data[i] = float32(at)
		y.Data[i] = float32(math.FMA(noise, rng.NormFloat64(), math.Sin(at)))
	}
	return data.Set[float32]{X: x, Values: y}
}
