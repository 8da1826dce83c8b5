package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/bench"
	"github.com/chainrule-go/chainrule/internal/spelling"
)

func (a *app) benchCommand() *cobra.Command {
	var dir folder
	threads := count{0, 1, 1024}
	only := workloads(bench.Workloads())
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast training, prediction and matrix products are here",
		Long: `Measure how fast this machine trains, predicts, checks gradients and multiplies
matrices, each on one thread and on all. The workloads:

` + workloadList() + `
A figure is the median of several samples; the spread is from the lowest to the
highest, as a share of it. GFLOP/s counts the matrix products alone. "of peak"
is their share of what the cores reach with fused multiply-adds of float32 in
registers, measured just before; W5 computes in float64 and has no such share.

It takes one or two minutes. Run nothing else meanwhile.`,
		Args: arguments(0, 0, "no arguments but flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := bench.Config{
				Workloads: only,
				Threads:   []int{1, runtime.GOMAXPROCS(0)},
				MNIST:     data.MNISTSource{Dir: string(dir), Log: a.logf},
				Train: func(ctx context.Context, mnist string, threads int) (float64, error) {
					return trainProgram(ctx, threads, "--data", mnist)
				},
			}
			if threads.value > 0 {
				c.Threads = []int{threads.value}
			}
			c.Threads = slices.Compact(c.Threads)
			return a.bench(cmd.Context(), c)
		},
	}
	f := cmd.Flags()
	dataFlag(cmd, &dir)
	f.Var(&only, "only", "workloads to measure, such as W1,W6-512; W6 is all its sizes")
	f.Var(&threads, "threads", "number of threads to measure on (default 1 and all)")
	cmd.RegisterFlagCompletionFunc("only", completeWorkloads)
	f.Lookup("threads").DefValue = ""
	f.Lookup("only").DefValue = ""
	return cmd
}

// workloads is the value of --only.
type workloads []bench.Workload

func (v *workloads) Set(s string) (err error) {
	var known []string
	for _, w := range bench.Workloads() {
		known = append(known, w.Name)
	}
	names := strings.Split(s, ",")
	if *v, err = bench.Select(names); err == nil {
		return nil
	}
	for _, name := range names {
		if _, err := bench.Select([]string{name}); err != nil {
			if near := spelling.Suggest(name, known); near != "" {
				return fmt.Errorf("there is no workload %q%s", name, near)
			}
			return err
		}
	}
	return err
}
func (v *workloads) String() string { return "" }
func (v *workloads) Type() string   { return "names" }

// workloadList is the table of workloads in words, a size of W6 for all.
func workloadList() string {
	var s strings.Builder
	for _, w := range bench.Workloads() {
		fmt.Fprintf(&s, "  %-8s %s (%s)\n", w.Name, w.What, w.Unit)
	}
	return s.String()
}

// benchEvent is a line of bench --json.
type benchEvent struct {
	Workload  string `json:"workload"`
	Threads   int    `json:"threads"`
	Median    number `json:"median"`
	Min       number `json:"min"`
	Max       number `json:"max"`
	Unit      string `json:"unit"`
	GFLOPS    number `json:"gflops"`
	PeakShare number `json:"peak_share"`
}

func (a *app) bench(ctx context.Context, c bench.Config) error {
	header := !a.json
	return bench.Run(ctx, c, func(r bench.Result) {
		if header {
			fmt.Fprintf(a.stdout, benchRow, "workload", "threads", "median", "unit", "spread", "GFLOP/s", "of peak")
			header = false
		}
		a.printBench(r)
	})
}

// benchRow are the columns of the table.
const benchRow = "%-8s  %7s  %9s  %-9s  %7s  %8s  %7s\n"

func (a *app) printBench(r bench.Result) {
	if a.json {
		a.printJSON(benchEvent{r.Workload.Name, r.Threads, number(r.Median), number(r.Min), number(r.Max), r.Workload.Unit, number(r.GFLOPS), number(r.PeakShare)})
		return
	}
	fmt.Fprintf(a.stdout, benchRow, r.Workload.Name, strconv.Itoa(r.Threads), digits(r.Median, 4), r.Workload.Unit,
		digits(100*r.Spread(), 2)+" %", digits(r.GFLOPS, 3), percent(r.PeakShare))
}

// digits formats v with at least n significant digits and no exponent.
func digits(v float64, n int) string {
	if math.IsNaN(v) {
		return "-"
	}
	whole := len(strconv.Itoa(int(math.Abs(v))))
	return strconv.FormatFloat(v, 'f', max(n-whole, 0), 64)
}

func percent(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}

// trainProgram runs chainrule train as a process of its own, which has as many
// processors as threads, and returns its test accuracy.
func trainProgram(ctx context.Context, threads int, flags ...string) (accuracy float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "chainrule-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	n := strconv.Itoa(threads)
	flags = append([]string{"train", "--json", "--threads", n, "--out", filepath.Join(dir, "model.safetensors")}, flags...)
	cmd := exec.CommandContext(ctx, self, flags...)
	cmd.Env = append(cmd.Environ(), "GOMAXPROCS="+n)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s train: %w: %s", self, err, strings.TrimSpace(stderr.String()))
	}
	lines := bytes.Split(bytes.TrimSpace(stdout), []byte("\n"))
	var done doneEvent
	if err := json.Unmarshal(lines[len(lines)-1], &done); err != nil || done.Event != "done" {
		return 0, fmt.Errorf("%s train did not end as it should: %s", self, lines[len(lines)-1])
	}
	return float64(done.TestAccuracy), nil
}
