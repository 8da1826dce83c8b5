package data

import (
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Set is samples and their targets. Row i of X, along its first axis, is sample i. Its
// target is the class index T[i] or, for a regression, row i of Values. The zero Set is
// empty.
type Set[T tensor.Float] struct {
	X      *tensor.Tensor[T] // (N, ...)
	T      []int             // (N)
	Values *tensor.Tensor[T] // (N, ...), instead of T
}

// Len returns the number of samples.
func (s Set[T]) Len() int { return s.Targets().Len() }

// Targets returns the targets of all samples. They share memory with s.
func (s Set[T]) Targets() nn.Targets[T] { return nn.Targets[T]{Labels: s.T, Values: s.Values} }

// SampleShape returns the shape of a sample. It panics with a
// *[tensor.ShapeError] if X does not have a row for each target.
func (s Set[T]) SampleShape() []int {
	return slices.Clone(s.checked("Set.SampleShape").X.Shape[1:])
}

// TargetShape implements [Samples].
func (s Set[T]) TargetShape() (shape []int, ok bool) {
	if s.Values == nil {
		return nil, false
	}
	return slices.Clone(s.Values.Shape[1:]), true
}

// Gather implements [Samples].
func (s Set[T]) Gather(x []T, labels []int, values []T, samples []int) {
	copyRows(x, s.X, samples)
	if s.Values != nil {
		copyRows(values, s.Values, samples)
		return
	}
	for i, sample := range samples {
		labels[i] = s.T[sample]
	}
}

// copyRows copies the given rows of all.
func copyRows[T tensor.Float](to []T, all *tensor.Tensor[T], rows []int) {
	size := len(to) / max(len(rows), 1)
	for i, row := range rows {
		copy(to[i*size:(i+1)*size], all.Data[row*size:])
	}
}

// Rows returns the samples lo to hi-1, which share memory with s. Like a slice expression, it
// panics if the range is out of bounds.
func (s Set[T]) Rows(lo, hi int) Set[T] {
	s = s.checked("Set.Rows")
	if s.Values != nil {
		return Set[T]{X: s.X.Rows(lo, hi), Values: s.Values.Rows(lo, hi)}
	}
	return Set[T]{X: s.X.Rows(lo, hi), T: s.T[lo:hi:hi]}
}

// checked returns s. It panics with a *tensor.ShapeError unless X has a row for each target.
func (s Set[T]) checked(op string) Set[T] {
	if s.X == nil {
		s.X = tensor.New[T](0)
	}
	want := "labels"
	if s.Values != nil {
		want = "rows of values"
		if s.T != nil {
			panic(op + ": a Set has labels T or Values, not both")
		}
	}
	for _, t := range []*tensor.Tensor[T]{s.X, s.Values} {
		if n, ok := 0, true; t != nil {
			if n, ok = tensor.Size(t.Shape...); !ok || n != len(t.Data) {
				panic(&tensor.ShapeError{Op: op, Want: fmt.Sprintf("a shape of %d elements, as many as Data has", len(t.Data)), Got: slices.Clone(t.Shape)})
			}
		}
	}
	if n := s.Len(); len(s.X.Shape) == 0 || s.X.Shape[0] != n {
		panic(&tensor.ShapeError{Op: op, Want: fmt.Sprintf("(%d, ...) for %d %s", n, n, want), Got: slices.Clone(s.X.Shape)})
	}
	return s
}

// Batches returns an iterator over batches of n samples and their targets. The last batch is
// smaller if n does not divide the number of samples; an empty set has no batches. Each range
// over the iterator shuffles anew, with numbers from rng; if rng is nil, the samples come in
// order.
//
// A batch is a copy of rows of s. Its memory is used again for the next batch. Batches panics if
// n < 1, and with a [*tensor.ShapeError] if X does not have a row for each target.
func (s Set[T]) Batches(n int, rng *rand.Rand) iter.Seq2[*tensor.Tensor[T], nn.Targets[T]] {
	s = s.checked("Set.Batches")
	mustBatch("Set.Batches", n)
	return func(yield func(*tensor.Tensor[T], nn.Targets[T]) bool) {
		b := NewBatcher(s, n, 0)
		if rng != nil {
			shuffle(b.order, rng)
		} else {
			for i := range b.order {
				b.order[i] = i
			}
		}
		for k := range b.Batches() {
			if !yield(b.at(k)) {
				return
			}
		}
	}
}

// A Batcher returns samples in shuffled batches, epoch after epoch, without allocating. The
// order in an epoch depends only on the seed and the number of the epoch. So a position is
// two integers: [Batcher.Seek] with the results of [Batcher.Position] continues exactly
// there, also in another process.
type Batcher[T tensor.Float] struct {
	Threads int // threads that copy a batch; below 2, only the caller's goroutine does

	samples      Samples[T]
	varying      Varying[T] // samples, if they are Varying; otherwise nil
	size         int        // samples in each batch but the last
	row          int        // elements of a sample
	seed         uint64
	epoch, batch int   // of the batch that Next returns next
	order        []int // of the samples in this epoch; set with its first batch
	pcg          rand.PCG
	x            tensor.Tensor[T]
	labels       []int            // of the batch; or values
	values       tensor.Tensor[T] // of the batch
	valueRow     int              // number of values of a sample; 0 if it has a label
	targets      nn.Targets[T]    // labels or values
	copying      copying[T]
}

// copying is the work of copying samples into a batch, divided among threads.
type copying[T tensor.Float] struct {
	to      *Batcher[T]
	samples []int
}

// NewBatcher returns a Batcher at the start of epoch 0, with batches of n samples. It panics if
// n < 1, and with a [*tensor.ShapeError] unless there is a target for each sample.
func NewBatcher[T tensor.Float](samples Samples[T], n int, seed uint64) *Batcher[T] {
	mustBatch("data.NewBatcher", n)
	n = min(n, max(samples.Len(), 1)) // so that the buffers are not larger than the samples
	shape := samples.SampleShape()
	row, _ := tensor.Size(shape...)
	b := &Batcher[T]{samples: samples, size: n, row: row, seed: seed, order: make([]int, samples.Len())}
	b.varying, _ = samples.(Varying[T])
	b.x.Shape = append([]int{n}, shape...)
	b.x.Data = make([]T, n*row)
	if shape, ok := samples.TargetShape(); ok {
		b.valueRow, _ = tensor.Size(shape...)
		b.values = tensor.Tensor[T]{Shape: append([]int{n}, shape...), Data: make([]T, n*b.valueRow)}
		b.targets.Values = &b.values
	} else {
		b.labels = make([]int, n)
	}
	return b
}

func mustBatch(op string, n int) {
	if n < 1 {
		panic(fmt.Sprintf("%s: a batch has at least 1 sample, not %d", op, n))
	}
}

// Batches returns the number of batches in an epoch.
func (b *Batcher[T]) Batches() int { return (b.samples.Len() + b.size - 1) / b.size }

// Next returns the next batch and its targets. At the end of an epoch it returns false; the next
// call begins the next epoch. The last batch of an epoch is smaller if the batch size does not
// divide the number of samples. The batch is a copy of the samples. Its memory is used again for
// the next batch.
func (b *Batcher[T]) Next() (x *tensor.Tensor[T], t nn.Targets[T], ok bool) {
	if b.batch == b.Batches() {
		b.epoch, b.batch = b.epoch+1, 0
		return nil, nn.Targets[T]{}, false
	}
	if b.batch == 0 {
		b.shuffle()
	}
	x, t = b.at(b.batch)
	b.batch++
	return x, t, true
}

// Samples returns the numbers of the samples in the batch that Next returned last, row by
// row. The slice is valid until the next call of Next. It is nil before the first.
func (b *Batcher[T]) Samples() []int { return b.copying.samples }

// Position returns the epoch, and the number of batches of that epoch that Next has
// returned, both counted from 0. The epoch changes only when Next has returned false.
func (b *Batcher[T]) Position() (epoch, batch int) { return b.epoch, b.batch }

// Settings returns everything that the order of the samples depends on: their number, the batch
// size and the seed.
func (b *Batcher[T]) Settings() (samples, batch int, seed uint64) {
	return b.samples.Len(), b.size, b.seed
}

// Seek makes Next continue at a position that [Batcher.Position] returned. That Batcher
// must have had the same number of samples, batch size and seed. A position that does not
// exist is an error and changes nothing.
func (b *Batcher[T]) Seek(epoch, batch int) error {
	if epoch < 0 || batch < 0 || batch > b.Batches() {
		return fmt.Errorf("there is no epoch %d, batch %d: %d samples make %d batches of %d an epoch; continue with the data and the batch size it began with",
			epoch, batch, b.samples.Len(), b.Batches(), b.size)
	}
	b.epoch, b.batch = epoch, batch
	if batch > 0 {
		b.shuffle()
	}
	return nil
}

// shuffle computes the order of the current epoch.
func (b *Batcher[T]) shuffle() {
	b.pcg.Seed(b.seed, uint64(b.epoch))
	shuffle(b.order, &b.pcg)
}

// at copies batch k of the current order.
func (b *Batcher[T]) at(k int) (*tensor.Tensor[T], nn.Targets[T]) {
	order := b.order[k*b.size : min(k*b.size+b.size, len(b.order))]
	b.x.Shape[0] = len(order)
	b.x.Data = b.x.Data[:len(order)*b.row]
	if b.targets.Values != nil {
		b.values.Shape[0] = len(order)
		b.values.Data = b.values.Data[:len(order)*b.valueRow]
	} else {
		b.targets.Labels = b.labels[:len(order)]
	}
	b.copying = copying[T]{b, order}
	kernel.Parallel(b.Threads, (len(order)+together-1)/together, &b.copying)
	return &b.x, b.targets
}

// together is the number of samples that a thread copies at a time.
const together = 16

// Do copies the samples of one part of the work.
func (d *copying[T]) Do(part int) {
	lo, hi := part*together, min((part+1)*together, len(d.samples))
	b := d.to
	var labels []int
	var values []T
	if b.targets.Values != nil {
		values = b.values.Data[lo*b.valueRow : hi*b.valueRow]
	} else {
		labels = b.targets.Labels[lo:hi]
	}
	x := b.x.Data[lo*b.row : hi*b.row]
	if b.varying != nil {
		b.varying.GatherEpoch(b.epoch, x, labels, values, d.samples[lo:hi])
		return
	}
	b.samples.Gather(x, labels, values, d.samples[lo:hi])
}

// shuffle makes order a random permutation of 0 to len(order)-1, whatever it was before, by the
// inside-out form of the Fisher-Yates shuffle.
//
// It uses the bits of the source and not the methods of rand.Rand, whose results differ
// between 32-bit and 64-bit machines. It has no rejection step, so some permutations are
// more likely than others, by len(order)/2^64, which cannot be observed.
func shuffle(order []int, bits64 rand.Source) {
	for i := range order {
		high, _ := bits.Mul64(bits64.Uint64(), uint64(i+1))
		j := int(high)
		order[i] = order[j]
		order[j] = i
	}
}
