//go:build !linux || race

package memlimit

import "testing"

// Run skips the test: the system or the race detector makes it impossible to
// bound the address space of a process.
func Run(t *testing.T, more int64, f func(t *testing.T)) {
	t.Skip("the address space of a process can be bounded on Linux, without the race detector")
}
