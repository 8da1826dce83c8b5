package kernel

import (
	"sync/atomic"
	"testing"
)

// panicking is a job whose first part, which is the caller's, panics while the
// last, a worker's, is being done. The others wait for the first to begin.
type panicking struct {
	begun   chan struct{} // the first part has
	entered chan struct{} // the last part has begun
	leave   chan struct{} // and may end
	done    atomic.Int64  // parts that ended
}

func (j *panicking) Do(part int) {
	switch part {
	case 0:
		close(j.begun)
		<-j.entered
		go func() { j.leave <- struct{}{} }()
		panic("part 0")
	case 7:
		j.entered <- struct{}{}
		<-j.leave
	default:
		<-j.begun
	}
	j.done.Add(1)
}

// A caller that recovers from a panic in its part finds nobody in the job, and
// the pool as it was.
func TestPanicInAPart(t *testing.T) {
	withProcs(t, 2)
	for range 20 {
		j := &panicking{begun: make(chan struct{}), entered: make(chan struct{}), leave: make(chan struct{})}
		func() {
			defer func() {
				if e := recover(); e != "part 0" {
					t.Fatalf("recovered %v, want the panic of part 0", e)
				}
			}()
			run(2, 8, true, j)
		}()
		pending, left := pool.pending.Load(), unfinished()
		if j.done.Load() == 0 || pending != 0 || left || pool.job != nil {
			t.Fatalf("after the panic %d parts ended, %d are pending, some not taken: %v, job %v", j.done.Load(), pending, left, pool.job)
		}
		next := &counters{n: make([]atomic.Int64, 64)}
		if !run(2, 64, true, next) {
			t.Fatal("the pool is taken")
		}
		for part := range next.n {
			if n := next.n[part].Load(); n != 1 {
				t.Fatalf("part %d of the next job was done %d times", part, n)
			}
		}
	}
}
