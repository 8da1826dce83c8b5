// Command loop has a training loop of its own: a learning rate that falls from epoch to
// epoch, an early stop, and an interrupt that loses nothing, for the model on file is
// always the best one so far.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"os/signal"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once

	images, test, err := data.LoadMNIST[float32](ctx, data.MNISTSource{})
	if err != nil {
		log.Fatal(err)
	}
	// The last images of the training set decide when to stop. The test set may not:
	// its accuracy would no longer be that of unseen images.
	training, validation := images.Rows(0, 55000), images.Rows(55000, 60000)
	const path = "loop.safetensors"
	saved, err := fit(ctx, os.Stdout, path, training, validation, 50)
	if err != nil && !(saved && errors.Is(err, context.Canceled)) {
		log.Fatal(err)
	}
	best, err := model.Load[float32](path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("test accuracy %.4f, saved to %s\n", nn.Accuracy(best.Net.Forward(nil, test.X), test.T), path)
}

// patience is the number of epochs without a lower validation loss before the stop.
const patience = 3

// fit trains for at most epochs epochs and keeps the best network in the file. saved reports
// whether the file has one. If ctx is done, it returns ctx's error after the current step.
func fit(ctx context.Context, w io.Writer, path string, training, validation data.Set[float32], epochs int) (saved bool, err error) {
	sample := training.SampleShape()
	weights, order := train.Random(1, "weights"), train.Random(1, "order")
	net := nn.NewSequential(
		nn.NewAffine[float32](sample[0], 50, weights),
		nn.NewReLU[float32](),
		nn.NewAffine[float32](50, 10, weights),
	)
	loss := nn.NewSoftmaxWithLoss[float32]()
	sgd := optim.NewMomentum(net.Params(), 0.05, 0.9)
	step := train.NewStep(net, loss, sgd)

	best, since := math.Inf(1), 0
	for epoch := 1; epoch <= epochs; epoch++ {
		for x, t := range training.Batches(100, order) {
			if ctx.Err() != nil {
				return saved, ctx.Err()
			}
			if _, err := step.Do(x, t); err != nil {
				return saved, err
			}
		}
		mean, accuracy, err := train.Evaluate(ctx, net, loss, validation, 0)
		if err != nil {
			return saved, err
		}
		fmt.Fprintf(w, "epoch %2d  learning rate %.4f  validation loss %.4f  accuracy %.4f\n", epoch, sgd.LR, mean, accuracy)
		if mean < best {
			if err := model.Save(path, net, sample...); err != nil {
				return saved, err
			}
			best, since, saved = mean, 0, true
		} else if since++; since == patience {
			fmt.Fprintf(w, "no better for %d epochs\n", patience)
			return saved, nil
		}
		sgd.LR *= 0.9 // free to change between steps
	}
	return saved, nil
}
