// Package inputfile opens the files that users name, and says what to do where
// that fails.
package inputfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// A File is open for reading until its context is done.
type File struct {
	f    *os.File // not embedded: its WriteTo would go past Read
	ctx  context.Context
	stop func() bool
}

// Open opens a file, a pipe or a device for reading. It waits until a pipe has a
// writer; when ctx is done, Open and Read return its error. Errors name the path and
// say what to do, and wrap the cause, such as [fs.ErrNotExist].
func Open(ctx context.Context, path string) (*File, error) {
	if path == "" {
		return nil, &problem{"a file without a name cannot be read; name one", fs.ErrNotExist}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type result struct {
		f   *os.File
		err error
	}
	opened := make(chan result, 1)
	go func() {
		f, err := os.Open(path)
		opened <- result{f, err}
	}()
	select {
	case <-ctx.Done():
		go func() { // closes it when it has opened
			if r := <-opened; r.err == nil {
				r.f.Close()
			}
		}()
		return nil, ctx.Err()
	case r := <-opened:
		if r.err != nil {
			return nil, explain(path, r.err)
		}
		if info, err := r.f.Stat(); err == nil && info.IsDir() {
			r.f.Close()
			return nil, &problem{path + " is a folder; name a file in it", syscall.EISDIR}
		}
		return &File{r.f, ctx, context.AfterFunc(ctx, func() { r.f.Close() })}, nil
	}
}

// Read reads as os.File does. Reading a pipe ends when the context is done.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.f.Read(p)
	if err != nil && f.ctx.Err() != nil {
		err = f.ctx.Err()
	}
	return n, err
}

// ReadAt reads as os.File does.
func (f *File) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.f.ReadAt(p, at)
	if err != nil && f.ctx.Err() != nil {
		err = f.ctx.Err()
	}
	return n, err
}

// Stat returns what os.File.Stat returns.
func (f *File) Stat() (fs.FileInfo, error) { return f.f.Stat() }

// Close closes the file.
func (f *File) Close() error {
	f.stop()
	return f.f.Close()
}

// A problem is an error with a text of its own.
type problem struct {
	text string
	err  error
}

func (e *problem) Error() string { return e.text }
func (e *problem) Unwrap() error { return e.err }

func explain(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &problem{"there is no file " + path + "; check its name", err}
	case errors.Is(err, syscall.ENOTDIR):
		return &problem{"there is no file " + path + ", since a part of it is a file, not a folder; check its name", err}
	case errors.Is(err, fs.ErrPermission):
		return &problem{path + " may not be read; change its mode", err}
	case errors.Is(err, syscall.ELOOP):
		return &problem{path + " cannot be read: its symbolic links lead in a circle; remove the link or name another file", err}
	case errors.Is(err, syscall.ENXIO):
		return &problem{path + " is a socket or a device that is not there; name a file", err}
	}
	return err
}
