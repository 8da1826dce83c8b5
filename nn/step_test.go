package nn_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// training is everything a training step needs, on data drawn from a seed. Its
// first products are large enough for several threads.
type training[T tensor.Float] struct {
	net    *nn.Sequential[T]
	loss   *nn.SoftmaxWithLoss[T]
	sgd    *optim.Optimizer[T]
	pass   *nn.Pass[T]
	x      *tensor.Tensor[T]
	labels []int
}

func newTraining[T tensor.Float](threads int) *training[T] {
	const batch, in, hidden, classes = 64, 64, 40, 10
	rng := rand.New(rand.NewPCG(70, 0))
	net := nn.NewSequential[T](
		nn.NewAffine[T](in, hidden, rng), nn.NewReLU[T](),
		nn.NewAffine[T](hidden, hidden, rng), nn.NewSigmoid[T](),
		nn.NewAffine[T](hidden, classes, rng))
	s := &training[T]{
		net:  net,
		loss: nn.NewSoftmaxWithLoss[T](),
		sgd:  optim.NewSGD(net.Params(), 0.1),
		pass: &nn.Pass[T]{Train: true, Keep: true, Threads: threads},
		x:    tensor.New[T](batch, in),
	}
	for i := range s.x.Data {
		s.x.Data[i] = T(max(0, rng.NormFloat64())) // half of them 0, as pixels are
	}
	for range batch {
		s.labels = append(s.labels, rng.IntN(classes))
	}
	return s
}

func (s *training[T]) step() float64 {
	s.pass.Reset()
	loss := s.loss.Forward(s.pass, s.net.Forward(s.pass, s.x), nn.Labels[T](s.labels...))
	s.net.BackwardParams(s.pass, s.loss.Backward(s.pass))
	s.sgd.Step()
	return loss
}

// withProcs sets GOMAXPROCS for the length of a test.
func withProcs(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

func TestStepAllocatesNothing(t *testing.T) {
	if nn.Poison {
		t.Skip("poisoned memory is dropped on Reset")
	}
	t.Run("float32", testStepAllocs[float32])
	t.Run("float64", testStepAllocs[float64])
}

func testStepAllocs[T tensor.Float](t *testing.T) {
	s := newTraining[T](1)
	s.step()
	if n := testing.AllocsPerRun(5, func() { s.step() }); n != 0 {
		t.Errorf("%v allocations a step on one thread, want 0", n)
	}
	// AllocsPerRun itself sets GOMAXPROCS to 1, where nothing is shared out.
	withProcs(t, 2)
	s = newTraining[T](2)
	s.step()
	const steps, rounds = 10, 20
	var before, after runtime.MemStats
	// The runtime itself allocates where goroutines wait for each other, until its caches
	// are full; a step that allocates does so in every round.
	for range rounds {
		runtime.ReadMemStats(&before)
		for range steps {
			s.step()
		}
		runtime.ReadMemStats(&after)
		if after.Mallocs-before.Mallocs < steps {
			return
		}
	}
	t.Errorf("%d allocations in %d steps on two threads, want 0", after.Mallocs-before.Mallocs, steps)
}

// The same seed gives the same parameters, bit by bit, whatever the number of
// threads, and with layers computed together or one by one; and the loss falls.
func TestThreadsChangeNoBitOfTraining(t *testing.T) {
	t.Run("float32", testThreads[float32])
	t.Run("float64", testThreads[float64])
}

func testThreads[T tensor.Float](t *testing.T) {
	withProcs(t, 3)
	const steps = 20
	var want *training[T]
	for _, run := range []struct {
		threads int
		unfused bool
	}{{1, false}, {2, false}, {3, false}, {0, false}, {1, true}, {2, true}} {
		s := newTraining[T](run.threads)
		s.pass.Unfused = run.unfused
		first := s.step()
		var last float64
		for range steps - 1 {
			last = s.step()
		}
		if !(last < first) {
			t.Errorf("%+v: the loss went from %v to %v", run, first, last)
		}
		if want == nil {
			want = s
			continue
		}
		for i, w := range want.net.Params() {
			got := s.net.Params()[i]
			for j, v := range w.Value.Data {
				if math.Float64bits(float64(got.Value.Data[j])) != math.Float64bits(float64(v)) {
					t.Fatalf("%+v: parameter %d, %s%v is %v after %d steps, want %v", run, i, w.Name, w.Value.Index(j), got.Value.Data[j], steps, v)
				}
			}
		}
	}
}

// Two optimizer steps over half batches are not one over the whole, but two
// Backwards and one step are: that is how gradients accumulate.
func TestAccumulatedGradientIsTheWholeBatch(t *testing.T) {
	whole, halves := newTraining[float64](1), newTraining[float64](1)
	whole.step()
	n := len(halves.labels)
	for _, r := range [][2]int{{0, n / 2}, {n / 2, n}} {
		halves.pass.Reset()
		y := halves.net.Forward(halves.pass, halves.x.Rows(r[0], r[1]))
		halves.loss.Forward(halves.pass, y, nn.Labels[float64](halves.labels[r[0]:r[1]]...))
		halves.net.BackwardParams(halves.pass, halves.loss.Backward(halves.pass))
	}
	halves.sgd.LR /= 2 // each half was divided by n/2, the whole by n
	halves.sgd.Step()
	for i, w := range whole.net.Params() {
		for j, v := range w.Value.Data {
			if got := halves.net.Params()[i].Value.Data[j]; math.Abs(got-v) > 1e-15*max(1, math.Abs(v)) {
				t.Fatalf("%s%v = %.17g, want %.17g", w.Name, w.Value.Index(j), got, v)
			}
		}
	}
}
