// Command ownlayer has a layer of its own, which is not in package nn: it verifies the
// layer's gradients, trains a network with it, saves the network and loads it again.
// The layer is in rbf.go.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

func main() {
	report := verify()
	if err := report.Err(); err != nil {
		log.Fatal(err) // the element, both values and the likely cause
	}
	for _, reference := range gradcheck.References() {
		worst, _ := report.Error(reference)
		fmt.Printf("largest relative error against the %v: %.0e\n", reference, worst)
	}

	net, err := fit(spirals(900, train.Random(1, "training")))
	if err != nil {
		log.Fatal(err)
	}
	const path = "rbf.safetensors"
	if err := model.Save(path, net, 2); err != nil {
		log.Fatal(err)
	}
	m, err := model.Load[float32](path)
	if err != nil {
		log.Fatal(err)
	}
	test := spirals(900, train.Random(1, "test"))
	fmt.Printf("%v: test accuracy %.3f, saved to %s\n", m.Net, nn.Accuracy(m.Net.Forward(nil, test.X), test.T), path)
}

// verify compares the gradients of the layer with its formula and with differences, and
// checks the rest of what package nn asks of a layer.
func verify() gradcheck.Report {
	return gradcheck.Layer(gradcheck.Case{
		Name:    "RBF",
		New:     func(rng *rand.Rand) nn.Layer[float64] { return NewRBF[float64](3, 5, 1.5, rng) },
		Sample:  []int{3},
		Refuses: [][]int{{4, 2}, {3}},
	})
}

func fit(set data.Set[float32]) (*nn.Sequential[float32], error) {
	weights := train.Random(1, "weights")
	net := nn.NewSequential(NewRBF[float32](2, 40, 0.3, weights), nn.NewAffine[float32](40, 3, weights))
	_, err := train.Run(context.Background(), train.Config[float32]{
		Net:       net,
		Loss:      nn.NewSoftmaxWithLoss[float32](),
		Optimizer: optim.NewAdam(net.Params(), 0.01),
		Train:     set,
		Batch:     30,
		Steps:     3000,
		Seed:      1,
	})
	return net, err
}

// spirals returns n points on three spirals around the origin, which no straight lines
// part. Their classes are the spirals.
func spirals(n int, rng *rand.Rand) data.Set[float32] {
	set := data.Set[float32]{X: tensor.New[float32](n, 2), T: make([]int, n)}
	for i := range n {
		radius, class := rng.Float64(), i%3
		angle := math.FMA(4, radius, math.FMA(0.2, rng.NormFloat64(), 2*math.Pi/3*float64(class)))
		set.X.Data[2*i] = float32(radius * math.Sin(angle))
		set.X.Data[2*i+1] = float32(radius * math.Cos(angle))
		set.T[i] = class
	}
	return set
}
