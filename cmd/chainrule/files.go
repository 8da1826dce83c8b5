package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/internal/inputfile"
	"github.com/chainrule-go/chainrule/train"
)

// standardInput is the name of a file that stands for standard input.
const standardInput = "-"

// fileName is how a file is called in results and messages; "-" is standard
// input.
func fileName(path string) string {
	if path == standardInput {
		return "standard input"
	}
	return quoted(path)
}

// openInput opens a file to be read, or standard input.
func openInput(ctx context.Context, path string) (io.ReadCloser, error) {
	if path == standardInput {
		return io.NopCloser(os.Stdin), nil
	}
	return inputfile.Open(ctx, path)
}

// notInput returns an error if the file out, which flag names, is one of the
// inputs, be it under another name, or belongs to a run that is: the result would
// replace what it is made from.
func notInput(flag, out string, inputs ...string) error {
	to, err := os.Stat(out)
	if err != nil || !to.Mode().IsRegular() {
		return nil // nothing there that could be lost
	}
	for _, input := range inputs {
		if isFolder(input) {
			if err := notInput(flag, out, train.Files(input)...); err != nil {
				return err
			}
		}
		from, err := os.Stat(input)
		if input == standardInput {
			from, err = os.Stdin.Stat()
		}
		if err == nil && os.SameFile(from, to) {
			return usagef("%s %s is the input %s, which it would replace; name another file", flag, quoted(out), fileName(input))
		}
	}
	return nil
}

// checkOutput returns an error if the file of --out cannot be written, or would replace
// another one without --force.
func checkOutput(path string, force bool) error {
	if err := atomicfile.Writable(path); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > 0 && !force {
		return fmt.Errorf("the file %s exists; --force replaces it, --out names another", quoted(path))
	}
	return nil
}

// writeFile writes a file as a whole, or not at all. To a pipe it writes as its
// reader reads, until ctx is done.
func writeFile(ctx context.Context, path string, write func(io.Writer) error) error {
	f := func() (struct{}, error) { return struct{}{}, atomicfile.Write(path, write) }
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		_, err = untilDone(ctx, f)
		return err
	}
	_, err := f()
	return err
}

// isNamedPipe reports whether path is a pipe.
func isNamedPipe(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeNamedPipe != 0
}

// isFolder reports whether path is a folder.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
