package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write replaces the content of the file at path by what the function write writes. The new
// content goes to a temporary file in the same folder, which is flushed to disk and then
// renamed to the target. If anything fails, or write panics, the temporary file is removed
// and the target does not change. The only exception is an error that says that the file
// was written, but that the renaming may be lost in a power failure.
//
// A symbolic link is followed, and is not replaced. An existing file keeps its permission
// bits, and is refused if it is write-protected; a new file gets the bits that [os.Create]
// would give it. A pipe, a terminal or /dev/stdout cannot be replaced, and is written to
// directly. A pipe without a reader, a folder, a disk or a socket is refused. Errors name
// the path and say what to do.
func Write(path string, write func(w io.Writer) error) error {
	t, err := find(path)
	if err == nil {
		if t.direct {
			err = direct(path, write)
		} else {
			err = t.replace(write)
		}
	}
	return named(path, err)
}

// Replace is [Write] for a file that belongs to the program, such as a file in a cache.
// path itself is replaced, even if it is a symbolic link, a pipe, a device or
// write-protected. The target of a link is neither read nor written. A folder is refused.
func Replace(path string, write func(w io.Writer) error) error {
	t := target{path: path}
	err := checkName(path)
	if info, statErr := os.Lstat(path); err == nil && statErr == nil && info.IsDir() {
		err = errors.New("it is a folder; remove it")
	}
	if err == nil {
		err = t.replace(write)
	}
	return named(path, err)
}

// Writable returns the error with which [Write] would fail now. It is for a program that
// works long before it writes. It leaves no file behind. A pipe stays open for Write,
// because its reader would take the closing for the end of the data.
func Writable(path string) error {
	t, err := find(path)
	switch {
	case err != nil:
	case t.direct:
		err = hold(path)
	default:
		var f *os.File
		if f, err = t.temporary(); err == nil {
			err = errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	return named(path, err)
}

func named(path string, err error) error {
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// A target is a file to write.
type target struct {
	path   string      // symbolic links followed
	info   fs.FileInfo // of an existing regular file, whose mode is kept; or nil
	direct bool        // it cannot be replaced, but can be written to
}

func checkName(path string) error {
	if path == "" {
		return errors.New("it has no name; name a file")
	}
	return nil
}

// find returns the target at path.
func find(path string) (t target, err error) {
	if err := checkName(path); err != nil {
		return t, err
	}
	// Stat, not the links themselves: /dev/stdout leads to a pipe whose name,
	// as the link has it, cannot be opened.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		switch mode := info.Mode(); {
		case mode.IsDir():
			return t, errors.New("it is a folder; name a file in it")
		case mode&fs.ModeSocket != 0:
			return t, errors.New("it is a socket; name a file")
		case mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0:
			return t, errors.New("it is a disk, whose content would be lost; name a file")
		}
		return target{path: path, direct: true}, nil
	}
	if t, err = follow(path); err != nil {
		return t, err
	}
	if t.info != nil && t.info.Mode().Perm()&0o200 == 0 {
		return t, errors.New("it is write-protected; change its mode or name another file")
	}
	return t, nil
}

// follow returns the end of a chain of symbolic links, whether or not there is a file. A
// chain that passes one of the program's own open files ends there: a file opened by `>>
// log` must be appended to, not replaced.
func follow(path string) (target, error) {
	for range 40 { // as many as Linux follows
		if openFile(path) {
			return target{path: path, direct: true}, nil
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return target{path: path}, nil
		}
		if err != nil {
			return target{}, explain(path, err)
		}
		if info.Mode().Type() != fs.ModeSymlink {
			return target{path: path, info: info}, nil
		}
		link, err := os.Readlink(path)
		if err != nil {
			return target{}, err
		}
		if !filepath.IsAbs(link) {
			// Not filepath.Join: it would shorten folder/../name, which is
			// another file when folder is itself a link.
			dir, _ := filepath.Split(path)
			link = dir + link
		}
		path = link
	}
	return target{}, errLoop
}

// openFile reports whether path names an open file of this program. On systems without
// these folders no file can be made at such a path.
func openFile(path string) bool {
	switch dir, _ := filepath.Split(path); dir {
	case "/dev/fd/", "/proc/self/fd/":
		return true
	}
	return path == "/dev/stdout" || path == "/dev/stderr"
}

var errLoop = errors.New("its symbolic links lead in a circle; remove the link or name another file")

// explain says what is wrong with the folder of path and what to do about it,
// where err, of a call with path or a name beside it, is about the folder.
func explain(path string, err error) error {
	dir, _ := filepath.Split(path)
	where := "its folder " + dir
	if dir == "" {
		where = "the current folder"
	}
	cause := err
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		cause = inner.Err
	} else if inner := (*os.LinkError)(nil); errors.As(err, &inner) { // of a renaming
		cause = inner.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && dir == "":
		return fmt.Errorf("%s is gone (%w); change to one that exists", where, cause)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("make the folder %s first (%w)", dir, cause)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s is not one, or lies in a file (%w); name a file in a folder", where, cause)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be written in (%w); change its mode or name another folder", where, cause)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s cannot be written in (%w); name another folder", where, cause)
	case errors.Is(err, syscall.ELOOP):
		return errLoop
	}
	return err
}

// replace writes to a temporary file and renames it to t.
func (t target) replace(write func(w io.Writer) error) (err error) {
	dir, _ := filepath.Split(t.path)
	sweep(dir)
	f, err := t.temporary()
	if err != nil {
		return err
	}
	renamed := false
	defer func() { // not after an error only: write may panic
		f.Close() // which gives up the lock
		if !renamed {
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
	if err := Sync(f); err != nil {
		return err
	}
	if !renamesOpenFiles {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := fail("rename", t.path); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), t.path); err != nil {
		return explain(t.path, err)
	}
	renamed = true
	if err := syncFolder(dir); err != nil {
		return fmt.Errorf("it was written, but its folder could not be flushed to disk: %w", err)
	}
	return nil
}

func buffered(f *os.File, write func(w io.Writer) error) error {
	w := bufio.NewWriterSize(Writer(f), 1<<16)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// syncFolder makes the renaming itself durable, where the system can do it: Windows and the
// browser do not open folders, some network file systems do not flush them, and a folder
// that may not be read cannot be opened.
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
	err = Sync(d)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}
