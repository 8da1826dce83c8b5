//go:build !unix

package atomicfile

import "errors"

const nonblock = 0 // no pipe is opened by a path

var errNoReader = errors.New("no reader")
