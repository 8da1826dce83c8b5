package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// blobs is n samples around k centres: a problem any network learns.
func blobs(n, features, k int) data.Set[float32] {
	rng := train.Random(7, "blobs")
	centres := make([]float32, k*features)
	for i := range centres {
		centres[i] = float32(rng.NormFloat64())
	}
	set := data.Set[float32]{X: tensor.New[float32](n, features), T: make([]int, n)}
	for i := range n {
		set.T[i] = rng.IntN(k)
		for j := range features {
			set.X.Data[i*features+j] = centres[set.T[i]*features+j] + float32(0.3*rng.NormFloat64())
		}
	}
	return set
}

// config trains 40-64-5 on blobs, with products large enough to be shared out.
func config(lr float64) (train.Config[float32], *nn.Sequential[float32]) {
	set := blobs(230, 40, 5)
	rng := train.Random(1, "weights")
	net := nn.NewSequential[float32](nn.NewAffine[float32](40, 64, rng), nn.NewReLU[float32](), nn.NewAffine[float32](64, 5, rng))
	return train.Config[float32]{
		Net: net, Loss: nn.NewSoftmaxWithLoss[float32](), Optimizer: optim.NewSGD(net.Params(), lr),
		Train: set.Rows(0, 180), Test: set.Rows(180, 230),
		Batch: 50, Steps: 30, Seed: 1, Threads: 1,
	}, net
}

func bits(net nn.Layer[float32]) (b []uint32) {
	for _, p := range net.Params() {
		for _, v := range p.Value.Data {
			b = append(b, math.Float32bits(v))
		}
	}
	return b
}

func TestRunLearnsAndTells(t *testing.T) {
	cfg, net := config(0.1)
	var epochs []train.Epoch
	var steps int
	var sum float64
	cfg.OnStep = func(step int, loss float64) error {
		if steps++; step != steps {
			t.Errorf("step %d is called %d", steps, step)
		}
		if step > 28 {
			sum += loss
		}
		return nil
	}
	cfg.OnEpoch = func(e train.Epoch) error { epochs = append(epochs, e); return nil }
	last, err := train.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	// 180 samples in batches of 50 are 4 steps an epoch: 30 steps end within the
	// eighth.
	if len(epochs) != 8 || steps != 30 || epochs[0].Step != 4 || epochs[0].Epoch != 1 || last.Epoch != 7.5 {
		t.Errorf("%d epochs, %d steps: %+v", len(epochs), steps, epochs)
	}
	if fmt.Sprint(last) != fmt.Sprint(epochs[7]) {
		t.Errorf("Run returns %+v, the last epoch was %+v", last, epochs[7])
	}
	if math.Abs(last.Loss-sum/2) > 1e-12 {
		t.Errorf("the loss of the last two steps is %v, their mean was %v", last.Loss, sum/2)
	}
	if last.TestAccuracy < 0.95 || last.TrainAccuracy < 0.95 || last.Loss > epochs[0].Loss/4 {
		t.Errorf("it did not learn: %+v after %+v", last, epochs[0])
	}
	loss, accuracy, err := train.Evaluate(t.Context(), net, cfg.Loss, cfg.Test, 1)
	if err != nil || accuracy != last.TestAccuracy || !(loss > 0 && loss < 1) {
		t.Errorf("Evaluate: loss %v, accuracy %v, %v; Run saw %v", loss, accuracy, err, last.TestAccuracy)
	}
}

// TestSameBits: the same seed gives the same weights, whatever the threads.
func TestSameBits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	weights := func(threads int, seed uint64) []uint32 {
		cfg, net := config(0.1)
		cfg.Threads, cfg.Seed = threads, seed
		if _, err := train.Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		return bits(net)
	}
	want := weights(1, 1)
	for _, threads := range []int{0, 1, 2, 3, 4} {
		if !slices.Equal(weights(threads, 1), want) {
			t.Errorf("%d threads give other bits than one", threads)
		}
	}
	if slices.Equal(weights(1, 2), want) {
		t.Error("another seed gives the same bits: the order of the samples does not depend on it")
	}
}

