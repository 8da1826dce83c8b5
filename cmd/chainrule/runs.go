package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/internal/report"
)

// runsOptions are the flags of runs.
type runsOptions struct {
	metric string
	plot   string
}

func (a *app) runsCommand() *cobra.Command {
	o := &runsOptions{}
	cmd := &cobra.Command{
		Use:   "runs FOLDER...",
		Short: "List and compare runs",
		Long: `List the runs that train --run has made, the best one first: each FOLDER is the folder of
a run or holds such folders. They are compared by the best value of a number in their
logs: the validation loss if all of them have it, or else the test accuracy or the
loss. Settings in which they differ are shown too.`,
		Example: `  chainrule runs runs
  chainrule runs runs/1 runs/2 --metric test_accuracy --plot runs.svg`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("want one folder or more, got none")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, flag := range []string{"metric", "plot"} {
				if f := cmd.Flags().Lookup(flag); f.Changed && f.Value.String() == "" {
					return usagef("--%s wants a name", flag)
				}
			}
			return a.runs(cmd.Context(), o, args)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	cmd.Flags().StringVar(&o.metric, "metric", "", "number of the logs to compare by, such as validation_accuracy")
	cmd.Flags().StringVar(&o.plot, "plot", "", "file to draw the curves of the metric to, as .svg or .png")
	cmd.MarkFlagFilename("plot", "svg", "png")
	return cmd
}

// A runLine is a line of runs --json.
type runLine struct {
	Run      string            `json:"run"`
	Finished bool              `json:"finished"`
	Epochs   number            `json:"epochs"`
	Steps    number            `json:"steps"`
	Metric   string            `json:"metric"`
	Best     number            `json:"best"` // null if the log has no such number
	AtEpoch  number            `json:"at_epoch"`
	Last     number            `json:"last"`
	Seconds  number            `json:"seconds"`
	Settings map[string]string `json:"settings,omitempty"` // in which the runs differ

	larger bool // values of the metric are better
}

func (a *app) runs(ctx context.Context, o *runsOptions, dirs []string) error {
	runs, err := untilDone(ctx, func() (runs []*report.Run, err error) {
		folders, err := report.FindRuns(dirs...)
		for _, dir := range folders {
			run, err := report.ReadRun(dir)
			if err != nil {
				return nil, err
			}
			runs = append(runs, run)
		}
		return runs, err
	})
	if err != nil {
		return err
	}
	metric := o.metric
	if metric == "" {
		if metric, err = report.Compared(runs); err != nil && o.plot != "" {
			return err
		}
	} else if !slices.ContainsFunc(runs, func(r *report.Run) bool { return r.Log.Find(metric) != nil }) {
		return fmt.Errorf("no log has the number %s; they have %s", quoted(metric), strings.Join(report.Names(runs), ", "))
	}
	differ := report.Differences(runs)
	var lines []runLine
	for _, r := range runs {
		lines = append(lines, lineOf(r, metric, differ))
	}
	slices.SortStableFunc(lines, func(a, b runLine) int {
		switch x, y := float64(a.Best), float64(b.Best); {
		case math.IsNaN(x) || math.IsNaN(y): // the last
			return strings.Compare(fmt.Sprint(math.IsNaN(x)), fmt.Sprint(math.IsNaN(y)))
		case x == y:
			return 0
		case x > y == a.larger:
			return -1
		}
		return 1
	})
	if o.plot != "" {
		f, err := (report.Comparison{Name: metric, Runs: runs}).Figure()
		if err != nil {
			return err
		}
		write, err := plot.Writer(o.plot)
		if err != nil {
			return usageError{err}
		}
		if err := writeFile(ctx, o.plot, func(w io.Writer) error { return write(w, f) }); err != nil {
			return err
		}
	}
	if a.json {
		for _, l := range lines {
			a.printJSON(l)
		}
		return nil
	}
	return a.printRuns(lines, metric, differ)
}

// lineOf is what is told of a run.
func lineOf(r *report.Run, metric string, differ []string) runLine {
	nan := number(math.NaN())
	l := runLine{Run: r.Dir, Finished: r.Finished(), Metric: metric, Best: nan, AtEpoch: nan, Last: nan, Seconds: nan}
	if c := r.Log.Find(metric); c != nil {
		best, at := c.Best()
		l.Best, l.AtEpoch, l.Last, l.larger = number(best), number(at), number(c.Last()), c.Larger()
	}
	epochs, steps := r.Log.End()
	l.Epochs, l.Steps = number(epochs), number(steps)
	if c := r.Log.Find("seconds"); c != nil {
		l.Seconds = number(c.Last())
	}
	for _, name := range differ {
		if l.Settings == nil {
			l.Settings = map[string]string{}
		}
		l.Settings[name] = r.Setting(name)
	}
	return l
}

// mostSettings are the settings in a table.
const mostSettings = 6

func (a *app) printRuns(lines []runLine, metric string, differ []string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	differ = differ[:min(len(differ), mostSettings)]
	fmt.Fprintf(w, "run\tstate\tepochs\tsteps\tbest %s\tat epoch\ttime", strings.ReplaceAll(shortened(metric), "_", " "))
	for _, name := range differ {
		fmt.Fprintf(w, "\t%s", shortened(strings.TrimPrefix(name, "flags.")))
	}
	fmt.Fprintln(w)
	short := func(n number) string {
		if math.IsNaN(float64(n)) {
			return "–"
		}
		return strconv.FormatFloat(float64(n), 'g', 5, 64)
	}
	for _, l := range lines {
		state, time := "unfinished", "–"
		if l.Finished {
			state = "finished"
		}
		if !math.IsNaN(float64(l.Seconds)) {
			time = report.Duration(float64(l.Seconds))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f\t%s\t%s\t%s", shortened(l.Run), state, short(l.Epochs), float64(l.Steps), short(l.Best), short(l.AtEpoch), time)
		for _, name := range differ {
			fmt.Fprintf(w, "\t%s", shortened(l.Settings[name]))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
