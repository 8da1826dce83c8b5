package data

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// numbered returns a set whose sample i consists of i*100, i*100+1, ... and has
// the label -i, so that every element says where it belongs.
func numbered(n int, sample ...int) Set[float32] {
	s := Set[float32]{X: tensor.New[float32](append([]int{n}, sample...)...), T: make([]int, n)}
	row, _ := tensor.Size(sample...)
	for i := range n {
		for j := range row {
			s.X.Data[i*row+j] = float32(i*100 + j)
		}
		s.T[i] = -i
	}
	return s
}

// samples checks that x, t is a batch of a numbered set and returns the numbers
// of its samples.
func samples(t *testing.T, x *tensor.Tensor[float32], labels []int, sample ...int) []int {
	t.Helper()
	if want := append([]int{len(labels)}, sample...); !slices.Equal(x.Shape, want) {
		t.Fatalf("batch has shape %v, want %v", x.Shape, want)
	}
	row, _ := tensor.Size(sample...)
	if len(x.Data) != len(labels)*row {
		t.Fatalf("batch has %d elements, want %d", len(x.Data), len(labels)*row)
	}
	var numbers []int
	for i, label := range labels {
		for j := range row {
			if want := float32(-label*100 + j); x.Data[i*row+j] != want {
				t.Fatalf("row %d with label %d has element %d = %v, want %v", i, label, j, x.Data[i*row+j], want)
			}
		}
		numbers = append(numbers, -label)
	}
	return numbers
}

// rest returns the remaining batches of the epoch.
func rest(t *testing.T, b *Batcher[float32], sample ...int) (batches [][]int) {
	t.Helper()
	for x, labels, ok := b.Next(); ok; x, labels, ok = b.Next() {
		batches = append(batches, samples(t, x, labels.Labels, sample...))
	}
	return batches
}

// complete fails unless the batches hold each of 0 to n-1 once, size at a time.
func complete(t *testing.T, batches [][]int, n, size int) {
	t.Helper()
	for k, batch := range batches {
		if want := min(size, n-k*size); len(batch) != want {
			t.Errorf("batch %d has %d samples, want %d", k, len(batch), want)
		}
	}
	all := slices.Concat(batches...)
	slices.Sort(all)
	if len(all) != n {
		t.Fatalf("%d samples were returned, want %d", len(all), n)
	}
	for i, sample := range all {
		if sample != i {
			t.Fatalf("sample %d was returned twice or not at all: %v", i, all)
		}
	}
}

func TestBatches(t *testing.T) {
	for _, tt := range []struct {
		n, size int
		sample  []int
	}{
		{0, 3, []int{2}}, {1, 3, []int{2}}, {7, 1, []int{2}}, {7, 3, []int{2}}, {7, 7, []int{3, 2, 2}},
		{7, 8, []int{2}}, {6, 3, nil}, {6, 4, []int{0}}, {6, math.MaxInt, []int{1}},
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			set := numbered(tt.n, tt.sample...)
			if set.Len() != tt.n {
				t.Errorf("Len() = %d, want %d", set.Len(), tt.n)
			}
			collect := func(rng *rand.Rand) (batches [][]int) {
				for x, labels := range set.Batches(tt.size, rng) {
					batches = append(batches, samples(t, x, labels.Labels, tt.sample...))
				}
				return batches
			}
			inOrder := collect(nil)
			complete(t, inOrder, tt.n, tt.size)
			if !slices.IsSorted(slices.Concat(inOrder...)) {
				t.Errorf("without rng the order is %v", inOrder)
			}
			complete(t, collect(rand.New(rand.NewPCG(1, 2))), tt.n, tt.size)

			b := NewBatcher(set, tt.size, 1)
			for range 3 {
				complete(t, rest(t, b, tt.sample...), tt.n, tt.size)
			}
			if b.Batches() != len(inOrder) {
				t.Errorf("Batches() = %d, want %d", b.Batches(), len(inOrder))
			}
		})
	}
}

