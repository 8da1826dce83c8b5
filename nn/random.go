package nn

import "math/bits"

// Random returns the four random numbers that belong to a key, the Step of the Pass
// and a block: the elements 4·block to 4·block+3 of what a layer draws. It is a
// function and not a stream: the same numbers come in any order of calls, on any
// number of threads, and again in a second pass with the same Step. A layer draws
// its key once, when it is made. A nil Pass has the Step 0.
//
// It is Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011).
func (p *Pass[T]) Random(key, block uint64) [4]uint32 {
	var step uint64
	if p != nil {
		step = p.Step
	}
	return philox([4]uint32{uint32(block), uint32(block >> 32), uint32(step), uint32(step >> 32)},
		[2]uint32{uint32(key), uint32(key >> 32)})
}

// philox are ten rounds on the counter; the constants are those of the paper, table 2.
func philox(c [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		high0, low0 := bits.Mul32(0xD2511F53, c[0])
		high1, low1 := bits.Mul32(0xCD9E8D57, c[2])
		c = [4]uint32{high1 ^ c[1] ^ key[0], low1, high0 ^ c[3] ^ key[1], low0}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return c
}
