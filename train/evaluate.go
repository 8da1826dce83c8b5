package train

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Evaluate returns the mean loss of net on samples. If their targets are labels, it also
// returns the accuracy: the share of outputs whose largest element is at the label. Without
// samples (or if samples is nil) both are NaN; if the targets are values, the accuracy is
// NaN.
//
// It stops early with ctx's error, or with a *[nn.LabelError] that names the first sample
// whose label is not one of the classes. It is also an error if the network ends in a
// Softmax and the loss contains one. threads is the number of threads, 0 for all of
// GOMAXPROCS; it changes no bit.
func Evaluate[T tensor.Float](ctx context.Context, net nn.Layer[T], loss nn.Loss[T], samples data.Samples[T], threads int) (mean, accuracy float64, err error) {
	if threads < 0 {
		return 0, 0, fmt.Errorf("train: want 0 or more threads, got %d", threads)
	}
	if err := fitLoss(net, loss); err != nil {
		return 0, 0, err
	}
	if samples == nil {
		samples = data.Set[T]{}
	}
	return newEvaluator(net, loss, threads).evaluate(ctx, "set", samples)
}

// part is the number of samples that are evaluated at a time. The totals are sums over the
// parts in order, so the number of threads changes no bit; another number here may. The
// inputs of a part and the results of its layers should fit into a core's own cache.
const part = 200

// An evaluator evaluates a network again and again, without allocating. Each worker takes
// the next free part. Dividing the rows of each product instead would wake threads for a
// few microseconds of work.
type evaluator[T tensor.Float] struct {
	workers []func()

	// The current evaluation.
	ctx     context.Context
	samples data.Samples[T]
	shape   []int        // of a sample
	next    atomic.Int64 // the first free part
	scores  []Score      // of each part
	panics  []any        // what each worker panicked with
	done    sync.WaitGroup
}

func newEvaluator[T tensor.Float](net nn.Layer[T], loss nn.Loss[T], threads int) *evaluator[T] {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	e := &evaluator[T]{panics: make([]any, threads)}
	for i := range threads {
		w := &examiner[T]{net: net, loss: loss, pass: &nn.Pass[T]{Threads: 1}}
		e.workers = append(e.workers, func() {
			defer e.done.Done()
			defer func() { // for example for a wrong shape or label; evaluate panics with it
				e.panics[i] = recover()
				if wrong, ok := e.panics[i].(*nn.LabelError); ok {
					wrong.Sample += w.first
				}
			}()
			e.work(w)
		})
	}
	return e
}

func (e *evaluator[T]) evaluate(ctx context.Context, set string, samples data.Samples[T]) (loss, accuracy float64, err error) {
	parts := (samples.Len() + part - 1) / part
	if len(e.scores) < parts {
		e.scores = make([]Score, parts)
	}
	e.ctx, e.samples, e.shape = ctx, samples, samples.SampleShape()
	e.next.Store(0)
	workers := e.workers[:min(len(e.workers), parts)]
	e.done.Add(len(workers))
	for _, work := range workers {
		go work()
	}
	e.done.Wait()
	var wrong *nn.LabelError
	for _, p := range e.panics[:len(workers)] {
		switch p := p.(type) {
		case nil:
		case *nn.LabelError:
			if wrong == nil || p.Sample < wrong.Sample {
				wrong = p
			}
		default:
			panic(p)
		}
	}
	if wrong != nil {
		wrong.Op = "train: the " + set
		return 0, 0, wrong
	}
	if int(e.next.Load()) < parts {
		return 0, 0, ctx.Err()
	}
	var total Score
	for _, s := range e.scores[:parts] {
		total.Add(s)
	}
	return total.Loss(), total.Accuracy(), nil
}

// work takes parts until none is left.
func (e *evaluator[T]) work(w *examiner[T]) {
	for e.ctx.Err() == nil {
		i := int(e.next.Add(1)) - 1
		lo, hi := i*part, min(i*part+part, e.samples.Len())
		if lo >= hi {
			return
		}
		w.first = lo
		x, t := w.gather(e.samples, e.shape, lo, hi)
		e.scores[i] = ScoreOf(w.pass, w.loss, w.net.Forward(w.pass, x), t)
	}
}

// An examiner holds the state of one worker.
type examiner[T tensor.Float] struct {
	net     nn.Layer[T]
	loss    nn.Loss[T]
	pass    *nn.Pass[T]
	first   int   // the first sample of its part
	shape   []int // of the inputs of a part
	numbers []int // of the samples in it
	labels  []int
}

// gather returns the samples lo to hi-1 and their targets.
func (w *examiner[T]) gather(samples data.Samples[T], sample []int, lo, hi int) (*tensor.Tensor[T], nn.Targets[T]) {
	w.shape = append(append(w.shape[:0], hi-lo), sample...)
	w.numbers, w.labels = w.numbers[:0], w.labels[:0]
	for i := lo; i < hi; i++ {
		w.numbers, w.labels = append(w.numbers, i), append(w.labels, 0)
	}
	w.pass.Reset()
	x := w.pass.New(w.shape...)
	if shape, ok := samples.TargetShape(); ok {
		values := w.pass.New(append([]int{hi - lo}, shape...)...)
		samples.Gather(x.Data, nil, values.Data, w.numbers)
		return x, nn.Targets[T]{Values: values}
	}
	samples.Gather(x.Data, w.labels, nil, w.numbers)
	return x, nn.Targets[T]{Labels: w.labels}
}
