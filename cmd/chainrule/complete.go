package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/internal/bench"
)

// What the shell proposes when the user presses Tab; the scripts are those of
// chainrule completion.

// modelFiles are the files whose names end as those of models do.
func modelFiles() ([]string, cobra.ShellCompDirective) {
	return []string{"safetensors"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeModel completes a model file as the only argument.
func completeModel(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return modelFiles()
}

// completeGraph completes a figure, or if none begins so a model file.
func completeGraph(_ *cobra.Command, args []string, begin string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, f := range graph.Figures() {
		if strings.HasPrefix(f.Name, begin) {
			names = append(names, f.Name+"\t"+f.Title)
		}
	}
	if len(names) == 0 {
		return modelFiles()
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFlag makes the values of a flag known.
func completeFlag(cmd *cobra.Command, flag string, values ...string) {
	f := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // there is no such flag
	}
}

// completeWorkloads completes the last of several workloads.
func completeWorkloads(_ *cobra.Command, _ []string, begin string) (names []string, _ cobra.ShellCompDirective) {
	before := begin[:strings.LastIndex(begin, ",")+1]
	for _, w := range bench.Workloads() {
		names = append(names, before+w.Name+"\t"+w.What)
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
