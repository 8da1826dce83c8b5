// Command saveload trains a network, saves it, loads it and predicts one sample: all
// that a program needs to use a network that another one has trained.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

func main() {
	const path = "xor.safetensors"
	if err := fit(path); err != nil {
		log.Fatal(err)
	}
	for _, sample := range [][]float32{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
		class, probability, err := predict(path, sample)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v is of class %d, with probability %.3f\n", sample, class, probability)
	}
}

// fit learns exclusive or, and saves the network.
func fit(path string) error {
	set := data.Set[float32]{
		X: tensor.Of([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2), // 4 samples of 2 numbers
		T: []int{0, 1, 1, 0},                                  // their classes
	}
	weights := train.Random(1, "weights")
	net := nn.NewSequential(
		nn.NewAffine[float32](2, 8, weights),
		nn.NewTanh[float32](),
		nn.NewAffine[float32](8, 2, weights),
	)
	_, err := train.Run(context.Background(), train.Config[float32]{
		Net:       net,
		Loss:      nn.NewSoftmaxWithLoss[float32](),
		Optimizer: optim.NewAdam(net.Params(), 0.05),
		Train:     set,
		Batch:     4,
		Steps:     300,
	})
	if err != nil {
		return err
	}
	return model.Save(path, net, 2) // the shape of one sample
}

// predict loads the network and classifies one sample.
func predict(path string, sample []float32) (class int, probability float32, err error) {
	m, err := model.Load[float32](path)
	if err != nil {
		return 0, 0, err
	}
	x := tensor.Of(sample, 1, len(sample)) // a batch of one sample
	logits := m.Net.Forward(nil, x)
	y := nn.NewSoftmax[float32]().Forward(nil, logits)
	class = nn.Classes(y)[0]
	return class, y.Data[class], nil
}
