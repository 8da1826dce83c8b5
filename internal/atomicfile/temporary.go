package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
)

var temporaryName = regexp.MustCompile(`^\.chainrule-[0-9a-f]{16}\.tmp$`)

// temporary creates a file beside the target and locks it. The lock lasts until
// the file is closed, at the latest by the end of the process.
func (t target) temporary() (*os.File, error) {
	// os.CreateTemp makes files only their owner can read. OpenFile lets the
	// umask decide, as for any other new file; the copy of a private file is
	// private from the beginning. 64 random bits do not collide, and if they do,
	// O_EXCL makes it an error.
	mode := fs.FileMode(0o666)
	if t.info != nil {
		mode = t.info.Mode().Perm()
	}
	dir, _ := filepath.Split(t.path)
	for range 100 {
		if err := fail("create", t.path); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(fmt.Sprintf("%s.chainrule-%016x.tmp", dir, rand.Uint64()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return nil, explain(t.path, err)
		}
		lock(f)
		// Before it was locked, a sweep may have taken it for abandoned.
		if still(f) {
			return f, nil
		}
		f.Close()
	}
	return nil, errors.New("its temporary file is removed again and again; try again, or name another folder")
}

// still reports whether the name of f still belongs to f.
func still(f *os.File) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(opened, there)
}

// sweep removes the temporary files in a folder whose writer has ended. It leaves files
// that it cannot examine.
func sweep(dir string) {
	folder := dir
	if folder == "" {
		folder = "."
	}
	d, err := os.Open(folder)
	if err != nil {
		return
	}
	names, _ := d.Readdirnames(-1)
	d.Close()
	for _, name := range names {
		if !temporaryName.MatchString(name) {
			continue
		}
		path := dir + name
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			removeAbandoned(path, info)
		}
	}
}
