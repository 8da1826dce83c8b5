package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// Elements that lie two or three apart come from as many loads. An element of the result
// stands at its place in one of them, and no two at the same one, so that the loads are
// blended and then put in order.

func apartName(kernel string, stride int) string {
	if stride == 1 {
		return kernel
	}
	return fmt.Sprintf("%sBy%d", kernel, stride)
}

func times(stride int) string {
	if stride == 1 {
		return ""
	}
	return fmt.Sprintf("%d*", stride)
}

func readsBeyond(stride int) string {
	if stride == 1 {
		return ""
	}
	return " It reads up to 64 elements beyond the last."
}

// apart returns a function that loads the elements at hand of those that lie stride apart
// from a place on: those that the mask has, or all.
func (a *avx) apart(stride int) func(from Mem, mask Op) vec {
	if stride == 1 {
		return a.load
	}
	words := a.size / 4
	distance := a.width // of the loads, odd if the stride is even
	if stride == 2 {
		distance--
	}
	order := make([]uint32, a.bits/32)
	blends := make([]uint64, stride) // the words from each load
	for i := range a.width {
		load := 0
		for load+1 < stride && stride*i >= (load+1)*distance && stride*i-load*distance >= a.width {
			load++
		}
		at := stride*i - load*distance
		for w := range words {
			order[i*words+w] = uint32(at*words + w)
			blends[load] |= 1 << (at*words + w)
		}
	}
	places := a.reg()
	a.move(permutation(fmt.Sprintf("vectorApart%d%dby%d", a.bits, a.size, stride), order), places)
	masks := make([]Op, stride)
	if a.wide() {
		for load := 1; load < stride; load++ {
			bits, k := GP32(), K()
			MOVL(U32(uint32(blends[load])), bits)
			KMOVW(bits, k)
			masks[load] = k
		}
	}
	return func(from Mem, _ Op) vec {
		v := a.reg()
		VMOVUPS(from, v)
		for load := 1; load < stride; load++ {
			next := from.Offset(load * distance * a.size)
			if a.wide() {
				VMOVUPS(next, masks[load], v)
			} else {
				VBLENDPS(Imm(blends[load]), next, v, v)
			}
		}
		VPERMPS(v, places, v)
		return v
	}
}

// permutations are the tables of [avx.apart].
var permutations = map[string][]uint32{}

func permutation(name string, order []uint32) Mem {
	permutations[name] = order
	return NewDataAddr(NewStaticSymbol(name), 0)
}
