package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// The pool is one for the whole process: its workers are started when first
// needed and do the parts of one job at a time, together with the goroutine
// whose job it is. A second job that finds the pool taken is done by its own
// goroutine alone, to the same bits.
//
// A part is taken by whoever is free, so a worker that comes late, or never,
// because its processor is busy with something else, delays nobody. A worker
// that finds nothing to do spins for a while, because waking it costs tens of
// microseconds and a training step has a few jobs that are not much longer;
// then it sleeps.
var pool struct {
	sync.Mutex // held while there is a job
	workers    int

	job     Job           // may only be read by who has taken a part
	left    atomic.Uint64 // parts not taken: the first, times 2^32, and the one behind the last
	pending atomic.Int64  // parts not done
	seats   atomic.Int64  // workers that may still join

	sleeping atomic.Int64
	wake     chan struct{}
}

// A Job is work in parts that can be done in any order and at the same time. A
// panic in a part leaves the pool as it was if the caller's goroutine is in it;
// in a worker it ends the program.
type Job interface{ Do(part int) }

// thresholds are from how many multiply-adds something pays: a second thread that
// spins, for loops in Go (which are slow enough to wake one for that too) and in
// tiles; waking one that sleeps, for tiles; and looking for zeros. And from how
// many elements of an update it pays to share them, and to wake a thread for them.
var thresholds = struct{ loops, tiles, wake, zeros, update, wakeUpdate int }{1 << 13, 200_000, 1_000_000, 1 << 18, 1 << 14, 1 << 18}

// spinTime is how long a worker spins before it sleeps.
const spinTime = 2 * time.Millisecond

// run does the parts of a job on up to so many threads, but no more than
// GOMAXPROCS, and reports whether it did: not if that leaves one, if the pool is
// taken, or if it is not worth waking a worker and all sleep.
func run(threads, parts int, wake bool, j Job) bool {
	n := min(threads, runtime.GOMAXPROCS(0), parts)
	if n < 2 || !pool.TryLock() {
		return false
	}
	defer pool.Unlock()
	if wake {
		start(n - 1)
	} else if pool.sleeping.Load() == int64(pool.workers) {
		return false
	}
	defer finish()
	pool.job = j
	pool.pending.Store(int64(parts))
	pool.left.Store(uint64(parts))
	pool.seats.Store(int64(n - 1)) // last: who takes one shall find parts
	if wake {
		for range n - 1 {
			if !take(&pool.sleeping) {
				break
			}
			pool.wake <- struct{}{}
		}
	}
	doParts(true)
	return true
}

// finish waits until nobody is in the job any more. Parts are left only if the
// caller panicked in one of its own; nobody takes these.
func finish() {
	pool.seats.Store(0)
	left := pool.left.Swap(0)
	pool.pending.Add(int64(left>>32) - int64(left&(1<<32-1)))
	for spins := 0; pool.pending.Load() > 0; spins++ {
		pause()
		if spins%64 == 63 {
			runtime.Gosched()
		}
	}
	pool.job = nil
}

// Parallel does the parts of a job on up to so many threads: on its own goroutine
// and those of the pool's workers that are awake and free.
func Parallel(threads, parts int, j Job) {
	if threads > 1 && run(threads, parts, false, j) {
		return
	}
	for part := range parts {
		j.Do(part)
	}
}

// take decrements a number above 0.
func take(n *atomic.Int64) bool {
	for {
		v := n.Load()
		if v <= 0 {
			return false
		}
		if n.CompareAndSwap(v, v-1) {
			return true
		}
	}
}

// doParts takes parts of the job until none is left: the first of them, or the
// last. The caller begins in front and the workers at the back, so that what a
// part of a matrix leaves in a core's cache is found there by the next job.
func doParts(front bool) {
	for {
		left := pool.left.Load()
		first, end := left>>32, left&(1<<32-1)
		if first >= end {
			return
		}
		part := first
		if first++; !front {
			first, end = first-1, end-1
			part = end
		}
		// From here to the end of the part there is no other job.
		if pool.left.CompareAndSwap(left, first<<32|end) {
			do(int(part))
		}
	}
}

// do does a part that was taken; with a panic it is done too.
func do(part int) {
	defer pool.pending.Add(-1)
	pool.job.Do(part)
}

// unfinished reports whether there are parts that nobody has taken.
func unfinished() bool {
	left := pool.left.Load()
	return left>>32 < left&(1<<32-1)
}

// start brings the workers to so many.
func start(workers int) {
	if pool.wake == nil {
		pool.wake = make(chan struct{}, 64)
	}
	for ; pool.workers < workers; pool.workers++ {
		go work(pool.wake)
	}
}

func work(wake <-chan struct{}) {
	idle := time.Now()
	for spins := 0; ; spins++ {
		if unfinished() && take(&pool.seats) {
			doParts(false)
			idle, spins = time.Now(), 0
			continue
		}
		pause()
		if spins%64 != 63 {
			continue
		}
		runtime.Gosched()
		if time.Since(idle) < spinTime {
			continue
		}
		pool.sleeping.Add(1)
		// A job that came meanwhile, or wants no waking, may have missed this worker.
		if unfinished() && pool.seats.Load() > 0 && take(&pool.sleeping) {
			continue
		}
		<-wake
		idle = time.Now()
	}
}

// share does the parts of a job as [run] does, from a copy of it: what a worker
// can reach lives on the heap, and a training step shall allocate nothing.
func share[J any, P interface {
	*J
	Job
}](copies *kept[J], j *J, threads, parts int, wake bool) bool {
	c := copies.borrow(0)
	*c = *j
	done := run(threads, parts, wake, P(c))
	var zero J
	*c = zero // keep no caller's memory alive
	copies.giveBack(0, c)
	return done
}
