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
// batch is the number of samples in a batch; 0 is 200. threads is the number of threads that compute
// batches at the same time, 0 for all of GOMAXPROCS; it changes no bit. visit runs on the caller's
// goroutine.
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
