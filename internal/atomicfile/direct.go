package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// held are the pipes that Writable opened, by path.
var held struct {
	sync.Mutex
	files map[string]*os.File
}

// hold opens the pipe at path and keeps it for direct.
func hold(path string) error {
	held.Lock()
	defer held.Unlock()
	if held.files[path] != nil {
		return nil
	}
	f, err := openDirect(path)
	if err != nil {
		return err
	}
	if held.files == nil {
		held.files = map[string]*os.File{}
	}
	held.files[path] = f
	return nil
}

// direct writes to a target that cannot be replaced.
func direct(path string, write func(w io.Writer) error) (err error) {
	held.Lock()
	f := held.files[path]
	delete(held.files, path)
	held.Unlock()
	if f == nil {
		if f, err = openDirect(path); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return buffered(f, write)
}

// openDirect opens a target that cannot be replaced, to write at its end. It does not wait
// for a reader of a pipe, which may never come.
func openDirect(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|nonblock, 0)
	if errors.Is(err, errNoReader) {
		if info, statErr := os.Stat(path); statErr == nil && info.Mode()&fs.ModeNamedPipe != 0 {
			return nil, fmt.Errorf("it is a pipe that no program reads (%w); start its reader first, or name a file", errNoReader)
		}
	}
	return f, err
}
