package train_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// wantError checks that err says want.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error that says %q", err, want)
	}
}

// TestMisuse: what would train silently, and wrongly.
func TestMisuse(t *testing.T) {
	type configuration = train.Config[float32]
	for _, test := range []struct {
		name  string
		spoil func(cfg *configuration)
		want  string
	}{
		{"a learning rate below 0", func(cfg *configuration) { cfg.Optimizer.LR = -0.1 }, "optim: want a learning rate of 0 or more, got -0.1"},
		{"a learning rate that is NaN", func(cfg *configuration) { cfg.Optimizer.LR = math.NaN() }, "want a learning rate of 0 or more, got NaN"},
		{"an optimizer of another network", func(cfg *configuration) {
			cfg.Optimizer = optim.NewSGD([]*nn.Param[float32]{nn.NewParam[float32]("other", 2)}, 0.1)
		}, "train: the optimizer has no parameter of the network"},
		{"an optimizer of another parameter too", func(cfg *configuration) {
			cfg.Optimizer = optim.NewSGD(append(cfg.Net.Params(), nn.NewParam[float32]("other", 2)), 0.1)
		}, "train: the optimizer has a parameter other that the network does not"},
		{"a softmax too many", func(cfg *configuration) {
			inner := nn.NewSequential[float32](cfg.Net, nn.NewSoftmax[float32]())
			cfg.Net = nn.NewSequential[float32](inner)
		}, "train: the network ends in a Softmax, and SoftmaxWithLoss contains another"},
		{"a label of the training set", func(cfg *configuration) { relabel(&cfg.Train, 123, 5) }, "train: the training set: the label of sample 123 is 5, and the classes are 0 to 4"},
		{"a label of the test set", func(cfg *configuration) { relabel(&cfg.Test, 17, -1) }, "train: the test set: the label of sample 17 is -1, and the classes are 0 to 4"},
		{"an input that is NaN", func(cfg *configuration) { reinput(&cfg.Train, 99, math.NaN()) }, "train: sample 99 of the training set has an input that is NaN"},
		{"an input that is infinite", func(cfg *configuration) { reinput(&cfg.Train, 99, math.Inf(1)) }, "train: sample 99 of the training set has an input that is +Inf"},
		{"an input that is NaN, and only evaluated", func(cfg *configuration) {
			reinput(&cfg.Train, 99, math.NaN())
			cfg.Batch, cfg.Steps = 1, 1
		}, "train: sample 99 of the training set has an input that is NaN"},
		{"a parameter that is NaN", func(cfg *configuration) { cfg.Net.Params()[2].Value.Data[3] = float32(math.NaN()) },
			"training cannot begin: the loss is NaN, for the parameter Affine2.W is not finite"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg, _ := config(0.1)
			test.spoil(&cfg)
			_, err := train.Run(t.Context(), cfg)
			wantError(t, err, test.want)
		})
	}
}

// relabel gives a sample another label.
func relabel(s *data.Samples[float32], sample, label int) {
	set := (*s).(data.Set[float32])
	set.T = slices.Clone(set.T)
	set.T[sample] = label
	*s = set
}

// reinput gives a sample another input.
func reinput(s *data.Samples[float32], sample int, v float64) {
	set := (*s).(data.Set[float32])
	set.X = set.X.Clone()
	set.X.Data[len(set.X.Data)/set.Len()*sample+3] = float32(v)
	*s = set
}

// TestEvaluateNamesTheSample: the first of the whole set, on any number of threads.
func TestEvaluateNamesTheSample(t *testing.T) {
	cfg, net := config(0.1)
	var samples data.Samples[float32] = blobs(1000, 40, 5)
	for _, sample := range []int{999, 777, 345} {
		relabel(&samples, sample, 9)
		for _, threads := range []int{1, 3} {
			t.Run(fmt.Sprintf("sample %d, %d threads", sample, threads), func(t *testing.T) {
				_, _, err := train.Evaluate(t.Context(), net, cfg.Loss, samples, threads)
				wantError(t, err, fmt.Sprintf("train: the set: the label of sample %d is 9, and the classes are 0 to 4", sample))
			})
		}
	}
	_, _, err := train.Evaluate(t.Context(), nn.NewSequential[float32](net, nn.NewSoftmax[float32]()), cfg.Loss, samples, 1)
	wantError(t, err, "ends in a Softmax")
}

