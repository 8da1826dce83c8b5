package train_test

import (
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// TestResumeRestores what each run alone depends on.
func TestResumeRestores(t *testing.T) {
	same := func(*train.Config[float32]) {}
	for _, test := range []struct {
		name   string
		s      settings
		change func(*train.Config[float32])
	}{
		{"the random numbers of dropout", settings{"sgd", true, 100}, same},
		{"the state of momentum", settings{"momentum", false, 100}, same},
		{"the state of adam", settings{"adam", false, 100}, same},
		{"the place in the schedule", settings{"sgd", false, 100}, func(cfg *train.Config[float32]) {
			cfg.Optimizer.Schedule = &optim.Warmup{Steps: 2, Then: &optim.Cosine{Steps: 10, End: 0.01}}
		}},
		{"a learning rate that an observer sets", settings{"sgd", false, 100}, func(cfg *train.Config[float32]) {
			cfg.OnEpoch = func(train.Epoch) error { cfg.Optimizer.LR /= 2; return nil }
		}},
		{"what is drawn for images", settings{"sgd", false, 100}, augmented},
		{"the epochs since the best one", settings{"sgd", false, 2}, worseLater},
	} {
		t.Run(test.name, func(t *testing.T) {
			whole, path := t.TempDir(), t.TempDir()
			goOn(t, whole, test.s, 0, test.change)
			for _, until := range []int{3, 6, 9, 11, 0} {
				goOn(t, path, test.s, until, test.change)
			}
			checkSame(t, path, result(t, whole))
		})
	}
}

// augmented makes pictures of the samples, which are changed at random.
func augmented(cfg *train.Config[float32]) {
	for _, set := range []*data.Samples[float32]{&cfg.Train, &cfg.Validation, &cfg.Test} {
		s := (*set).(data.Set[float32])
		s.X = tensor.Of(s.X.Data, s.Len(), 1, 2, 4)
		*set = s
	}
	var err error
	if cfg.Train, err = data.Augment(cfg.Train, data.Augmentation{Shift: 1, Flip: true}, 7); err != nil {
		panic(err)
	}
	cfg.Net = nn.NewSequential[float32](nn.NewFlatten[float32](), cfg.Net)
}

// worseLater makes the epochs from the second on worse, so that patience ends the run.
func worseLater(cfg *train.Config[float32]) {
	cfg.Steps = 400
	cfg.OnEpoch = func(train.Epoch) error { cfg.Optimizer.LR = 50; return nil }
}
