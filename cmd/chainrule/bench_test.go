package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/internal/bench"
)

func TestBenchJSON(t *testing.T) {
	stdout := must(t, "bench", "--json", "--only", "W6-64", "--threads", "1")
	var fields map[string]any
	if err := json.Unmarshal([]byte(stdout), &fields); err != nil || strings.Count(stdout, "\n") != 1 {
		t.Fatalf("%v: %s", err, stdout)
	}
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"gflops", "max", "median", "min", "peak_share", "threads", "unit", "workload"}; !slices.Equal(names, want) {
		t.Errorf("fields %v, want %v", names, want)
	}
	e := lines[benchEvent](t, stdout)[0]
	if e.Workload != "W6-64" || e.Threads != 1 || e.Unit != "GFLOP/s" || !(0 < e.Min && e.Min <= e.Median && e.Median <= e.Max) || math.Abs(float64(e.GFLOPS/e.Median-1)) > 1e-9 {
		t.Errorf("%+v", e)
	}
}

// TestBenchThreads: one thread and all, unless told otherwise.
func TestBenchThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var threads []int
	for _, e := range lines[benchEvent](t, must(t, "bench", "--json", "--only", "W6-64")) {
		threads = append(threads, e.Threads)
	}
	if !slices.Equal(threads, []int{1, 2}) {
		t.Errorf("measured on %v threads, want 1 and 2", threads)
	}
}

// TestBenchTable: columns that are straight, and no number where none makes
// sense.
func TestBenchTable(t *testing.T) {
	nan := math.NaN()
	w1, err := bench.Select([]string{"W1", "W4a", "W1full"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	a := &app{stdout: &out}
	for i, r := range []bench.Result{
		{Threads: 1, Median: 12345.678, Min: 12000, Max: 12500, GFLOPS: 197.28, PeakShare: 0.806},
		{Threads: 2, Median: 99.5, Min: 98, Max: 101.6, GFLOPS: nan, PeakShare: nan},
		{Threads: 16, Median: 6.3, Min: 6.3, Max: 6.3, GFLOPS: 0.0126, PeakShare: 0.001},
	} {
		r.Workload = w1[i]
		a.printBench(r)
	}
	want := "" +
		"W1              1      12346  steps/s      4.1 %       197     81 %\n" +
		"W1full          2      99.50  s            3.6 %         -        -\n" +
		"W4a            16      6.300  µs           0.0 %      0.01      0 %\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
	table := must(t, "bench", "--only", "W6-64", "--threads", "1")
	if !regexp.MustCompile(`^workload  threads     median  unit        spread   GFLOP/s  of peak\nW6-64 +1 +[\d.]+  GFLOP/s +[\d.]+ % +[\d.]+ +(\d+ %|-)\n$`).MatchString(table) {
		t.Errorf("the table is\n%s", table)
	}
}

// TestBenchInterrupted ends it in the middle of a workload.
func TestBenchInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := writer(func(p []byte) {
		if strings.HasPrefix(string(p), "W6-64") {
			cancel(signalError{os.Interrupt})
		}
	})
	if code := run(ctx, []string{"bench", "--only", "W6"}, stop, io.Discard); code != 130 {
		t.Errorf("exit code %d", code)
	}
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

// TestTrainProgram runs the program that W1full times.
func TestTrainProgram(t *testing.T) {
	mnist(t)
	t.Setenv("CHAINRULE_TEST_MAIN", "1")
	if accuracy, err := trainProgram(t.Context(), 2, "--steps", "600"); err != nil || accuracy < 0.88 || accuracy > 0.95 {
		t.Errorf("an epoch ends with %v, %v", accuracy, err)
	}
	none := t.TempDir()
	if _, err := trainProgram(t.Context(), 2, "--data", none); err == nil || !strings.Contains(err.Error(), fmt.Sprint("the folder ", none, " has no folders with pictures")) {
		t.Errorf("a folder without files: %v", err)
	}
}
