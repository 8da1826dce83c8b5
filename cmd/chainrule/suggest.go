package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chainrule-go/chainrule/internal/spelling"
)

func unknownCommand(root *cobra.Command, typed string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return fmt.Errorf("there is no command %q%s", typed, spelling.Suggest(typed, names))
}

// flagError adds to pflag's error which flag was meant, and says what a flag
// wants where pflag shows the error of a function of Go.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		return fmt.Errorf("%w%s", err, strings.Replace(spelling.Suggest(unknown.GetSpecifiedName(), names), "mean ", "mean --", 1))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if flag := invalid.GetFlag(); flag.Value.Type() == "bool" {
			return fmt.Errorf("invalid argument %q for \"--%s\" flag: want true or false", invalid.GetValue(), flag.Name)
		}
	}
	return err
}
