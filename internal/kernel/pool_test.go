package kernel

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
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

// lasting is a job that lasts until the workers without a seat sleep: its first
// part waits for that, and the others for the first.
type lasting struct {
	t    *testing.T
	over chan struct{}
}

func (j *lasting) Do(part int) {
	if part > 0 {
		<-j.over
		return
	}
	defer close(j.over)
	deadline := time.Now().Add(time.Minute)
	for asleep := 0; asleep < 10_000; asleep++ { // at every look, not between two
		if pool.sleeping.Load() < int64(pool.workers-1) {
			asleep = 0
		}
		if time.Now().After(deadline) {
			j.t.Error("workers for whom a job has no seat spin as long as it lasts")
			return
		}
		runtime.Gosched()
	}
}

func TestWorkersWithoutASeatSleep(t *testing.T) {
	withProcs(t, 4)
	run(4, 8, true, &counters{n: make([]atomic.Int64, 8)}) // starts three workers
	if !run(2, 8, true, &lasting{t, make(chan struct{})}) {
		t.Fatal("the pool is taken")
	}
}