func TestBatchesShuffleAnew(t *testing.T) {
	set := numbered(50, 1)
	batches := set.Batches(50, rand.New(rand.NewPCG(1, 2)))
	order := func() []int {
		for x, labels := range batches {
			return samples(t, x, labels.Labels, 1)
		}
		return nil
	}
	first, second := order(), order()
	if slices.Equal(first, second) {
		t.Error("two ranges over one iterator have the same order")
	}
	batches = set.Batches(50, rand.New(rand.NewPCG(1, 2)))
	if again := order(); !slices.Equal(first, again) {
		t.Error("the same state of the generator gives another order")
	}
}

func TestBatchesLeaveTheSet(t *testing.T) {
	set, want := numbered(7, 2), numbered(7, 2)
	for x, labels := range set.Batches(3, rand.New(rand.NewPCG(1, 2))) {
		clear(x.Data)
		clear(labels.Labels)
	}
	if !slices.Equal(set.X.Data, want.X.Data) || !slices.Equal(set.T, want.T) {
		t.Error("writing to a batch changed the set")
	}
}

func TestRows(t *testing.T) {
	set := numbered(7, 2, 2)
	part := set.Rows(2, 5)
	if got := samples(t, part.X, part.T, 2, 2); !slices.Equal(got, []int{2, 3, 4}) {
		t.Errorf("Rows(2, 5) has samples %v", got)
	}
	part.X.Data[0], part.T[0] = -1, -1
	if set.X.Data[2*4] != -1 || set.T[2] != -1 {
		t.Error("Rows does not share memory")
	}
	part.T = append(part.T, 77)
	if set.T[5] == 77 {
		t.Error("appending to part of a set wrote to the rest")
	}
	if set.Rows(7, 7).Len() != 0 {
		t.Error("Rows(7, 7) is not empty")
	}
	complete(t, rest(t, NewBatcher(numbered(9, 1).Rows(0, 4), 3, 1), 1), 4, 3)
}

func TestZeroSet(t *testing.T) {
	var set Set[float64]
	for range set.Batches(3, nil) {
		t.Error("the zero set has a batch")
	}
	b := NewBatcher(set, 3, 1)
	for epoch := range 3 {
		if got, batch := b.Position(); got != epoch || batch != 0 {
			t.Errorf("position %d, %d, want %d, 0", got, batch, epoch)
		}
		if _, _, ok := b.Next(); ok {
			t.Error("the zero set has a batch")
		}
	}
	if set.Rows(0, 0).Len() != 0 {
		t.Error("no rows of the zero set are not empty")
	}
}

func TestPanics(t *testing.T) {
	short := Set[float32]{X: tensor.New[float32](3, 2), T: []int{1, 2}}
	scalar := Set[float32]{X: tensor.New[float32](), T: nil}
	lost := Set[float32]{T: []int{1, 2}}
	good := numbered(3, 2)
	for _, tt := range []struct {
		name  string
		do    func()
		shape bool
		want  string
	}{
		{"labels/Batches", func() { short.Batches(1, nil) }, true, "Set.Batches: want (2, ...) for 2 labels, got (3, 2)"},
		{"labels/NewBatcher", func() { NewBatcher(short, 1, 0) }, true, "Set.SampleShape: want (2, ...) for 2 labels, got (3, 2)"},
		{"labels/Rows", func() { short.Rows(0, 1) }, true, "Set.Rows: want (2, ...) for 2 labels, got (3, 2)"},
		{"rank 0", func() { scalar.Batches(1, nil) }, true, "got ()"},
		{"no X", func() { lost.Batches(1, nil) }, true, "got (0)"},
		{"rows outside", func() { good.Rows(1, 4) }, true, "at least 4 rows"},
		{"n = 0", func() { good.Batches(0, nil) }, false, "Set.Batches: a batch has at least 1 sample, not 0"},
		{"n = -1", func() { NewBatcher(good, -1, 0) }, false, "data.NewBatcher: a batch has at least 1 sample, not -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				got := recover()
				if err, ok := got.(error); tt.shape && !(ok && errors.As(err, new(*tensor.ShapeError))) {
					t.Fatalf("panic value %T %v, want a *tensor.ShapeError", got, got)
				}
				if !strings.Contains(fmt.Sprint(got), tt.want) {
					t.Errorf("panic says %v, want %q", got, tt.want)
				}
			}()
			tt.do()
		})
	}
}
