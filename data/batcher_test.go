package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func TestBatcherOrder(t *testing.T) {
	const n = 40
	epochs := func(seed uint64) (orders [][]int) {
		b := NewBatcher(numbered(n, 1), n, seed)
		for range 5 {
			orders = append(orders, slices.Concat(rest(t, b, 1)...))
		}
		return orders
	}
	one, same := epochs(1), epochs(1)
	seen := slices.Concat(one, epochs(2), epochs(1<<63))
	for e := range one {
		if !slices.Equal(one[e], same[e]) {
			t.Errorf("epoch %d: the same seed gives another order", e)
		}
	}
	for i := range seen {
		for j := range i {
			if slices.Equal(seen[i], seen[j]) {
				t.Errorf("orders %d and %d are the same; all seeds and epochs should differ", j, i)
			}
		}
	}
	// The batch size cuts the order, it does not change it.
	if got := slices.Concat(rest(t, NewBatcher(numbered(n, 1), 7, 1), 1)...); !slices.Equal(got, one[0]) {
		t.Error("another batch size gives another order")
	}
}

// Checkpoints outlive the program that wrote them: on any machine and with any
// later Go the order of an epoch has to be this one, which a second
// implementation of PCG-DXSM and the shuffle, in Python, gave too.
func TestOrderIsPinned(t *testing.T) {
	b := NewBatcher(numbered(12, 1), 12, 7)
	for epoch, want := range [][]int{
		{3, 0, 11, 2, 9, 8, 6, 5, 4, 7, 10, 1},
		{9, 10, 4, 7, 0, 11, 5, 1, 6, 2, 8, 3},
		{10, 7, 4, 2, 0, 5, 3, 8, 11, 1, 6, 9},
	} {
		if got := slices.Concat(rest(t, b, 1)...); !slices.Equal(got, want) {
			t.Errorf("epoch %d has order %v, want %v", epoch, got, want)
		}
	}
}

// All 24 orders of 4 samples are equally likely: chi-squared with 23 degrees of
// freedom exceeds 59 once in ten thousand seeds, and this seed is fixed.
func TestShuffleIsFair(t *testing.T) {
	const rounds = 24_000
	b := NewBatcher(numbered(4, 1), 4, 3)
	count := map[string]int{}
	for range rounds {
		count[fmt.Sprint(rest(t, b, 1))]++
	}
	chi2 := 0.0
	for _, c := range count {
		d := float64(c) - rounds/24
		chi2 += d * d / (rounds / 24)
	}
	if len(count) != 24 || chi2 > 59 {
		t.Errorf("%d orders of 24, chi-squared %.1f, want at most 59", len(count), chi2)
	}
}

func TestBatcherResume(t *testing.T) {
	const n, size, epochs = 11, 3, 3 // batches of 3, 3, 3, 2
	type position struct{ epoch, batch int }
	var at []position
	var dealt [][]int // by the call of Next after at; nil for the end of an epoch
	b := NewBatcher(numbered(n, 2), size, 9)
	for {
		epoch, batch := b.Position()
		if epoch == epochs {
			break
		}
		at = append(at, position{epoch, batch})
		x, labels, ok := b.Next()
		if ok {
			dealt = append(dealt, samples(t, x, labels.Labels, 2))
		} else {
			dealt = append(dealt, nil)
		}
	}
	if want := epochs * (4 + 1); len(at) != want {
		t.Fatalf("%d calls of Next for %d epochs, want %d", len(at), epochs, want)
	}
	used := NewBatcher(numbered(n, 2), size, 9)
	for i, p := range at {
		for _, b := range []*Batcher[float32]{NewBatcher(numbered(n, 2), size, 9), used} {
			if err := b.Seek(p.epoch, p.batch); err != nil {
				t.Fatal(err)
			}
			for j := i; j < len(at); j++ {
				if epoch, batch := b.Position(); at[j] != (position{epoch, batch}) {
					t.Fatalf("resumed at %v, call %d: position is %d, %d, want %v", p, j-i, epoch, batch, at[j])
				}
				var got []int
				if x, labels, ok := b.Next(); ok {
					got = samples(t, x, labels.Labels, 2)
				}
				if !slices.Equal(got, dealt[j]) {
					t.Fatalf("resumed at %v, call %d: samples %v, want %v", p, j-i, got, dealt[j])
				}
			}
		}
	}
}

func TestSeekErrors(t *testing.T) {
	b := NewBatcher(numbered(11, 2), 3, 9)
	b.Next()
	for _, p := range [][2]int{{-1, 0}, {0, -1}, {0, 5}, {2, math.MaxInt}} {
		if err := b.Seek(p[0], p[1]); err == nil || !strings.Contains(err.Error(), "4 batches of 3") {
			t.Errorf("Seek%v: error %v, want one that gives the number of batches", p, err)
		}
	}
	if epoch, batch := b.Position(); epoch != 0 || batch != 1 {
		t.Errorf("after errors the position is %d, %d, want 0, 1", epoch, batch)
	}
}

func TestStepsDoNotAllocate(t *testing.T) {
	b := NewBatcher(numbered(11, 2), 3, 9)
	steps := 0
	// An epoch a run, because the average over the runs is rounded down.
	allocs := testing.AllocsPerRun(100, func() {
		for _, _, ok := b.Next(); ok; _, _, ok = b.Next() {
			steps++
		}
	})
	if allocs != 0 || steps != 101*4 {
		t.Errorf("%v allocations an epoch, %d steps, want 0 and %d", allocs, steps, 101*4)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			batcher := NewBatcher(numbered(6000, 784), size, 1)
			b.ReportAllocs()
			for b.Loop() {
				batcher.Next()
			}
		})
	}
}

// Threads share the copying of a batch, and change nothing in it.
func TestBatcherThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	set := Set[float64]{X: tensor.New[float64](150, 3)}
	for i := range set.X.Data {
		set.X.Data[i] = rng.Float64()
	}
	for i := range 150 {
		set.T = append(set.T, i)
	}
	for _, size := range []int{1, 16, 17, 64, 150} {
		alone, together := NewBatcher[float64](set, size, 3), NewBatcher[float64](set, size, 3)
		together.Threads = 3
		for range 2 * (alone.Batches() + 1) {
			x, labels, ok := alone.Next()
			x2, labels2, ok2 := together.Next()
			if ok != ok2 || ok && (!slices.Equal(x.Data, x2.Data) || !slices.Equal(labels.Labels, labels2.Labels)) {
				t.Fatalf("batches of %d: %v %v alone and %v %v on three threads", size, labels, ok, labels2, ok2)
			}
		}
	}
}
