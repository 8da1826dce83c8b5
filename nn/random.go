package nn

import "github.com/chainrule-go/chainrule/internal/kernel"

// Random returns the four random numbers that belong to a key, the Step of the Pass
// and a block: the elements 4·block to 4·block+3 of what a layer draws. It is a
// function and not a stream: the same numbers come in any order of calls, on any
// number of threads, and again in a second pass with the same Step. A layer draws
// its key once, when it is made. A nil Pass has the Step 0.
//
// It is Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011).
func (p *Pass[T]) Random(key, block uint64) [4]uint32 {
	step := p.step()
	return kernel.Philox([4]uint32{uint32(block), uint32(block >> 32), uint32(step), uint32(step >> 32)},
		[2]uint32{uint32(key), uint32(key >> 32)})
}

// step is the Step, 0 of nil.
func (p *Pass[T]) step() uint64 {
	if p == nil {
		return 0
	}
	return p.Step
}
