// Command csv trains on a table of one's own, saves the network with how its inputs are
// made, and has it predict a table of which it knows nothing.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

func main() {
	const path = "iris.safetensors"
	accuracy, err := fit("examples/csv/iris.csv", path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("test accuracy %.2f\n", accuracy)
	names, err := predict(path, "examples/csv/new.csv")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names)
}

// fit learns the species of the flowers of a table, and saves the network.
func fit(table, path string) (accuracy float64, err error) {
	ctx := context.Background()
	parts, err := data.Load[float32](ctx, table, data.Options{Label: "species", Test: 0.2, Seed: 1})
	if err != nil {
		return 0, err
	}
	p := parts.Preparation
	weights := train.Random(1, "weights")
	net := nn.NewSequential(
		nn.NewAffine[float32](p.Shape()[0], 16, weights),
		nn.NewReLU[float32](),
		nn.NewAffine[float32](16, p.Outputs(), weights),
	)
	last, err := train.Run(ctx, train.Config[float32]{
		Net:       net,
		Loss:      nn.NewSoftmaxWithLoss[float32](),
		Optimizer: optim.NewAdam(net.Params(), 0.01),
		Train:     parts.Train,
		Test:      parts.Test,
		Batch:     20,
		Steps:     300,
	})
	if err != nil {
		return 0, err
	}
	m := &model.Model[float32]{Net: net, Input: p.Shape(), Preparation: p}
	return last.TestAccuracy, m.Save(path)
}

// predict loads the network and names the species of the flowers of a table, whose columns
// are found by their names and scaled as those that were trained on.
func predict(path, table string) (names []string, err error) {
	m, err := model.Load[float32](path)
	if err != nil {
		return nil, err
	}
	flowers, err := m.Samples(context.Background(), table)
	if err != nil {
		return nil, err
	}
	for _, class := range nn.Classes(m.Net.Forward(nil, flowers.X)) {
		names = append(names, m.Preparation.Classes[class])
	}
	return names, nil
}
