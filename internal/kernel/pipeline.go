package kernel

import (
	"math"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// On two threads, a product with a B that fills much of a core's cache is a pipeline
// of two stages. The caller adds the terms of the upper half of B, and a worker then
// those of the lower half, one group of rows of A after the other. So each half of B
// stays in the cache of one core, which also computes the gradient of these rows and
// updates them: to fetch a row that the other core has written costs as much as to
// compute with it. The sums take their terms in the same order, so no bit changes.
//
// A stage is a part of the job. The second waits for the first, which never waits.
type pipeline struct {
	done atomic.Int32 // groups of the first stage
}

// groupRows is how many rows a group has: few, because the second stage begins one
// group late, but each is a call of the kernel.
const groupRows = 16

// canPipeline reports whether a product on so many threads is better a pipeline: not
// if B is small, or there are few rows or terms, or B is rearranged; nor if there are many
// rows, as the second stage fetches their sums from the core of the first.
func (s *blocked[T]) canPipeline(threads int) bool {
	size := s.a.Cols * s.c.Cols * int(unsafe.Sizeof(T(0)))
	return threads == 2 && !s.packB && size >= blocks.size/4 && size <= blocks.size &&
		s.c.Rows >= 4*groupRows && 2*s.c.Rows <= s.a.Cols && s.a.Cols >= 2*blocks.shallow && s.remainder() == 0
}

// stage does a stage of a pipeline, which is a part of the job.
func (s *blocked[T]) stage(stage int) {
	half := *s
	half.p0, half.p1 = stage*s.a.Cols/2, (stage+1)*s.a.Cols/2
	if s.skipPairs {
		buffer := borrow[T](half.place(0), 0)
		defer keptOf[T]().buffers.giveBack(half.place(0), buffer)
		half.cutB(buffer)
		defer clear(buffer.parts) // keep no caller's memory alive
	}
	if stage == 0 {
		defer s.pipe.done.Store(math.MaxInt32) // with a panic, too
	}
	for group := range int32(ceil(s.c.Rows, s.rows)) {
		if stage == 1 {
			s.pipe.wait(group)
		}
		lo := int(group) * s.rows
		half.compute(lo, min(lo+s.rows, s.c.Rows), 0, s.c.Cols)
		if stage == 0 {
			s.pipe.done.Store(group + 1)
		}
	}
}

// wait waits until stage 0 of a group is done.
func (p *pipeline) wait(group int32) {
	for spins := 1; p.done.Load() <= group; spins++ {
		pause()
		if spins%64 == 0 {
			runtime.Gosched()
		}
	}
}
