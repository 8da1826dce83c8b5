// Command mnist trains the two-layer network of the book in a loop of its own.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

func main() {
	if _, err := fit(5); err != nil {
		log.Fatal(err)
	}
}

func fit(epochs int) (accuracy float64, err error) {
	training, test, err := data.LoadMNIST[float32](context.Background(), data.MNISTSource{})
	if err != nil {
		return 0, err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewSequential(nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](), nn.NewAffine[float32](50, 10, rng))
	step := train.NewStep(net, nn.NewSoftmaxWithLoss[float32](), optim.NewSGD(net.Params(), 0.1))
	for epoch := range epochs {
		var sum float64
		for x, t := range training.Batches(100, rng) {
			loss, err := step.Do(x, t) // forward, loss, backward, and w -= 0.1·grad
			if err != nil {
				return 0, err
			}
			sum += loss
		}
		accuracy = nn.Accuracy(net.Forward(nil, test.X), test.T)
		fmt.Printf("epoch %d  loss %.4f  test accuracy %.4f\n", epoch+1, sum/600, accuracy)
	}
	return accuracy, nil
}
