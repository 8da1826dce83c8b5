package train

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Outputs computes the outputs of net for samples, and calls visit with each batch in order: the
// number of its first sample, its outputs, and its targets. Outputs and targets are valid until
// visit returns. So metrics need memory for only a few batches, whatever the number of samples.
//
// batch is the number of samples in a batch; 0 is 200. threads is the number of threads
// that compute batches at the same time, 0 for all of GOMAXPROCS; it changes no bit. visit
// runs on the caller's goroutine.
//
// It stops early with ctx's error, or with the error of visit.
func Outputs[T tensor.Float](ctx context.Context, net nn.Layer[T], samples data.Samples[T], batch, threads int, visit func(first int, y *tensor.Tensor[T], t nn.Targets[T]) error) error {
	if batch < 0 || threads < 0 {
		return fmt.Errorf("train: want 0 or more samples at a time and threads, got %d and %d", batch, threads)
	}
	if batch == 0 {
		batch = part
	}
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	type worker struct {
		examiner[T]
		y        *tensor.Tensor[T]
		t        nn.Targets[T]
		panicked any // such as a wrong shape
	}
	shape := samples.SampleShape()
	workers := make([]worker, threads)
	for i := range workers {
		workers[i].pass = &nn.Pass[T]{Threads: 1}
	}
	for lo := 0; lo < samples.Len(); {
		var done sync.WaitGroup
		n := 0 // batches under way
		for ; n < threads && lo < samples.Len(); n++ {
			w := &workers[n]
			w.first, lo = lo, min(lo+batch, samples.Len())
			hi := lo
			done.Go(func() {
				defer func() { w.panicked = recover() }()
				var x *tensor.Tensor[T]
				x, w.t = w.gather(samples, shape, w.first, hi)
				w.y = net.Forward(w.pass, x)
			})
		}
		done.Wait()
		for i := range workers[:n] {
			w := &workers[i]
			if w.panicked != nil {
				panic(w.panicked)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := visit(w.first, w.y, w.t); err != nil {
				return err
			}
		}
	}
	return nil
}

// A Score is how well samples are predicted, a batch of them or, added up, a set: see
// [ScoreOf].
type Score struct {
	samples, labels, correct int
	loss, weight             float64 // the sums of the samples'
}

// ScoreOf returns the score of the outputs y of a batch, by a loss that p, which may be
// nil, computes.
func ScoreOf[T tensor.Float](p *nn.Pass[T], loss nn.Loss[T], y *tensor.Tensor[T], t nn.Targets[T]) Score {
	s := Score{samples: t.Len(), weight: float64(t.Len())}
	if weighted, ok := loss.(nn.WeightedLoss[T]); ok {
		s.weight = weighted.Weight(t)
	}
	s.loss = float64(loss.Forward(p, y, t) * s.weight)
	if t.Values == nil {
		s.labels, s.correct = t.Len(), nn.Correct(y, t.Labels)
	}
	return s
}

// Add adds the score of other samples.
func (s *Score) Add(other Score) {
	s.samples += other.samples
	s.labels += other.labels
	s.correct += other.correct
	s.loss += other.loss
	s.weight += other.weight
}

// Loss is the mean loss, in which each sample has the weight that the loss gives it
// ([nn.WeightedLoss]): 0 if none has any, NaN if there are no samples.
func (s Score) Loss() float64 {
	if s.weight == 0 && s.samples > 0 {
		return 0
	}
	return s.loss / s.weight
}

// Accuracy is the share of outputs whose largest element is at the label, NaN if there are
// no labels.
func (s Score) Accuracy() float64 { return float64(s.correct) / float64(s.labels) }
