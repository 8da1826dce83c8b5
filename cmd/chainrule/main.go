package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/nn"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, stopSignals()...)
	go func() {
		s := <-signals
		signal.Stop(signals) // a second one ends the program at once
		cancel(signalError{s})
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 128 // plus the number of the signal: 130 for Ctrl-C
)

// signalError is the cause of a context canceled by a signal.
type signalError struct{ os.Signal }

func (e signalError) Error() string { return e.String() }

// Is reports that what a signal ended was canceled: some errors are the cause itself.
func (signalError) Is(target error) bool { return target == context.Canceled }

func (e signalError) exitCode() int {
	if s, ok := e.Signal.(syscall.Signal); ok {
		return exitInterrupted + int(exitSignal(s))
	}
	return exitInterrupted + 2
}

// usageError is a mistake in the command line: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// arguments checks how many arguments a command has; want names them, as in
// "one model file".
func arguments(least, most int, want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fmt.Errorf("want %s, got %d arguments", want, len(args))
		}
		return nil
	}
}

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// app is what the commands share.
type app struct {
	stdout, stderr  io.Writer
	json            bool
	screen          *screen
	terminal, piped bool // what standard output is
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	screen := newScreen(stderr)
	defer screen.close()
	out := &checkedWriter{w: screen.writer(stdout)}
	a := &app{stdout: out, stderr: screen.writer(stderr), screen: screen, terminal: isTerminal(stdout), piped: isPipe(stdout)}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(a.stderr)

	// What fails before a command runs is a wrong command line.
	started := false
	closed := closedOutput(stdout)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		started = true
		if name := cmd.Name(); name == "train" || name == "check" {
			return nil // they are run for a file and an exit code
		}
		return closed
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil && !started {
		err, started = closed, true // a help
	}
	if err == nil && out.err != nil {
		err, started = fmt.Errorf("writing the results: %w", out.err), true
	}
	if err == nil {
		return exitOK
	}
	var interrupted signalError
	if errors.As(context.Cause(ctx), &interrupted) && errors.Is(err, context.Canceled) {
		return interrupted.exitCode()
	}
	var usage usageError
	if !started || errors.As(err, &usage) {
		a.logf("%s: %v (see %s --help)", cmd.CommandPath(), err, cmd.CommandPath())
		if e, ok := errors.AsType[*nn.ParseError](err); ok {
			for line := range strings.Lines(e.Place()) {
				a.logf("  %s", strings.TrimSuffix(line, "\n"))
			}
		}
		return exitUsage
	}
	all, ok := err.(failures)
	if !ok {
		all = failures{err}
	}
	for _, err := range all {
		a.logf("%s: %v", cmd.CommandPath(), err)
	}
	return exitFailure
}

// rootCommand returns the program's command with all others below it.
func (a *app) rootCommand() *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "chainrule",
		Short: "Neural networks by hand-written backpropagation",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				a.printVersion()
				return nil
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVar(&version, "version", false, "print the version")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print results as JSON, one object a line")
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", "Flags.FlagUsagesWrapped 80 "))
	root.SetHelpCommand(helpCommand(root))
	root.AddCommand(a.dataCommand(), a.trainCommand(), a.reproduceCommand(), a.checkCommand(), a.evalCommand(), a.predictCommand(), a.infoCommand(), a.reportCommand(), a.runsCommand(), a.graphCommand(), a.benchCommand(), a.experimentCommand(), a.versionCommand())
	return root
}

// checkedWriter remembers the first error, so that results that are lost are
// not a success, and no line of printing has to ask.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// helpCommand is cobra's, but an unknown command is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{unknownCommand(root, strings.Join(args, " "))}
			}
			return cmd.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if len(args) == 0 {
				for _, c := range root.Commands() {
					if c.IsAvailableCommand() {
						names = append(names, c.Name()+"\t"+c.Short)
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// untilDone returns what f does, or ctx's error as soon as ctx is done. Then f goes on
// until its end or that of the program, so it writes to no variable that is used outside
// of it: what it has to tell is its result.
func untilDone[R any](ctx context.Context, f func() (R, error)) (R, error) {
	type result struct {
		r   R
		err error
	}
	done := make(chan result, 1)
	go func() {
		r, err := f()
		done <- result{r, err}
	}()
	select {
	case d := <-done:
		return d.r, d.err
	case <-ctx.Done():
		var none R
		return none, ctx.Err()
	}
}

// dataFlag adds --data. Given and empty, as an unset variable of the shell makes
// it, it is a mistake, not the wish to look elsewhere.
func dataFlag(cmd *cobra.Command, dir *folder) {
	cmd.Flags().Var(dir, "data", "folder with the four files of MNIST")
	cmd.MarkFlagDirname("data")
}

// failures are several things that went wrong, each worth a line of its own.
type failures []error

func (f failures) Error() string { return errors.Join(f...).Error() }

// add appends err unless it is nil.
func (f *failures) add(err error) {
	if err != nil {
		*f = append(*f, err)
	}
}

// err returns nil if nothing went wrong.
func (f failures) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}
