package experiment

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/train"
)

// search draws learning rates and weight decays, trains with each, and keeps those that
// do best on samples not trained on (Bergstra and Bengio, "Random search for
// hyper-parameter optimization", JMLR 13, 2012). By halving, all trials train for a few
// epochs, the better third three times as long, and so on (Jamieson and Talwalkar,
// "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016).
type search struct {
	trials, samples int
	lowRate, rate   float64 // the range of the learning rate, drawn by its logarithm
	lowDecay, decay float64 // of the weight decay
	epochs          []int   // that the trials of each round have trained at its end
	keep            int     // one of keep trials goes on to the next round
}

func bookSearch(halving bool) search {
	s := search{100, 500, 1e-6, 1e-2, 1e-8, 1e-4, []int{50}, 3}
	if halving {
		s.epochs = []int{5, 15, 50}
	}
	return s
}

// A Trial is one choice and how it did, a line of the table of trials.
type Trial struct {
	Trial    int     `json:"trial"`
	Rate     float64 `json:"rate"`
	Decay    float64 `json:"decay"`
	Epochs   int     `json:"epochs"`
	Accuracy float64 `json:"accuracy"` // on the samples not trained on
	Course   numbers `json:"course"`   // the same after each epoch
}

// key says of which search a trial is: what it depends on.
type key struct {
	Seed            uint64
	Samples         int
	LowRate, Rate   float64
	LowDecay, Decay float64
}

func (e search) Run(ctx context.Context, s *Setup) (*Result, error) {
	set, _, err := s.MNIST(ctx)
	if err != nil {
		return nil, err
	}
	validation := e.samples / 5
	table, err := openTrials(s.Trials, key{s.Seed, e.samples, e.lowRate, e.rate, e.lowDecay, e.decay})
	if err != nil {
		return nil, err
	}
	defer table.close()

	round := make([]int, e.trials)
	for i := range round {
		round[i] = i
	}
	total, before := 0, 0
	for n, left := 0, e.trials; n < len(e.epochs); n, left = n+1, max(1, left/e.keep) {
		total += left
	}
	runners := make([]*trialRunner, e.trials)
	var all []Trial
	for n, epochs := range e.epochs {
		trials := make([]Trial, len(round))
		inner := *s
		if s.Progress != nil {
			inner.Progress = func(done, _ int) { s.Progress(before+done, total) }
		}
		err := inner.each(ctx, len(round), func(ctx context.Context, i int) error {
			number := round[i]
			if done, ok := table.find(number, epochs); ok {
				trials[i] = done
				return nil
			}
			if runners[number] == nil {
				runners[number] = e.runner(number, set.Rows(validation, e.samples), set.Rows(0, validation), s.Seed)
			}
			trial, err := runners[number].until(ctx, epochs)
			if err != nil {
				return err
			}
			trials[i] = trial
			return table.add(trial)
		})
		if err != nil {
			return nil, err
		}
		before += len(round)
		all = append(all, trials...)
		slices.SortStableFunc(trials, better)
		round = round[:0]
		if n+1 < len(e.epochs) {
			for _, t := range trials[:max(1, len(trials)/e.keep)] {
				round = append(round, t.Trial)
			}
			slices.Sort(round)
		}
	}
	return e.result(all), nil
}

// better orders trials from the best to the worst.
func better(a, b Trial) int {
	switch {
	case a.Epochs != b.Epochs:
		return b.Epochs - a.Epochs
	case a.Accuracy > b.Accuracy:
		return -1
	case a.Accuracy < b.Accuracy:
		return 1
	}
	return a.Trial - b.Trial
}

func (e search) result(all []Trial) *Result {
	slices.SortStableFunc(all, better)
	result := &Result{Numbers: all}
	courses := plot.Lines{Title: "The ten best", X: plot.Axis{Label: "epoch"}, Y: plot.Axis{Label: "validation accuracy", Min: 0, Max: 1}}
	for i, t := range all[:min(10, len(all))] {
		courses.Series = append(courses.Series, plot.Series{Name: fmt.Sprintf("%d: rate %.2g, decay %.1g", i+1, t.Rate, t.Decay), X: counted(len(t.Course)), Y: t.Course})
		result.Lines = append(result.Lines, fmt.Sprintf("%2d. accuracy %.2f after %d epochs, rate %.3g, decay %.2g (trial %d)", i+1, t.Accuracy, t.Epochs, t.Rate, t.Decay, t.Trial))
	}
	var rates, accuracies []float64
	seen := map[int]bool{}
	epochs := 0
	for _, t := range all {
		epochs += t.Epochs
		if !seen[t.Trial] { // its longest training comes first
			seen[t.Trial] = true
			rates, accuracies = append(rates, t.Rate), append(accuracies, t.Accuracy)
		}
	}
	result.Figure = plot.Grid{Title: fmt.Sprintf("%d trials on %d samples of MNIST", len(seen), e.samples), Columns: 1, Figures: []plot.Figure{
		courses,
		plot.Lines{Title: "All trials", X: plot.Axis{Label: "learning rate", Log: true}, Y: plot.Axis{Label: "validation accuracy", Min: 0, Max: 1},
			Series: []plot.Series{{Name: "a trial", X: rates, Y: accuracies, Mark: plot.Points}}},
	}}
	return result
}

