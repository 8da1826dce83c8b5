//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// stopSignals end a command as Ctrl-C does. A closed terminal does too, unless
// nohup was to keep it from that.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// surviveBrokenPipe makes writing to a reader that has left an error, in place
// of the end of the program.
func surviveBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }
