// Package experiment repeats the experiments of chapters 6 to 8 of "Deep Learning from
// Scratch" (O'Reilly Japan, 2016). Each has the book's setting, draws one figure, and gives
// its numbers as JSON. The same seed gives the same bits on any number of threads.
package experiment

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

// An Experiment compares something. Its fields are its setting.
type Experiment interface {
	// Run returns what came out. It stops early with ctx's error.
	Run(ctx context.Context, s *Setup) (*Result, error)
}

// A Row of the table is an experiment by name, in the book's setting.
type Row struct {
	Name, About string
	Experiment
}

// Rows returns the table of experiments.
func Rows() []Row {
	return []Row{
		{"surface", "paths of four optimizers down f(x, y) = x²/20 + y² (section 6.1)", bookSurface()},
		{"optimizers", "four optimizers on MNIST (section 6.1.8)", bookOptimizers()},
		{"activations", "histograms of what layers compute, by how weights are drawn (section 6.2.2)", bookActivations()},
		{"weights", "training on MNIST, by how weights are drawn (section 6.2.4)", bookWeights()},
		{"batchnorm", "with and without batch normalization, over 16 scales of weights (section 6.3.2)", bookBatchNorm()},
		{"decay", "overfitting, with and without weight decay (section 6.4.2)", bookDecay()},
		{"dropout", "overfitting, with and without dropout (section 6.4.3)", bookDropout()},
		{"search", "learning rate and weight decay, found by random search (section 6.5.2)", bookSearch(false)},
		{"halving", "the same by successive halving: bad trials end early", bookSearch(true)},
		{"filters", "filters of a convolution before and after training (section 7.6.1)", bookFilters()},
	}
}

// Names returns the names of the experiments.
func Names() (names []string) {
	for _, r := range Rows() {
		names = append(names, r.Name)
	}
	return names
}

// A Setup is what an experiment is run with.
type Setup struct {
	Seed    uint64
	Threads int    // trainings that run at the same time, one thread each; 1 or more
	Trials  string // the file where a search keeps its trials, and finds those already done; "" is none

	// MNIST returns its training and test set, with images of (1, 28, 28). It is called
	// once at most, and only if the experiment needs it.
	MNIST func(ctx context.Context) (train, test data.Set[float32], err error)

	// Progress, if not nil, is called when more of the work is done.
	Progress func(done, of int)
}

// A Result is what came out of an experiment.
type Result struct {
	Figure  plot.Figure
	Numbers any      // as JSON
	Lines   []string // the same in words, for people
}

// numbers are written as JSON with null where one is not finite: a training that diverged.
type numbers []float64

func (n numbers) MarshalJSON() ([]byte, error) {
	all := make([]*float64, len(n))
	for i, v := range n {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			all[i] = &v
		}
	}
	return json.Marshal(all)
}

// A training is one of those that an experiment compares.
type training struct {
	layers   string // as nn.Parse reads them
	rule     string // the optimizer
	rate     float64
	decay    float64 // of weights, not of biases
	batch    int
	epochs   int // or
	steps    int
	set      data.Set[float32] // to train with
	test     data.Set[float32] // evaluated after each epoch
	seed     uint64
	evaluate bool // the accuracy on both after each epoch
}

// A course is how a training went.
type course struct {
	Name          string  `json:"name"`
	Layers        string  `json:"layers"`
	Loss          numbers `json:"loss,omitempty"`           // of each step
	TrainAccuracy numbers `json:"train_accuracy,omitempty"` // after each epoch
	TestAccuracy  numbers `json:"test_accuracy,omitempty"`
	Diverged      bool    `json:"diverged,omitempty"` // the training ended there

	net *nn.Sequential[float32]
}

