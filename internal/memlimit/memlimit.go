//go:build linux && !race

package memlimit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
)

const variable = "CHAINRULE_MEMLIMIT_TEST"

// Run runs f in a process of its own. The process may use at most the given number of bytes of
// address space more than at its beginning. Go reserves 64 MiB at a time, so give that much
// more than f may use. If f uses more, the process ends, and the test fails with its last
// output. The test t must only call Run, and once: the process runs t again, up to this call.
//
// Run skips the test if the system or the race detector makes the limit impossible.
func Run(t *testing.T, more int64, f func(t *testing.T)) {
	t.Helper()
	if output, err := run(t, more, f); err != nil {
		t.Fatalf("with %d MiB of memory: %v\n%s", more>>20, err, output)
	}
}

func run(t *testing.T, more int64, f func(t *testing.T)) (output string, err error) {
	t.Helper()
	if os.Getenv(variable) == t.Name() {
		if err := restrict(more); err != nil {
			t.Fatal(err)
		}
		f(t)
		return "", nil
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range strings.SplitSeq(t.Name(), "/") {
		names = append(names, "^"+regexp.QuoteMeta(name)+"$")
	}
	cmd := exec.Command(self, "-test.run="+strings.Join(names, "/"), "-test.count=1")
	// With cgo, the allocator of C reserves 64 MiB for each new thread otherwise.
	cmd.Env = append(os.Environ(), variable+"="+t.Name(), "MALLOC_ARENA_MAX=1")
	out, err := cmd.CombinedOutput()
	if len(out) > 2000 {
		out = out[:2000]
	}
	if err == nil && bytes.Contains(out, []byte("no tests to run")) {
		err = fmt.Errorf("the process did not run the test")
	}
	return string(out), err
}

// restrict bounds the address space to more than there is now.
func restrict(more int64) error {
	debug.SetGCPercent(20) // garbage is not what is measured
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(statm), &pages); err != nil {
		return err
	}
	most := pages*uint64(os.Getpagesize()) + uint64(more)
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most})
}
