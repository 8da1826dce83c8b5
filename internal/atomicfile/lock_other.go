//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package atomicfile

import (
	"io/fs"
	"os"
	"time"
)

// renamesOpenFiles: Windows does not rename a file that is open.
const renamesOpenFiles = false

// lock does nothing: there are no locks, or they would end before the renaming.
func lock(*os.File) {}

// removeAbandonedFolder is removeAbandoned for a folder of [Folder].
func removeAbandonedFolder(path string, info fs.FileInfo) {
	if time.Since(info.ModTime()) > 24*time.Hour {
		os.RemoveAll(path)
	}
}

// removeAbandoned removes the temporary at path if nothing was written to it for
// a day. Windows also refuses to remove a file that is open.
func removeAbandoned(path string, info fs.FileInfo) {
	if time.Since(info.ModTime()) > 24*time.Hour {
		os.Remove(path)
	}
}
