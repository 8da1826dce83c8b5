package nn

import "github.com/chainrule-go/chainrule/internal/kernel"

// Random returns four random numbers for the elements 4·block to 4·block+3 of a layer. They are
// a function of the layer's key, the Step of the Pass and the block, not the next numbers of a
// stream: they are the same in any order of calls, on any number of threads, and in a second
// pass with the same Step. A layer draws its key once, when it is made. A nil Pass has the
// Step 0.
//
// It is Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011).
func (p *Pass[T]) Random(key, block uint64) [4]uint32 {
	step := p.step()
	return kernel.Philox([4]uint32{uint32(block), uint32(block >> 32), uint32(step), uint32(step >> 32)},
		[2]uint32{uint32(key), uint32(key >> 32)})
}

// step returns the Step; a nil Pass has the Step 0.
func (p *Pass[T]) step() uint64 {
	if p == nil {
		return 0
	}
	return p.Step
}
