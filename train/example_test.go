package train_test

import (
	"context"
	"fmt"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// Exclusive or, which no network of one layer learns.
func ExampleRun() {
	set := data.Set[float32]{
		X: tensor.Of([]float32{0, 0, 0, 1, 1, 0, 1, 1}, 4, 2),
		T: []int{0, 1, 1, 0},
	}
	rng := train.Random(1, "weights")
	net := nn.NewSequential(nn.NewAffine[float32](2, 8, rng), nn.NewReLU[float32](), nn.NewAffine[float32](8, 2, rng))
	last, err := train.Run(context.Background(), train.Config[float32]{
		Net:       net,
		Loss:      nn.NewSoftmaxWithLoss[float32](),
		Optimizer: optim.NewSGD(net.Params(), 0.5),
		Train:     set,
		Batch:     4,
		Steps:     200,
		Seed:      1,
	})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Printf("after %d steps: accuracy %v\n", last.Step, last.TrainAccuracy)
	for i, class := range nn.Classes(net.Forward(nil, set.X)) {
		fmt.Println(set.X.Data[2*i:2*i+2], class)
	}
	// Output:
	// after 200 steps: accuracy 1
	// [0 0] 0
	// [0 1] 1
	// [1 0] 1
	// [1 1] 0
}
