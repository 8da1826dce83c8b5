package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write makes what write writes the content of the file at path. It goes to a
// temporary file in the same folder, which is flushed to disk and then renamed
// to the target. If anything fails, or write panics, the temporary is removed
// and the target is as before; the one exception is an error that says it was
// written, but that the renaming itself may not outlive a power failure.
//
// A symbolic link is followed and stays. An existing file keeps its permission
// bits and is refused when it is write-protected; a new one gets those that
// [os.Create] would give. What is neither a file nor a folder, such as a pipe
// or /dev/stdout, is written to directly. Errors name the path.
func Write(path string, write func(w io.Writer) error) error {
	if err := replace(path, write); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Writable returns the error [Write] would fail with now, before anything is
// written: for a program that works long for what it writes. It leaves nothing
// behind.
func Writable(path string) error {
	err := func() error {
		t, err := find(path)
		if err != nil || t.direct {
			return err
		}
		f, err := t.temporary()
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}()
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// A target is what is to be written.
type target struct {
	path   string      // symbolic links followed
	info   fs.FileInfo // of the file there; nil if there is none
	direct bool        // it is no file, and cannot be replaced
}

func find(path string) (t target, err error) {
	if path == "" {
		return t, errors.New("it has no name; name a file")
	}
	// Stat, not the links themselves: /dev/stdout leads to a pipe whose name,
	// as the link has it, cannot be opened.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return t, errors.New("it is a folder; name a file in it")
		}
		return target{path: path, info: info, direct: true}, nil
	}
	if t.path, t.info, err = follow(path); err != nil {
		return t, err
	}
	if t.info != nil && t.info.Mode().Perm()&0o200 == 0 {
		return t, errors.New("it is write-protected; change its mode or name another file")
	}
	return t, nil
}

// temporary creates a file beside the target.
func (t target) temporary() (*os.File, error) {
	// os.CreateTemp makes files only their owner can read. OpenFile lets the
	// umask decide, as for any other new file. 64 random bits do not collide,
	// and if they do, O_EXCL makes it an error.
	dir, _ := filepath.Split(t.path)
	name := fmt.Sprintf("%s.chainrule-%016x.tmp", dir, rand.Uint64())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("make the folder %s first: %w", dir, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("no permission to write in its folder: %w", err)
	}
	return f, err
}

func replace(path string, write func(w io.Writer) error) (err error) {
	t, err := find(path)
	if err != nil {
		return err
	}
	if t.direct {
		return direct(path, write)
	}
	f, err := t.temporary()
	if err != nil {
		return err
	}
	renamed := false
	defer func() { // not after an error only: write may panic
		if !renamed {
			f.Close()
			os.Remove(f.Name())
		}
	}()

	if err := buffered(f, write); err != nil {
		return err
	}
	if t.info != nil {
		if err := f.Chmod(t.info.Mode().Perm()); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), t.path); err != nil {
		return err
	}
	renamed = true
	dir, _ := filepath.Split(t.path)
	if err := syncFolder(dir); err != nil {
		return fmt.Errorf("it was written, but its folder could not be flushed to disk: %w", err)
	}
	return nil
}

// follow returns the path at the end of a chain of symbolic links, whether or
// not something is there, and what is there, if anything.
func follow(path string) (string, fs.FileInfo, error) {
	for range 40 { // as many as Linux follows
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil, nil
		}
		if err != nil {
			return "", nil, err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			return path, info, nil
		}
		link, err := os.Readlink(path)
		if err != nil {
			return "", nil, err
		}
		if !filepath.IsAbs(link) {
			// Not filepath.Join: it would shorten folder/../name, which is
			// another file when folder is itself a link.
			dir, _ := filepath.Split(path)
			link = dir + link
		}
		path = link
	}
	return "", nil, errors.New("too many symbolic links")
}

// direct writes to what is no file and so cannot be replaced.
func direct(path string, write func(w io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return buffered(f, write)
}

func buffered(f *os.File, write func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// syncFolder makes the renaming itself durable, where the system has a way to:
// Windows and the browser do not open folders, some network file systems do not
// flush them, and a folder that may not be read cannot be opened.
func syncFolder(dir string) error {
	switch runtime.GOOS {
	case "windows", "js", "wasip1", "plan9":
		return nil
	}
	if dir == "" {
		dir = "."
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}
