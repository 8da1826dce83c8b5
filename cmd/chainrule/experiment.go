package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/experiment"
	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/internal/spelling"
)

// experimentOptions are the flags of experiment.
type experimentOptions struct {
	data    folder
	seed    seed
	threads count
	out     string
	force   bool
}

func (a *app) experimentCommand() *cobra.Command {
	o := &experimentOptions{seed: 1, threads: count{0, 0, 1024}}
	var table strings.Builder
	for _, r := range experiment.Rows() {
		fmt.Fprintf(&table, "  %-12s %s\n", r.Name, r.About)
	}
	cmd := &cobra.Command{
		Use:   "experiment NAME",
		Short: "Repeat an experiment of the book, as a plot and numbers",
		Long: `Repeat an experiment of "Deep Learning from Scratch", chapters 6 to 8, in the
book's setting. NAME is one of

` + table.String() + `
It draws a plot, NAME.svg or as --out says, and writes its numbers to a file beside
it, of the same name with .json. The same seed gives the same numbers, on any
number of threads. search and halving also keep a table of their trials, in a file
ending in .trials, which one search at a time has: run again, they go on from there.`,
		Example: `  chainrule experiment surface
  chainrule experiment batchnorm --out batchnorm.png`,
		Args: arguments(1, 1, "the name of one experiment"),
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.Index(experiment.Names(), args[0])
			if i < 0 {
				return usagef("there is no experiment %s%s; want one of %s", quotedShort(args[0]), spelling.Suggest(args[0], experiment.Names()), strings.Join(experiment.Names(), ", "))
			}
			if !cmd.Flags().Changed("out") {
				o.out = args[0] + ".svg"
			}
			if ext := filepath.Ext(o.out); ext != ".svg" && ext != ".png" {
				return usagef("--out wants the name of a file that ends in .svg or .png, got %s", quotedShort(o.out))
			}
			return a.experiment(cmd.Context(), experiment.Rows()[i], o)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return experiment.Names(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	dataFlag(cmd, &o.data)
	f.Var(&o.seed, "seed", "seed of the weights, of the order of the samples and of what is drawn")
	f.Var(&o.threads, "threads", "trainings at the same time, 0 for all cores; they change no bit")
	f.StringVarP(&o.out, "out", "o", "", "file of the plot, ending in .svg or .png (default NAME.svg)")
	f.BoolVar(&o.force, "force", false, "replace the files if they exist")
	cmd.MarkFlagFilename("out", "svg", "png")
	return cmd
}

func (a *app) experiment(ctx context.Context, row experiment.Row, o *experimentOptions) error {
	start := time.Now()
	base := strings.TrimSuffix(o.out, filepath.Ext(o.out))
	numbers := base + ".json"
	for _, path := range []string{o.out, numbers} { // better now than after the work
		if err := checkOutput(path, o.force); err != nil {
			return err
		}
	}
	threads := o.threads.value
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var bar *progress
	setup := &experiment.Setup{
		Seed: uint64(o.seed), Threads: threads, Trials: base + ".trials",
		MNIST: func(ctx context.Context) (train, test data.Set[float32], err error) {
			train, test, err = data.LoadMNIST[float32](ctx, a.mnist(string(o.data)))
			for _, set := range []data.Set[float32]{train, test} {
				if err == nil {
					set.X.Shape = []int{set.Len(), 1, 28, 28}
				}
			}
			return train, test, err
		},
		Progress: func(done, of int) {
			if bar == nil {
				bar = a.newProgress(of, row.Name, "trainings")
			}
			bar.set(done)
		},
	}
	result, err := row.Run(ctx, setup)
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return err
	}
	draw := plot.SVG
	if filepath.Ext(o.out) == ".png" {
		draw = plot.PNG
	}
	if err := writeFile(ctx, o.out, func(w io.Writer) error { return draw(w, result.Figure) }); err != nil {
		return err
	}
	err = writeFile(ctx, numbers, func(w io.Writer) error {
		e := json.NewEncoder(w)
		return e.Encode(struct {
			Experiment string `json:"experiment"`
			Seed       uint64 `json:"seed"`
			Numbers    any    `json:"numbers"`
		}{row.Name, uint64(o.seed), result.Numbers})
	})
	if err != nil {
		return err
	}
	seconds := time.Since(start).Seconds()
	if a.json {
		a.printJSON(struct {
			Experiment string   `json:"experiment"`
			Plot       string   `json:"plot"`
			Numbers    string   `json:"numbers"`
			Seconds    number   `json:"seconds"`
			Lines      []string `json:"lines"`
		}{row.Name, o.out, numbers, number(seconds), result.Lines})
		return nil
	}
	for _, line := range result.Lines {
		fmt.Fprintln(a.stdout, line)
	}
	fmt.Fprintf(a.stdout, "%.1f s; the plot is in %s, its numbers in %s\n", seconds, quoted(o.out), quoted(numbers))
	return nil
}