// TestFrozen: parameters that the optimizer does not have stay, and their Grad does not
// grow from step to step.
func TestFrozen(t *testing.T) {
	cfg, net := config(0.1)
	cfg.Optimizer = optim.NewSGD(net.Params()[2:], 0.1)
	before := bits(net)
	if _, err := train.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	after := bits(net)
	frozen := len(net.Params()[0].Value.Data) + len(net.Params()[1].Value.Data)
	if !slices.Equal(before[:frozen], after[:frozen]) || slices.Equal(before[frozen:], after[frozen:]) {
		t.Error("the first layer is frozen, and the last one learns")
	}
	for _, p := range net.Params() {
		if slices.ContainsFunc(p.Grad.Data, func(g float32) bool { return g != 0 }) {
			t.Errorf("the Grad of %s is not 0 after a step", p.Name)
		}
	}
}

func TestNewStepRefuses(t *testing.T) {
	cfg, net := config(0.1)
	cfg.Optimizer.LR = -1
	defer func() { wantError(t, fmt.Errorf("%v", recover()), "want a learning rate of 0 or more") }()
	train.NewStep[float32](net, cfg.Loss, cfg.Optimizer)
}

// TestStepNamesTheRow: of a batch that is not finite, in its target values too.
func TestStepNamesTheRow(t *testing.T) {
	net := nn.NewSequential[float32](nn.NewAffine[float32](2, 2, train.Random(1, "weights")))
	step := train.NewStep[float32](net, nn.NewMeanSquaredError[float32](), optim.NewSGD(net.Params(), 0.1))
	nan := float32(math.NaN())
	x, y := tensor.Of([]float32{1, 2, 3, 4}, 2, 2), tensor.Of([]float32{1, 2, 3, nan}, 2, 2)
	_, err := step.Do(x, nn.Values(y))
	wantError(t, err, "train: sample 1 of the batch has a target that is NaN")
}

// TestOrigin: the error names the first layer and element that is not finite, whether it
// is in an output, in a gradient or in a parameter after the step, and the network is as
// before the step.
func TestOrigin(t *testing.T) {
	huge := float32(3e38)
	for _, test := range []struct {
		name  string
		spoil func(cfg *train.Config[float32], x []float32)
		want  string
	}{
		{"an output", func(cfg *train.Config[float32], _ []float32) { fill(cfg.Net.Params()[0].Value.Data, huge) },
			"training diverged: the loss at step 1 is NaN: first, element (0, 0) of the output of Affine1 is -Inf; try a smaller learning rate"},
		{"a gradient", func(cfg *train.Config[float32], x []float32) {
			fill(x, huge) // times weights of 0 that is 0, and times a gradient it is not
			for _, p := range cfg.Net.Params() {
				clear(p.Value.Data)
			}
			fill(cfg.Net.Params()[1].Value.Data, 1)
			fill(cfg.Net.Params()[2].Value.Data[:5], 1)
			cfg.Net.Params()[2].Value.Data[0] = 1e3
		}, "element (0, 0) of the gradient of Affine1.W is +Inf"},
		{"a parameter", func(cfg *train.Config[float32], _ []float32) {
			cfg.Optimizer.LR = 3e38
			fill(cfg.Net.Params()[3].Value.Data, huge) // whose differences alone count
			clear(cfg.Train.(data.Set[float32]).T)     // the gradient of the first is -0.8
		}, " after the step is +Inf"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg, net := config(0.1)
			x := cfg.Train.(data.Set[float32]).X
			test.spoil(&cfg, x.Data)
			before := bits(net)
			step := train.NewStep(cfg.Net, cfg.Loss, cfg.Optimizer)
			_, err := step.Do(x, cfg.Train.(data.Set[float32]).Targets())
			wantError(t, err, test.want)
			if test.name == "a parameter" {
				return
			}
			if !slices.Equal(bits(net), before) {
				t.Error("the network has changed")
			}
			for _, p := range net.Params() {
				if slices.ContainsFunc(p.Grad.Data, func(g float32) bool { return g != 0 }) {
					t.Errorf("the Grad of %s is not 0", p.Name)
				}
			}
		})
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}
