package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) infoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info MODEL",
		Short: "The layers of a model file",
		Args:  arguments(1, 1, "one model file"),

		ValidArgsFunction: completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := load(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			summary, err := m.Net.Summary(m.Input...)
			if err != nil {
				return fmt.Errorf("%s: %w", quoted(args[0]), err)
			}
			if a.json {
				a.printJSON(summary)
				return nil
			}
			for i, l := range summary.Layers {
				summary.Layers[i].Name, summary.Layers[i].Layer = shortened(l.Name), shortened(l.Layer)
			}
			fmt.Fprint(a.stdout, summary)
			return nil
		},
	}
}
