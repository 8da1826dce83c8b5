package atomicfile

import (
	"io"
	"os"
)

// Fault, if set, is called before each operation on a file that is to last: "create",
// "write", "sync", "rename" and "remove". If it returns an error, the operation fails with
// it. Tests set it.
var Fault func(operation, path string) error

func fail(operation, path string) error {
	if Fault == nil {
		return nil
	}
	return Fault(operation, path)
}

// Sync flushes a file or folder to disk.
func Sync(f *os.File) error {
	if err := fail("sync", f.Name()); err != nil {
		return err
	}
	return f.Sync()
}

// Remove removes a file.
func Remove(path string) error {
	if err := fail("remove", path); err != nil {
		return err
	}
	return os.Remove(path)
}

// Writer returns a writer to f. If Fault fails a write, half of it is written.
func Writer(f *os.File) io.Writer { return faultyWriter{f} }

type faultyWriter struct{ f *os.File }

func (w faultyWriter) Write(p []byte) (int, error) {
	if err := fail("write", w.f.Name()); err != nil {
		n, _ := w.f.Write(p[:len(p)/2])
		return n, err
	}
	return w.f.Write(p)
}
