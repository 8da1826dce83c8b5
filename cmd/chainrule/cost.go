package main

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// What a model may take of memory beside its weights. A small file can describe many
// layers with large results, so their numbers are counted, from shapes alone, before
// anything is computed.
const (
	mostComputed = 1 << 24 // of a sample and its results, as float32: 64 MB, which 200 samples of DeepConvNet fit in
	mostDrawn    = 1 << 15 // the same in a graph, where several nodes have each, or as many as the weights
	mostLayers   = 3000    // in a graph, which has a box for each
)

// mostSamples are computed at a time, as in [train.Evaluate].
const mostSamples = 200

// cost is what one sample takes.
type cost struct {
	numbers int64 // of the sample and the results of all layers
	layers  int   // that have results
}

func costOf[T tensor.Float](net *nn.Sequential[T], sample []int) (c cost, err error) {
	none := append([]int{0}, sample...) // no samples, no memory
	if _, err := nn.Check(net, none...); err != nil {
		return cost{}, err
	}
	add := func(shape []int) {
		size, ok := tensor.Size(shape...)
		if !ok {
			size = math.MaxInt32
		}
		c.numbers += int64(size)
	}
	add(sample)
	net.Forward(&nn.Pass[T]{Unfused: true, Observe: func(l nn.Layer[T], _ bool, y *tensor.Tensor[T]) {
		if _, chain := l.(*nn.Sequential[T]); !chain { // its result is that of its last layer
			add(y.Shape[1:])
			c.layers++
		}
	}}, tensor.New[T](none...))
	return c, nil
}

// checkNumbers refuses a model in which a sample and its results have more than most numbers.
func (c *classifier) checkNumbers(path string, most int64) error {
	if c.numbers > most {
		return fmt.Errorf("%s: a sample and the results of the layers are %d numbers, and at most %d are allowed; use a model with fewer or smaller layers", quoted(path), c.numbers, most)
	}
	return nil
}

// checkDrawn refuses a model that is too large to draw.
func (c *classifier) checkDrawn(path string) error {
	if c.layers > mostLayers {
		return fmt.Errorf("%s has %d layers, and at most %d are drawn; use a model with fewer", quoted(path), c.layers, mostLayers)
	}
	weights := 0
	for _, p := range c.Net.Params() {
		weights += len(p.Value.Data)
	}
	return c.checkNumbers(path, int64(max(mostDrawn, weights)))
}

// part is how many samples are computed at a time.
func (c *classifier) part() int { return int(max(1, min(mostSamples, mostComputed/4/c.numbers))) }

// together returns how many samples an evaluation computes at a time, and on how many
// threads: fewer threads where the results of the layers are large, and then fewer samples.
func (c *classifier) together() (batch, threads int) {
	threads = int(min(mostComputed/(mostSamples*c.numbers), int64(runtime.GOMAXPROCS(0))))
	if threads == 0 {
		return int(max(1, mostComputed/c.numbers)), 1
	}
	return mostSamples, threads
}

// evaluate returns the mean loss and the accuracy on samples, in bounded memory.
func (c *classifier) evaluate(ctx context.Context, set data.Samples[float32]) (train.Score, error) {
	batch, threads := c.together()
	return untilDone(ctx, func() (score train.Score, err error) {
		loss := c.loss()
		err = train.Outputs(ctx, c.logits, set, batch, threads, func(_ int, y *tensor.Tensor[float32], t nn.Targets[float32]) error {
			score.Add(train.ScoreOf(nil, loss, y, t))
			return nil
		})
		return score, err
	})
}
