package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/kernel"
)

// A Config says what to measure.
type Config struct {
	Workloads []Workload
	Threads   []int // each workload is measured on each of these; at least one
	MNIST     data.MNISTSource

	// Train starts a program that trains the network of W1 with default flags, with the given
	// number of threads, on the compressed files in the folder mnist. It waits for its end
	// and returns the test accuracy. Only W1full needs it.
	Train func(ctx context.Context, mnist string, threads int) (accuracy float64, err error)
}

// A Result is the figure of a workload, in its unit.
type Result struct {
	Workload         Workload
	Threads          int
	Median, Min, Max float64
	GFLOPS           float64 // at the median; NaN where nobody counts
	PeakShare        float64 // of what that many cores, or all there are, could do at most; NaN where that is not known
}

// Spread is the distance from the smallest sample to the largest, as a share of the
// median.
func (r Result) Spread() float64 { return (r.Max - r.Min) / r.Median }

// Select returns the workloads of the names, in the order of the table. W6 stands
// for all of its sizes. A name that is none is an error that lists them.
func Select(names []string) ([]Workload, error) {
	chosen := map[string]bool{}
	for _, name := range names {
		known := false
		for _, w := range Workloads() {
			if group, _, _ := strings.Cut(w.Name, "-"); name == w.Name || name == group {
				known, chosen[w.Name] = true, true
			}
		}
		if !known {
			return nil, fmt.Errorf("there is no workload %q; there are %s, and W6 for all its sizes", name, strings.Join(all(), ", "))
		}
	}
	return slices.DeleteFunc(Workloads(), func(w Workload) bool { return !chosen[w.Name] }), nil
}

// all are the names of the workloads.
func all() (names []string) {
	for _, w := range Workloads() {
		names = append(names, w.Name)
	}
	return names
}

// Run measures and calls report with each result as it is there. It stops early
// with ctx's error.
func Run(ctx context.Context, c Config, report func(Result)) error {
	in := &inputs{ctx: ctx, Config: c}
	defer in.remove()
	for _, w := range c.Workloads {
		for _, threads := range c.Threads {
			r, err := run(in, w, threads)
			if err != nil {
				return err
			}
			report(r)
		}
	}
	return nil
}

func run(in *inputs, w Workload, threads int) (Result, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	op, err := w.start(in, threads)
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", w.Name, err)
	}
	var peak float64
	if w.Flops > 0 && !w.double {
		// Now, for the clock of a processor depends on its past. More threads than
		// processors reach no more.
		peak = kernel.Peak() * float64(min(threads, runtime.NumCPU()))
	}
	samples, err := measure(in.ctx, op)
	if err != nil {
		if in.ctx.Err() != nil {
			return Result{}, in.ctx.Err()
		}
		return Result{}, fmt.Errorf("%s: %w", w.Name, err)
	}
	return w.result(threads, samples, peak), nil
}

// result makes a figure of the seconds an operation took in each sample, peak
// being the GFLOP/s that float32 can reach; 0 is not known.
func (w Workload) result(threads int, seconds []float64, peak float64) Result {
	seconds = slices.Sorted(slices.Values(seconds))
	median := seconds[len(seconds)/2]
	if len(seconds)%2 == 0 {
		median = (median + seconds[len(seconds)/2-1]) / 2
	}
	fastest, slowest := w.value(seconds[0]), w.value(seconds[len(seconds)-1])
	r := Result{
		Workload: w, Threads: threads,
		Median: w.value(median), Min: min(fastest, slowest), Max: max(fastest, slowest),
		GFLOPS: math.NaN(), PeakShare: math.NaN(),
	}
	if w.Flops > 0 {
		r.GFLOPS = w.Flops / median / 1e9
		if peak > 0 {
			r.PeakShare = r.GFLOPS / peak
		}
	}
	return r
}

// How long to measure: samples of 50 ms at least, nine if they are over in a
// second, three if they are long. An operation longer than a second needs no
// warming up.
const (
	shortest    = 50 * time.Millisecond
	enough      = time.Second
	mostSamples = 9
	fewest      = 3
)

// measure returns the seconds an operation takes, of several samples.
func measure(ctx context.Context, op operation) (seconds []float64, err error) {
	n := 1 // operations a sample
	for {
		d, err := timed(ctx, op, n)
		if err != nil {
			return nil, err
		}
		if d >= enough {
			seconds = append(seconds, d.Seconds()/float64(n))
		}
		if d >= shortest {
			break
		}
		// Aim a little higher, so as not to miss it again, but not further than a
		// first operation, which was slow, can tell.
		n = min(1+int(float64(n)*1.2*shortest.Seconds()/max(d.Seconds(), 1e-9)), 100*n)
	}
	for start := time.Now(); len(seconds) < fewest || len(seconds) < mostSamples && time.Since(start) < enough; {
		d, err := timed(ctx, op, n)
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, d.Seconds()/float64(n))
	}
	return seconds, nil
}

// timed times n operations.
func timed(ctx context.Context, op operation, n int) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	start := time.Now()
	for range n {
		if _, err := op(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}
