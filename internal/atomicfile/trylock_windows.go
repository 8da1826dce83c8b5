package atomicfile

import (
	"os"

	"golang.org/x/sys/windows"
)

// tryLock locks f until it is closed: a byte far behind its end, so that others can read
// what is in it.
func tryLock(f *os.File) error {
	behind := windows.Overlapped{OffsetHigh: 1}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &behind)
	if err == windows.ERROR_LOCK_VIOLATION {
		return ErrLocked
	}
	return err
}