// A trialRunner trains for a trial, and goes on where it was.
type trialRunner struct {
	trial      Trial
	t          training
	validation data.Set[float32]
	r          *runner
}

// runner returns that of a trial, whose choice depends on the seed and its number alone, on
// any processor.
func (e search) runner(number int, set, validation data.Set[float32], seed uint64) *trialRunner {
	rng := train.Random(seed, fmt.Sprint("trial ", number))
	draw := func(lo, hi float64) float64 {
		x := []float64{math.FMA(rng.Float64(), kernel.Log(hi)-kernel.Log(lo), kernel.Log(lo))}
		kernel.Exp(x, x)
		return x[0]
	}
	trial := Trial{Trial: number, Rate: draw(e.lowRate, e.rate), Decay: draw(e.lowDecay, e.decay)}
	t := training{layers: hidden(6, "he", "relu"), rule: "sgd", rate: trial.Rate, decay: trial.Decay, batch: 100, set: set, seed: seed}
	return &trialRunner{trial: trial, t: t, validation: validation}
}

// until trains until the trial has trained for the given number of epochs in all.
func (r *trialRunner) until(ctx context.Context, epochs int) (Trial, error) {
	var err error
	if r.r == nil {
		if r.r, err = r.t.start(); err != nil {
			return Trial{}, err
		}
	}
	for ; r.trial.Epochs < epochs; r.trial.Epochs++ {
		for range r.r.batches.Batches() {
			if ctx.Err() != nil {
				return Trial{}, ctx.Err()
			}
			if _, err := r.r.next(); diverged(err) {
				r.trial.Epochs, r.trial.Accuracy = epochs, 0
				return r.trial, nil
			} else if err != nil {
				return Trial{}, err
			}
		}
		if r.trial.Accuracy, err = r.r.accuracy(ctx, r.validation); err != nil {
			return Trial{}, err
		}
		r.trial.Course = append(r.trial.Course, r.trial.Accuracy)
	}
	trial := r.trial
	trial.Course = slices.Clone(trial.Course)
	return trial, nil
}

// trials is the table of those done: a file of JSON, the key and then a trial a line. Each
// line is synced when its trial is done, so that a search that was killed goes on; a last
// line that is not whole is left out. A lock on a file beside it keeps other searches away.
type trials struct {
	mu         sync.Mutex
	file, lock *os.File // nil if the trials are not kept
	done       []Trial
}

// longestTable is how many bytes a table of trials may have: a hundred times those of
// the book's search.
const longestTable = 8 << 20

// openTrials reads the trials that are done from a file, and locks it; "" keeps none.
func openTrials(path string, want key) (*trials, error) {
	t := &trials{}
	if path == "" {
		return t, nil
	}
	if err := t.open(path, want); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *trials) open(path string, want key) (err error) {
	if t.lock, err = atomicfile.Lock(path + ".lock"); errors.Is(err, atomicfile.ErrLocked) {
		return fmt.Errorf("another search that keeps its trials in %s is under way: %w; wait for its end, or name another file", path, err)
	} else if err != nil {
		return err
	}
	if t.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(t.file, longestTable+1))
	if err != nil {
		return err
	}
	if len(text) > longestTable {
		return fmt.Errorf("%s is larger than a table of trials may be, %d bytes; name another file, or remove it", path, longestTable)
	}
	whole := 0 // bytes of whole lines
	for n := 1; ; n++ {
		advance, line, _ := bufio.ScanLines(text[whole:], false)
		if advance == 0 {
			break
		}
		if n == 1 {
			var got key
			if err := json.Unmarshal(line, &got); err != nil || got != want {
				return fmt.Errorf("%s: line 1: the trials in this file are those of another search; name another file, or remove it", path)
			}
		} else {
			var trial Trial
			if err := json.Unmarshal(line, &trial); err != nil {
				return fmt.Errorf("%s: line %d: want a trial as JSON: %w; remove the line", path, n, err)
			}
			t.done = append(t.done, trial)
		}
		whole += advance
	}
	if err := t.file.Truncate(int64(whole)); err != nil {
		return err
	}
	if _, err := t.file.Seek(int64(whole), io.SeekStart); err != nil {
		return err
	}
	if whole == 0 {
		return t.write(want)
	}
	return nil
}

func (t *trials) find(number, epochs int) (Trial, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.done, func(d Trial) bool { return d.Trial == number && d.Epochs == epochs })
	if i < 0 {
		return Trial{}, false
	}
	return t.done[i], true
}

func (t *trials) add(trial Trial) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return nil
	}
	return t.write(trial)
}

func (t *trials) write(v any) error {
	line, err := json.Marshal(v)
	if err == nil {
		_, err = t.file.Write(append(line, '\n'))
	}
	if err == nil {
		err = t.file.Sync()
	}
	return err
}

// close closes the files; each line was synced when it was written.
func (t *trials) close() {
	for _, f := range []*os.File{t.file, t.lock} {
		if f != nil {
			f.Close()
		}
	}
}
