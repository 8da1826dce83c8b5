package train

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Evaluate returns the mean loss and the accuracy of net, which gives logits, on
// samples: NaN if there are none. It stops early with ctx's error. The threads,
// 0 for all of GOMAXPROCS, share out the samples and change no bit.
func Evaluate[T tensor.Float](ctx context.Context, net nn.Layer[T], samples data.Samples[T], threads int) (loss, accuracy float64, err error) {
	return newEvaluator(net, threads).evaluate(ctx, samples)
}

// part is so many samples, evaluated at a time. The sums are made of those of
// the parts in order, so that it is for nobody but this number to change a bit.
// Their inputs and results in between should fit a core's own cache.
const part = 200

// An evaluator evaluates a network again and again, without allocating: each
// worker takes the next part that nobody has taken. To share out the rows of
// each product instead would wake threads for some microseconds of work.
type evaluator[T tensor.Float] struct {
	workers []func()

	// The evaluation under way.
	ctx     context.Context
	samples data.Samples[T]
	shape   []int        // of a sample
	next    atomic.Int64 // the first part that is not taken
	sums    []sum        // of each part
	panics  []any        // of each worker
	done    sync.WaitGroup
}

// sum is what the samples of a part add up to.
type sum struct {
	loss    float64
	correct int
}

func newEvaluator[T tensor.Float](net nn.Layer[T], threads int) *evaluator[T] {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	e := &evaluator[T]{panics: make([]any, threads)}
	for i := range threads {
		w := &examiner[T]{net: net, loss: nn.NewSoftmaxWithLoss[T](), pass: &nn.Pass[T]{Threads: 1}}
		e.workers = append(e.workers, func() {
			defer e.done.Done()
			defer func() { e.panics[i] = recover() }() // of a wrong shape or label: the caller's
			e.work(w)
		})
	}
	return e
}

func (e *evaluator[T]) evaluate(ctx context.Context, samples data.Samples[T]) (loss, accuracy float64, err error) {
	n := samples.Len()
	parts := (n + part - 1) / part
	if len(e.sums) < parts {
		e.sums = make([]sum, parts)
	}
	e.ctx, e.samples, e.shape = ctx, samples, samples.SampleShape()
	e.next.Store(0)
	workers := e.workers[:min(len(e.workers), parts)]
	e.done.Add(len(workers))
	for _, work := range workers {
		go work()
	}
	e.done.Wait()
	for _, p := range e.panics[:len(workers)] {
		if p != nil {
			panic(p)
		}
	}
	if int(e.next.Load()) < parts {
		return 0, 0, ctx.Err()
	}
	var total sum
	for _, s := range e.sums[:parts] {
		total.loss += s.loss
		total.correct += s.correct
	}
	if n == 0 {
		return math.NaN(), math.NaN(), nil
	}
	return total.loss / float64(n), float64(total.correct) / float64(n), nil
}

// work takes parts until none is left.
func (e *evaluator[T]) work(w *examiner[T]) {
	for e.ctx.Err() == nil {
		i := int(e.next.Add(1)) - 1
		lo, hi := i*part, min(i*part+part, e.samples.Len())
		if lo >= hi {
			return
		}
		x := w.gather(e.samples, e.shape, lo, hi)
		logits := w.net.Forward(w.pass, x)
		loss := w.loss.Forward(w.pass, logits, w.labels)
		e.sums[i] = sum{float64(loss * float64(hi-lo)), nn.Correct(logits, w.labels)}
	}
}

// An examiner is what one worker has to itself.
type examiner[T tensor.Float] struct {
	net     nn.Layer[T]
	loss    *nn.SoftmaxWithLoss[T]
	pass    *nn.Pass[T]
	shape   []int // of a part
	numbers []int // of its samples
	labels  []int
}

// gather returns the samples lo to hi (without hi), and leaves their labels in w.
func (w *examiner[T]) gather(samples data.Samples[T], sample []int, lo, hi int) *tensor.Tensor[T] {
	w.shape = append(append(w.shape[:0], hi-lo), sample...)
	w.numbers, w.labels = w.numbers[:0], w.labels[:0]
	for i := lo; i < hi; i++ {
		w.numbers, w.labels = append(w.numbers, i), append(w.labels, 0)
	}
	w.pass.Reset()
	x := w.pass.New(w.shape...)
	samples.Gather(x.Data, w.labels, w.numbers)
	return x
}
