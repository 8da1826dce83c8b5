//go:build unix

package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// stopSignals end a command as Ctrl-C does: those that schedulers send before they kill
// too. A closed terminal does, unless nohup was to keep it from that.
func stopSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// exitSignal is the signal whose number is in the exit code: SIGUSR1 asks for what SIGTERM
// does, only earlier.
func exitSignal(s syscall.Signal) syscall.Signal {
	if s == syscall.SIGUSR1 {
		return syscall.SIGTERM
	}
	return s
}

// surviveBrokenPipe makes writing to a reader that has left an error, in place
// of the end of the program.
func surviveBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }

// closedOutput returns an error if w is a file descriptor that was closed when
// the program began. Go has opened /dev/null in its place by then, for reading
// and writing, where a shell's >/dev/null is for writing.
func closedOutput(w io.Writer) error {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return nil
	}
	info, err := f.Stat()
	if err != nil || !os.SameFile(info, null) {
		return err
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err == nil && flags&unix.O_ACCMODE == unix.O_RDWR {
		return errors.New("standard output is closed; to drop the results, use >/dev/null")
	}
	return nil
}