func TestRunStops(t *testing.T) {
	cfg, net := config(0.1)
	before := bits(net)
	ctx, cancel := context.WithCancel(t.Context())
	cfg.OnStep = func(step int, _ float64) error {
		if step == 6 {
			cancel()
		}
		return nil
	}
	at, err := train.Run(ctx, cfg)
	if !errors.Is(err, context.Canceled) || at.Step != 6 || at.Epoch != 1.5 || at.TrainAccuracy == at.TrainAccuracy {
		t.Errorf("stopped at %+v with %v, want step 6", at, err)
	}
	if slices.Equal(bits(net), before) {
		t.Error("the steps before the stop are lost")
	}

	cfg, net = config(1e9)
	var diverged *train.DivergedError
	at, err = train.Run(t.Context(), cfg)
	if !errors.As(err, &diverged) || at.Step != diverged.Step-1 || at.TestAccuracy == at.TestAccuracy {
		t.Errorf("a learning rate of 1e9 ends with %+v, %v", at, err)
	}
	// The network is as the step before left it.
	after := bits(net)
	cfg, net = config(1e9)
	if cfg.Steps = at.Step; at.Step > 0 {
		train.Run(t.Context(), cfg) // diverges as well, in the evaluation after the last step
	}
	if !slices.Equal(bits(net), after) {
		t.Error("the network went on after the last whole step")
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*train.Config[float32])
	}{
		{"no samples", func(c *train.Config[float32]) { c.Train = data.Set[float32]{} }},
		{"nil samples", func(c *train.Config[float32]) { c.Train = nil }},
		{"no batch", func(c *train.Config[float32]) { c.Batch = 0 }},
		{"no steps", func(c *train.Config[float32]) { c.Steps = -1 }},
		{"no network", func(c *train.Config[float32]) { c.Net = nil }},
		{"no loss", func(c *train.Config[float32]) { c.Loss = nil }},
		{"no optimizer", func(c *train.Config[float32]) { c.Optimizer = nil }},
		{"threads below 0", func(c *train.Config[float32]) { c.Threads = -1 }},
		{"a batch of one sample for a BatchNorm", func(c *train.Config[float32]) {
			net := nn.NewSequential[float32](nn.NewBatchNorm[float32](c.Train.SampleShape()[0]), c.Net)
			c.Net, c.Optimizer, c.Batch = net, optim.NewSGD(net.Params(), 0.1), c.Train.Len()-1
		}},
		{"the optimizer of another network", func(c *train.Config[float32]) {
			_, other := config(0.1)
			c.Optimizer = optim.NewSGD(other.Params(), 0.1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, _ := config(0.1)
			c.spoil(&cfg)
			if _, err := train.Run(t.Context(), cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestStepAllocatesNothing counts the allocations from one step to the next, but
// for the steps between which the epoch changes and is evaluated. The runtime
// itself allocates now and then, for goroutines that wait for each other, until
// its caches of what that takes are full, which is some hundred times: a step
// that allocates does so every time, and for ever.
func TestStepAllocatesNothing(t *testing.T) {
	for _, threads := range []int{1, 2} {
		cfg, _ := config(0.01)
		cfg.Threads = threads
		cfg.Train, cfg.Test = blobs(150, 40, 5), nil // 3 steps an epoch
		cfg.Steps = 3 * 500
		var before, m runtime.MemStats
		allocating := 0
		cfg.OnStep = func(step int, _ float64) error {
			runtime.ReadMemStats(&m)
			if step > 1200 && step%3 != 1 && m.Mallocs != before.Mallocs {
				allocating++
			}
			runtime.ReadMemStats(&before)
			return nil
		}
		if _, err := train.Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		if allocating > 20 {
			t.Errorf("%d threads: %d of 200 steps allocate", threads, allocating)
		}
	}
}

func TestRandomStreams(t *testing.T) {
	a, b := train.Random(1, "weights"), train.Random(1, "layers")
	if again := train.Random(1, "weights"); a.Uint64() != again.Uint64() {
		t.Error("the same seed and purpose give other numbers")
	}
	if a.Uint64() == b.Uint64() {
		t.Error("two purposes share their numbers")
	}
}

// plain hides the BackwardParams of a network.
type plain struct{ nn.Layer[float32] }

func TestBackwardParamsIsOptional(t *testing.T) {
	cfg, net := config(0.1)
	if _, err := train.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	want := bits(net)
	cfg, net = config(0.1)
	cfg.Net = plain{net}
	if _, err := train.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(bits(net), want) {
		t.Error("with Backward alone the weights differ")
	}
}

// A regression: the loss falls, and there is no accuracy.
func TestRunOfValues(t *testing.T) {
	set := data.Set[float32]{X: tensor.New[float32](64, 2), Values: tensor.New[float32](64, 1)}
	rng := train.Random(3, "values")
	for i := range 64 {
		a, b := float32(rng.Float64()), float32(rng.Float64())
		copy(set.X.Data[2*i:], []float32{a, b})
		set.Values.Data[i] = 2*a - b
	}
	net := nn.NewSequential[float32](nn.NewAffine[float32](2, 1, rng))
	loss := nn.NewMeanSquaredError[float32]()
	last, err := train.Run(t.Context(), train.Config[float32]{
		Net: net, Loss: loss, Optimizer: optim.NewSGD(net.Params(), 0.3),
		Train: set, Test: set, Batch: 16, Steps: 400, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if last.TrainAccuracy == last.TrainAccuracy || last.TestAccuracy == last.TestAccuracy {
		t.Errorf("a regression has the accuracies %v and %v, want NaN", last.TrainAccuracy, last.TestAccuracy)
	}
	mean, _, err := train.Evaluate(t.Context(), net, loss, set, 2)
	if err != nil || !(mean < 1e-6) {
		t.Errorf("the loss after training is %v, %v, want below 1e-6", mean, err)
	}
	if w := net.Params()[0].Value.Data; math.Abs(float64(w[0])-2) > 0.01 || math.Abs(float64(w[1])+1) > 0.01 {
		t.Errorf("W = %v, want [2 -1]", w)
	}
}

// Threads set once reach the pass and the optimizer.
func TestStepThreads(t *testing.T) {
	net := nn.NewSequential[float32](nn.NewAffine[float32](2, 1, train.Random(1, "weights")))
	step := train.NewStep[float32](net, nn.NewMeanSquaredError[float32](), optim.NewSGD(net.Params(), 0.3))
	step.Threads(3)
	if step.Pass.Threads != 3 || step.Optimizer.Threads != 3 {
		t.Errorf("%d and %d threads, want 3", step.Pass.Threads, step.Optimizer.Threads)
	}
}
