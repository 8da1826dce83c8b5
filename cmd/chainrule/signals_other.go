//go:build !unix

package main

import (
	"io"
	"os"
	"syscall"
)

func stopSignals() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

func exitSignal(s syscall.Signal) syscall.Signal { return s }

func surviveBrokenPipe() {}

// closedOutput: writing to what is closed is an error here anyway.
func closedOutput(io.Writer) error { return nil }
