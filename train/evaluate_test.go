package train

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// loss32 is the loss of these tests, which any number of them may share: they keep
// nothing.
var loss32 = nn.NewSoftmaxWithLoss[float32]()

// digits returns n images of random bytes and labels, and a network for them.
func digits(n int) (data.Pixels[float32], *nn.Sequential[float32]) {
	rng := rand.New(rand.NewPCG(5, 6))
	p := data.Pixels[float32]{X: make([]byte, 30*n), T: make([]int, n)}
	for i := range p.X {
		p.X[i] = byte(rng.Uint32())
	}
	for i := range p.T {
		p.T[i] = rng.IntN(4)
	}
	return p, nn.NewSequential[float32](nn.NewAffine[float32](30, 8, rng), nn.NewReLU[float32](), nn.NewAffine[float32](8, 4, rng))
}

// TestEvaluate: the mean over single samples, and the same bits on any number of
// threads, for whole parts and others.
func TestEvaluate(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, n := range []int{1, part - 1, part, part + 1, 5*part + 7} {
		pixels, net := digits(n)
		set := pixels.Set()
		var sum float64
		correct := 0
		for i := range n {
			one := set.Rows(i, i+1)
			logits := net.Forward(nil, one.X)
			sum += nn.NewSoftmaxWithLoss[float32]().Forward(nil, logits, one.Targets())
			correct += nn.Correct(logits, one.T)
		}
		loss, accuracy, err := Evaluate(t.Context(), net, loss32, pixels, 1)
		if err != nil || math.Abs(loss-sum/float64(n)) > 1e-12 || accuracy != float64(correct)/float64(n) {
			t.Errorf("%d samples: loss %v, accuracy %v, %v; want %v and %d/%d", n, loss, accuracy, err, sum/float64(n), correct, n)
		}
		for _, threads := range []int{0, 2, 3, 9} {
			for _, samples := range []data.Samples[float32]{pixels, set} {
				l, a, err := Evaluate(t.Context(), net, loss32, samples, threads)
				if l != loss || a != accuracy || err != nil {
					t.Errorf("%d samples on %d threads: loss %v, accuracy %v, %v; one thread says %v and %v", n, threads, l, a, err, loss, accuracy)
				}
			}
		}
	}
	_, net := digits(1)
	loss, accuracy, err := Evaluate(t.Context(), net, loss32, data.Pixels[float32]{}, 2)
	if loss == loss || accuracy == accuracy || err != nil {
		t.Errorf("no samples: %v, %v, %v; want NaN", loss, accuracy, err)
	}
}

// TestEvaluateStops: within an evaluation too, which counts for nothing then.
func TestEvaluateStops(t *testing.T) {
	pixels, net := digits(5 * part)
	ctx, cancel := context.WithCancel(t.Context())
	stop := nn.NewSequential[float32](net, stopping{cancel})
	for _, threads := range []int{1, 2} {
		if loss, accuracy, err := Evaluate(ctx, stop, loss32, pixels, threads); !errors.Is(err, context.Canceled) || loss != 0 || accuracy != 0 {
			t.Errorf("%d threads: %v, %v, %v; want %v", threads, loss, accuracy, err, context.Canceled)
		}
	}
}

// stopping stops the evaluation it is in.
type stopping struct{ cancel func() }

func (s stopping) Forward(_ *nn.Pass[float32], x *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	s.cancel()
	return x
}
func (stopping) Backward(_ *nn.Pass[float32], dy *tensor.Tensor[float32]) *tensor.Tensor[float32] {
	return dy
}
func (stopping) Params() []*nn.Param[float32] { return nil }

// TestEvaluatePanics: where it was called, so that it can be recovered.
func TestEvaluatePanics(t *testing.T) {
	pixels, _ := digits(5 * part)
	for _, threads := range []int{1, 2} {
		func() {
			defer func() {
				if _, ok := recover().(*tensor.ShapeError); !ok {
					t.Errorf("%d threads: no panic of a wrong shape", threads)
				}
			}()
			Evaluate(t.Context(), nn.NewAffine[float32](3, 4, Random(1, "weights")), loss32, pixels, threads)
		}()
	}
}

// TestEvaluationAllocatesNothing, once warm, but for the shape it asks for.
func TestEvaluationAllocatesNothing(t *testing.T) {
	pixels, net := digits(5*part + 7)
	var samples data.Samples[float32] = pixels
	e := newEvaluator(net, loss32, 2)
	n := testing.AllocsPerRun(50, func() {
		if _, _, err := e.evaluate(t.Context(), "set", samples); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations an evaluation", n)
	}
}

func TestEvaluateRefusesThreads(t *testing.T) {
	pixels, net := digits(part)
	if _, _, err := Evaluate(t.Context(), net, loss32, pixels, -1); err == nil {
		t.Error("no error for -1 threads")
	}
}

func TestEvaluateNoSamples(t *testing.T) {
	_, net := digits(part)
	loss, accuracy, err := Evaluate[float32](t.Context(), net, loss32, nil, 1)
	if err != nil || !math.IsNaN(loss) || !math.IsNaN(accuracy) {
		t.Errorf("%v, %v, %v; want NaN, NaN, nil", loss, accuracy, err)
	}
}

// TestEvaluateWeighted: the mean over a set of several parts is that of the whole set as
// one batch, also where the classes have weights.
func TestEvaluateWeighted(t *testing.T) {
	pixels, net := digits(2*part + 50)
	loss := nn.NewSoftmaxWithLoss[float32]()
	for i := range pixels.T[:part] {
		pixels.T[i] = 0 // so that the parts have other weights
	}
	for _, weights := range [][]float64{{1, 5, 0.5, 2}, {0, 0, 0, 1}, {0, 0, 0, 0}} {
		loss.ClassWeights = weights
		set := pixels.Set()
		want := loss.Forward(nil, net.Forward(nil, set.X), set.Targets())
		got, _, err := Evaluate(t.Context(), net, loss, pixels, 2)
		if err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("weights %v: loss %v, %v; want %v", weights, got, err, want)
		}
	}
}
