package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// didYouMean returns "; did you mean NAME?" for the names that are nearest to
// what was typed, and "" if none is near or too many are.
func didYouMean(typed string, names []string) string {
	// Cobra's search is for commands, so the names become commands.
	all := &cobra.Command{}
	for _, name := range names {
		if strings.EqualFold(name, typed) {
			return "; did you mean " + name + "?"
		}
		all.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	// Of a short name, a few changes make any other.
	for changes := 0; changes <= min(2, (len(typed)-1)/2); changes++ {
		all.SuggestionsMinimumDistance = changes
		if near := all.SuggestionsFor(typed); len(near) > 3 {
			return ""
		} else if len(near) > 0 {
			return "; did you mean " + strings.Join(near, " or ") + "?"
		}
	}
	return ""
}

func unknownCommand(root *cobra.Command, typed string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("there is no command %q%s", typed, didYouMean(typed, names))
}

// flagError adds to pflag's error which flag was meant, and says what a flag
// wants where pflag shows the error of a function of Go.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("%w%s", err, strings.Replace(didYouMean(unknown.GetSpecifiedName(), names), "mean ", "mean --", 1))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if flag := invalid.GetFlag(); flag.Value.Type() == "bool" {
			return fmt.Errorf("invalid argument %q for \"--%s\" flag: want true or false", invalid.GetValue(), flag.Name)
		}
	}
	return err
}
