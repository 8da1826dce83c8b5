// Command resume trains a network in a loop of its own that can be interrupted at any
// moment, by Ctrl-C or by a crash: started again, it goes on from the last checkpoint and
// ends with the same bits. For a training without a loop of its own, Dir in train.Config
// does this.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"math"
	"os"
	"os/signal"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	net, err := fit(ctx, "spirals.safetensors")
	if err != nil {
		log.Fatal(err)
	}
	set := spirals(1000)
	fmt.Printf("accuracy %.3f\n", nn.Accuracy(net.Forward(nil, set.X), set.T))
}

// fit trains for 3,000 steps, and saves a checkpoint each 100 and when ctx is done.
func fit(ctx context.Context, path string) (*nn.Sequential[float32], error) {
	rng := train.Random(1, "weights")
	net := nn.NewSequential(nn.NewAffine[float32](2, 64, rng), nn.NewTanh[float32](), nn.NewAffine[float32](64, 2, rng))
	step := train.NewStep(net, nn.NewSoftmaxWithLoss[float32](), optim.NewAdam(net.Params(), 0.01))
	batches := data.NewBatcher(spirals(1000), 50, 1)
	state := train.State[float32]{Net: net, Optimizer: step.Optimizer, Pass: step.Pass, Batches: batches}

	if err := state.Load(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for step.Optimizer.Steps < 3000 {
		x, t, ok := batches.Next()
		if !ok {
			continue // the next epoch begins
		}
		if _, err := step.Do(x, t); err != nil {
			return nil, err
		}
		if stopped := ctx.Err(); stopped != nil || step.Optimizer.Steps%100 == 0 {
			if err := errors.Join(state.Save(path), stopped); err != nil {
				return nil, err
			}
		}
	}
	return net, nil
}

// spirals is n points on two arms, which turn once around the middle.
func spirals(n int) data.Set[float32] {
	rng := train.Random(2, "spirals")
	set := data.Set[float32]{X: tensor.New[float32](n, 2), T: make([]int, n)}
	for i := range n {
		set.T[i] = i % 2
		x, y := 1.0, 0.0 // of a unit circle, by steps of 1/64 turn without sines
		turns := rng.IntN(48)
		for range turns {
			x, y = math.FMA(x, 0.9952, -float64(y*0.0980)), math.FMA(x, 0.0980, float64(y*0.9952))
		}
		r := float64(8+turns) / 56 * float64(1-2*(i%2))
		set.X.Data[2*i], set.X.Data[2*i+1] = float32(r*x), float32(r*y)
	}
	return set
}
