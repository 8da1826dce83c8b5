//go:build linux && !race

package memlimit

import (
	_ "net" // so that the threads are those of C, where cgo is enabled
	"runtime"
	"strings"
	"testing"
)

var sink []byte

func TestRun(t *testing.T) {
	for name, size := range map[string]int{"little": 1 << 20, "as much as is allowed": 256 << 20} {
		t.Run(name, func(t *testing.T) {
			Run(t, 320<<20, func(t *testing.T) { sink = make([]byte, size) })
		})
	}
}

func TestRunFails(t *testing.T) {
	t.Run("too much memory", func(t *testing.T) {
		output, err := run(t, 320<<20, func(t *testing.T) { sink = make([]byte, 512<<20) })
		if err == nil || !strings.Contains(output, "out of memory") {
			t.Errorf("%v\n%s", err, output)
		}
	})
	t.Run("an error", func(t *testing.T) {
		output, err := run(t, 320<<20, func(t *testing.T) { t.Error("some error") })
		if err == nil || !strings.Contains(output, "some error") {
			t.Errorf("%v\n%s", err, output)
		}
	})
}

// Threads that start within the limit do not use it up: under load, Go starts some.
func TestThreads(t *testing.T) {
	Run(t, 320<<20, func(*testing.T) {
		for range 4 {
			started := make(chan bool)
			go func() {
				runtime.LockOSThread()
				started <- true
				select {}
			}()
			<-started
		}
		sink = make([]byte, 160<<20)
	})
}
