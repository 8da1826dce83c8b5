//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// renamesOpenFiles: the lock lasts until the temporary has its final name.
const renamesOpenFiles = true

// lock locks f. A file system without locks has no temporaries removed either:
// removeAbandoned fails there in the same way.
func lock(f *os.File) { flock(f, syscall.LOCK_EX) }

// tryLock locks f until it is closed.
func tryLock(f *os.File) error {
	err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}

// removeAbandonedFolder is removeAbandoned for a folder of [Folder].
func removeAbandonedFolder(path string, _ fs.FileInfo) {
	d, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer d.Close()
	if flock(d, syscall.LOCK_EX|syscall.LOCK_NB) == nil && still(d) {
		os.RemoveAll(path)
	}
}

// removeAbandoned removes the temporary at path unless its writer has it locked.
// The lock of flock belongs to the open file, so it ends with its process, and
// two writers in one process exclude each other too.
//
// If the writer renames the file between the opening and the removal, path names
// nothing any more, and nothing is removed.
func removeAbandoned(path string, _ fs.FileInfo) {
	// For writing, which locks over NFS need. Opening must not wait for a pipe
	// that was put there since.
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if flock(f, syscall.LOCK_EX|syscall.LOCK_NB) == nil && still(f) {
		os.Remove(path)
	}
}

func flock(f *os.File, how int) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	err = c.Control(func(fd uintptr) {
		for {
			if lockErr = syscall.Flock(int(fd), how); lockErr != syscall.EINTR {
				return
			}
		}
	})
	return errors.Join(err, lockErr)
}