// run does the training on one thread.
func (t training) run(ctx context.Context) (*course, error) {
	r, err := t.start()
	if err != nil {
		return nil, err
	}
	steps := t.steps
	if t.epochs > 0 {
		steps = t.epochs * r.batches.Batches()
	}
	c := &course{Layers: t.layers, net: r.net}
	for step := 1; step <= steps && ctx.Err() == nil && !c.Diverged; step++ {
		loss, err := r.next()
		c.Loss = append(c.Loss, loss)
		if c.Diverged = err != nil; c.Diverged && !diverged(err) {
			return nil, err
		}
		if t.evaluate && step%r.batches.Batches() == 0 {
			on, err := r.accuracy(ctx, t.set)
			if err != nil {
				return nil, err
			}
			off, err := r.accuracy(ctx, t.test)
			if err != nil {
				return nil, err
			}
			c.TrainAccuracy, c.TestAccuracy = append(c.TrainAccuracy, on), append(c.TestAccuracy, off)
		}
	}
	return c, ctx.Err()
}

// A runner is a training under way.
type runner struct {
	net     *nn.Sequential[float32]
	step    *train.Step[float32]
	batches *data.Batcher[float32]
}

func (t training) start() (*runner, error) {
	net, err := nn.Parse[float32](t.layers, t.set.SampleShape(), train.Random(t.seed, "weights"))
	if err != nil {
		return nil, err
	}
	o, err := optim.Named(t.rule, net.Params())
	if err != nil {
		return nil, err
	}
	o.LR, o.Decay = t.rate, t.decay
	o.Group(optim.Vectors(net.Params())...).Decay = 0
	step := train.NewStep(net, nn.NewSoftmaxWithLoss[float32](), o)
	step.Threads(1)
	return &runner{net, step, data.NewBatcher(t.set, t.batch, t.seed)}, nil
}

func (r *runner) next() (loss float64, err error) {
	x, targets, ok := r.batches.Next()
	if !ok { // an epoch has ended
		x, targets, _ = r.batches.Next()
	}
	return r.step.Do(x, targets)
}

func (r *runner) accuracy(ctx context.Context, set data.Set[float32]) (float64, error) {
	_, accuracy, err := train.Evaluate(ctx, r.net, nn.NewSoftmaxWithLoss[float32](), set, 1)
	return accuracy, err
}

// all runs trainings at the same time, and returns how each went.
func (s *Setup) all(ctx context.Context, names []string, trainings []training) ([]*course, error) {
	courses := make([]*course, len(trainings))
	err := s.each(ctx, len(trainings), func(ctx context.Context, i int) (err error) {
		courses[i], err = trainings[i].run(ctx)
		if err == nil {
			courses[i].Name = names[i]
		}
		return err
	})
	return courses, err
}

// each calls do for 0 to n-1, some at the same time, until one fails.
func (s *Setup) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var group sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range max(1, min(s.Threads, n)) {
		group.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					continue
				}
				if err := do(ctx, i); err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				if done++; s.Progress != nil {
					s.Progress(done, n)
				}
				mu.Unlock()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}

// hidden returns a line of layers: hidden layers of 100 units, and 10 outputs. The layers
// in after follow each hidden Affine.
func hidden(layers int, init string, after ...string) string {
	parts := []string{"flatten"}
	for range layers {
		parts = append(parts, "affine 100 init="+init)
		parts = append(parts, after...)
	}
	return strings.Join(append(parts, "affine 10 init="+init), ", ")
}

// smooth returns the means of n numbers at a time, and the places of the means.
func smooth(y numbers, n int) (x, means []float64) {
	at := 0
	for part := range slices.Chunk(y, n) {
		sum := 0.0
		for _, v := range part {
			sum += v
		}
		at += len(part)
		x, means = append(x, float64(at)), append(means, sum/float64(len(part)))
	}
	return x, means
}

// counted returns 1 to n.
func counted(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i + 1)
	}
	return x
}

func diverged(err error) bool {
	_, ok := err.(*train.DivergedError)
	return ok
}

// last returns the last number, or NaN.
func last(n numbers) float64 {
	if len(n) == 0 {
		return math.NaN()
	}
	return n[len(n)-1]
}
