package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

func TestSelect(t *testing.T) {
	for _, test := range []struct{ names, want string }{
		{"W1", "W1"},
		{"W6", "W6-64 W6-128 W6-256 W6-512 W6-1024 W6-2048"},
		{"W6-512,W1full,W1", "W1 W1full W6-512"}, // in the order of the table, W1 not being W1s
		{"W6-64,W6,W6-64", "W6-64 W6-128 W6-256 W6-512 W6-1024 W6-2048"},
	} {
		got, err := Select(strings.Split(test.names, ","))
		var names []string
		for _, w := range got {
			names = append(names, w.Name)
		}
		if err != nil || strings.Join(names, " ") != test.want {
			t.Errorf("%s: %v, %v; want %s", test.names, names, err, test.want)
		}
	}
	for _, name := range []string{"W9", "", "w1", "W6-", "W6-63", "W4"} {
		if got, err := Select([]string{"W1", name}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q; there are W1, W1s, W1d, W1full, W2, W4a, W4b, W4c, W5, W3, ", name)) {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

// TestFlops: what other libraries are said to do in an operation.
func TestFlops(t *testing.T) {
	for name, want := range map[string]float64{
		"W1": 15.98e6, "W1s": 15.98e6, "W1d": 15.98e6, // 2·100·(784·50·2 + 50·10·3)
		"W1full": 0,
		"W2":     2_448_424_960, // 2·256·(784·1024·2 + 1024·1024·3 + 1024·10·3)
		"W4a":    79_400, "W4b": 3_723_264, "W4c": 3_723_264_000,
		"W5":    2 * 39760 * 3 * 79_400,
		"W6-64": 524_288, "W6-2048": 17_179_869_184,
	} {
		w, err := Select([]string{name})
		if err != nil || w[0].Flops != want {
			t.Errorf("%s: %v, %v; want %v", name, w[0].Flops, err, want)
		}
	}
}

// TestResult: units, and what is the better end.
func TestResult(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		name             string
		unit             string
		seconds          []float64
		peak             float64
		median, min, max float64
		gflops, share    float64
	}{
		{"W1", "steps/s", []float64{0.25, 0.5, 0.125}, 1e3, 4, 2, 8, 0.06392, 0.06392 / 1e3},
		{"W1", "steps/s", []float64{0.5, 0.25}, 0, 1 / 0.375, 2, 4, 0.01598 / 0.375, nan},
		{"W1full", "s", []float64{3, 1, 2}, 1e3, 2, 1, 3, nan, nan},
		{"W4a", "µs", []float64{2e-6, 4e-6, 8e-6}, 100, 4, 2, 8, 19.85, 0.1985},
		{"W4c", "samples/s", []float64{0.5}, 100, 2000, 2000, 2000, 7.446528, 0.07446528},
		{"W5", "s", []float64{0.5}, 0, 0.5, 0.5, 0.5, 37.883328, nan},
		{"W6-64", "GFLOP/s", []float64{524_288e-9}, 4, 1, 1, 1, 1, 0.25},
	} {
		w, err := Select([]string{test.name})
		if err != nil {
			t.Fatal(err)
		}
		r := w[0].result(3, test.seconds, test.peak)
		if w[0].Unit != test.unit || r.Threads != 3 || r.Workload.Name != test.name {
			t.Errorf("%s in %s on %d threads", r.Workload.Name, w[0].Unit, r.Threads)
		}
		for what, v := range map[string][2]float64{
			"median": {r.Median, test.median}, "min": {r.Min, test.min}, "max": {r.Max, test.max},
			"GFLOP/s": {r.GFLOPS, test.gflops}, "share": {r.PeakShare, test.share},
			"spread": {r.Spread(), (test.max - test.min) / test.median},
		} {
			if got, want := v[0], v[1]; !(math.Abs(got-want) <= 1e-12*math.Abs(want)) && (got == got || want == want) {
				t.Errorf("%s of %v: %s %v, want %v", test.name, test.seconds, what, got, want)
			}
		}
	}
}

// TestMeasure: how often an operation runs that takes so long, by a clock that
// only its sleeping moves.
func TestMeasure(t *testing.T) {
	for _, test := range []struct {
		takes   time.Duration
		samples int
		most    int // operations
	}{
		{time.Microsecond, 9, 9*70_000 + 60_000},
		{time.Millisecond, 9, 9*65 + 52},
		{60 * time.Millisecond, 9, 10},
		{200 * time.Millisecond, 5, 6}, // until a second has gone
		{900 * time.Millisecond, 3, 4},
		{2 * time.Second, 3, 3}, // the first counts
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			samples, err := measure(t.Context(), func() (float64, error) { n++; time.Sleep(test.takes); return 0, nil })
			if err != nil || len(samples) != test.samples || n > test.most {
				t.Errorf("%v: %d samples, %d operations, %v; want %d and up to %d", test.takes, len(samples), n, err, test.samples, test.most)
			}
			for _, s := range samples {
				if math.Abs(s-test.takes.Seconds()) > 1e-12 {
					t.Errorf("%v: a sample says %v s", test.takes, s)
				}
			}
			if all := time.Duration(n) * test.takes; all < time.Duration(test.samples)*shortest {
				t.Errorf("%v: the samples took %v together", test.takes, all)
			}
		})
	}
	wrong := errors.New("wrong")
	if _, err := measure(t.Context(), func() (float64, error) { return 0, wrong }); err != wrong {
		t.Errorf("an operation that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := measure(ctx, func() (float64, error) { cancel(); return 0, nil }); err != context.Canceled {
		t.Errorf("stopped: %v", err)
	}
}

// TestRun: the program has as many processors as the figure has threads.
func TestRun(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	synctest.Test(t, func(t *testing.T) {
		saw := map[int]bool{}
		w := Workload{Name: "W", value: rate(1), start: func(_ *inputs, threads int) (operation, error) {
			return func() (float64, error) {
				saw[threads] = runtime.GOMAXPROCS(0) == threads
				time.Sleep(time.Second)
				return 0, nil
			}, nil
		}}
		other := w
		other.Name = "other"
		var got []string
		err := Run(t.Context(), Config{Workloads: []Workload{w, other}, Threads: []int{1, 3}}, func(r Result) {
			got = append(got, fmt.Sprint(r.Workload.Name, " ", r.Threads, " ", r.Median))
		})
		if want := []string{"W 1 1", "W 3 1", "other 1 1", "other 3 1"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
		if !saw[1] || !saw[3] {
			t.Errorf("as many processors as threads: %v", saw)
		}
		w.start = func(*inputs, int) (operation, error) { return nil, errors.New("no data") }
		if err := Run(t.Context(), Config{Workloads: []Workload{w}, Threads: []int{1}}, nil); err == nil || err.Error() != "W: no data" {
			t.Errorf("a workload that cannot start: %v", err)
		}
	})
	if now := runtime.GOMAXPROCS(0); now != before {
		t.Errorf("%d processors afterwards, %d before", now, before)
	}
}

// ready starts a workload.
func ready(t *testing.T, in *inputs, name string, threads int) operation {
	t.Helper()
	w, err := Select([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	op, err := w[0].start(in, threads)
	if err != nil {
		if os.Getenv("CI") == "" && in.train.Images == nil && name != "W1d" && name != "W2" {
			t.Skip("MNIST cannot be had: ", err)
		}
		t.Fatal(err)
	}
	return op
}

// results runs an operation so often.
func results(t *testing.T, op operation, n int) (all []float64) {
	t.Helper()
	for range n {
		v, err := op()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// TestStepsTrain: an epoch of MNIST is learnt, a single dense batch by heart; and
// on two threads to the same bits.
func TestStepsTrain(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	in := &inputs{ctx: t.Context()}
	if _, err := in.dense(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		net   *nn.Sequential[float32]
		batch int
		one   bool // of the batches only the first
		steps int
		to    float64
	}{
		{"W1d", network(small, relu), 100, true, 200, 0.1},
		{"W2", network(large, relu), 256, true, 20, 1},
		{"W1", network(small, relu), 100, false, 600, 0.4},
		{"W1s", network(small, sigmoid), 100, false, 600, 0.6},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := *in
			if test.one {
				in.random = in.random.Rows(0, test.batch)
			}
			losses := results(t, ready(t, &in, test.name, 1), test.steps)
			first := in.images
			if test.one {
				first = in.random
			}
			first = first.Rows(0, test.batch)
			atFirst := nn.NewSoftmaxWithLoss[float32]().Forward(nil, test.net.Forward(nil, first.X), first.Targets())
			var last float64
			for _, l := range losses[len(losses)-5:] {
				last += l / 5
			}
			if losses[0] != atFirst || !(last < test.to) {
				t.Errorf("the loss falls from %v to %v; want it to fall from %v to less than %v", losses[0], last, atFirst, test.to)
			}
			if two := results(t, ready(t, &in, test.name, 2), 20); !slices.Equal(two, losses[:20]) {
				t.Errorf("losses on two threads: %v; on one: %v", two, losses[:20])
			}
		})
	}
}

// TestStepsStopAtNaN: a step that computes nothing is not measured.
func TestStepsStopAtNaN(t *testing.T) {
	in := &inputs{ctx: t.Context(), random: set{X: tensor.New[float32](256, 784), T: make([]int, 256)}}
	in.random.X.Data[0] = float32(math.NaN())
	for _, name := range []string{"W1d", "W2"} {
		if _, err := ready(t, in, name, 1)(); err == nil || !strings.Contains(err.Error(), "sample 0 of the batch has an input that is NaN") {
			t.Errorf("%s on a NaN: %v", name, err)
		}
	}
}

func TestPredictions(t *testing.T) {
	in := &inputs{ctx: t.Context()}
	for _, test := range []struct {
		name  string
		sizes []int
		n     int
	}{{"W4a", small, 1}, {"W4b", large, 1}, {"W4c", large, 1000}} {
		got := results(t, ready(t, in, test.name, 2), 3)
		net := network(test.sizes, relu)
		for i, v := range got {
			part := in.images.Rows(i*test.n, (i+1)*test.n)
			want := nn.Correct(net.Forward(nil, part.X), part.T)
			if v != float64(want) {
				t.Errorf("%s: %v of the images from %d are right, want %v", test.name, v, i*test.n, want)
			}
		}
		if slices.Min(got) == slices.Max(got) && test.n > 1 {
			t.Errorf("%s: every prediction has %v right", test.name, got[0])
		}
	}
}

// TestGradientCheck: it compares all gradients, with the differences that the book's
// network computes one by one.
func TestGradientCheck(t *testing.T) {
	in := &inputs{ctx: t.Context()}
	got := results(t, ready(t, in, "W5", 1), 1)[0]
	x := tensor.New[float64](3, 784)
	for i := range x.Data {
		x.Data[i] = float64(in.train.Images.Data[i]) / 255
	}
	labels := []int{5, 0, 4} // the first digits of MNIST
	net := nn.NewTwoLayerNet[float64](784, 50, 10, 0.01, train.Random(1, "weights"))
	grads := net.Gradient(x, labels)
	var want float64
	for name, numbers := range net.NumericalGradient(x, labels) {
		want = max(want, gradcheck.RelativeError(grads[name].Data, numbers.Data))
	}
	if got != want || got < 1e-9 {
		t.Errorf("largest error %v, want %v", got, want)
	}
}

func TestProducts(t *testing.T) {
	for _, n := range []int{64, 128, 256} {
		in := &inputs{ctx: t.Context()}
		got := results(t, ready(t, in, fmt.Sprint("W6-", n), 2), 1)[0]
		a, b := make([]float32, n*n), make([]float32, n*n)
		fill(a, 1)
		fill(b, 2)
		var want float64
		for k := range n {
			want += float64(a[n*n-n+k]) * float64(b[k*n+n-1])
		}
		if !(math.Abs(got-want) < 1e-5) || want == 0 {
			t.Errorf("%d: the last element is %v, want %v", n, got, want)
		}
	}
}

// TestWholeProgram: it is given MNIST in compressed files, which are gone in the
// end.
func TestWholeProgram(t *testing.T) {
	var dir string
	in := &inputs{ctx: t.Context()}
	in.Train = func(ctx context.Context, mnist string, threads int) (float64, error) {
		dir = mnist
		files, err := os.ReadDir(mnist)
		if err != nil || len(files) != 4 {
			t.Errorf("%v, %v; want four files", files, err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".gz") {
				t.Errorf("%s is not compressed", f.Name())
			}
		}
		train, test, err := data.MNISTSource{Dir: mnist}.Load(ctx)
		if err != nil || len(train.Labels.Data) != 60000 || len(test.Labels.Data) != 10000 {
			t.Errorf("what is in %s: %v", mnist, err)
		}
		return float64(threads), nil
	}
	if got := results(t, ready(t, in, "W1full", 3), 2); !slices.Equal(got, []float64{3, 3}) {
		t.Errorf("%v", got)
	}
	in.remove()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", dir, err)
	}
}

// BenchmarkWorkloads measures all but W1full, which needs the program, on all
// threads.
func BenchmarkWorkloads(b *testing.B) {
	in := &inputs{ctx: b.Context()}
	for _, w := range Workloads() {
		if w.Name == "W1full" {
			continue
		}
		b.Run(w.Name, func(b *testing.B) {
			op, err := w.start(in, runtime.GOMAXPROCS(0))
			if err != nil {
				b.Skip(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := op(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(w.value(b.Elapsed().Seconds()/float64(b.N)), w.Unit)
		})
	}
}
