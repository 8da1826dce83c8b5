package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// ErrLocked is the error of [Lock] if another process, or this one, has the lock.
var ErrLocked = errors.New("it is locked")

// Lock makes a file at path and locks it until it is closed or the process ends, in
// whatever way. So a crash leaves no lock behind. The file remains and holds the number of
// the process; the error that wraps [ErrLocked] states it. If the system has no locks, Lock
// locks nothing.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, named(path, explain(path, err))
	}
	if err := tryLock(f); err != nil {
		if errors.Is(err, ErrLocked) {
			if by, readErr := os.ReadFile(path); readErr == nil && len(by) > 0 && len(by) < 100 {
				err = fmt.Errorf("%w by %s", err, strings.TrimSpace(string(by)))
			}
		}
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	text := fmt.Sprintf("process %d\n", os.Getpid())
	if err := errors.Join(f.Truncate(0), writeAt(f, text)); err != nil {
		f.Close()
		return nil, named(path, err)
	}
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
