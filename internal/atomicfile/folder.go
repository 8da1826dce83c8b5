package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
)

// Folder makes a temporary folder in [os.TempDir], whose name begins with prefix. The
// function remove removes it with its contents. If the program is killed before that, the
// next call with the same prefix removes it.
func Folder(prefix string) (path string, remove func(), err error) {
	sweepFolders(prefix)
	for range 100 {
		path, err = os.MkdirTemp("", prefix)
		if err != nil {
			return "", nil, err
		}
		d, err := os.Open(path)
		if err != nil { // another sweep was faster
			continue
		}
		lock(d)
		if still(d) {
			return path, func() {
				if !renamesOpenFiles {
					d.Close() // an open folder could not be removed
				}
				os.RemoveAll(path)
				d.Close()
			}, nil
		}
		d.Close()
	}
	return "", nil, errors.New("its temporary folder is removed again and again; try again")
}

// sweepFolders removes the folders with the prefix whose program has ended. It leaves
// folders that it cannot examine, such as those of other users.
func sweepFolders(prefix string) {
	name := regexp.MustCompile(`^` + regexp.QuoteMeta(prefix) + `[0-9]+$`)
	dir := os.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	names, _ := d.Readdirnames(-1)
	d.Close()
	for _, n := range names {
		path := filepath.Join(dir, n)
		if !name.MatchString(n) {
			continue
		}
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			removeAbandonedFolder(path, info)
		}
	}
}
