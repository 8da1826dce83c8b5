package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The multipliers of Philox in package kernel.
const philoxM0, philoxM1 = 0xD2511F53, 0xCD9E8D57

// dropout computes blocks of Philox beside each other, each word of a block in the lower
// half of 64 bits, because a multiplication of 32 by 32 bits makes 64. The upper halves mean
// nothing. Two vectors of elements come from as many blocks as 64 bits go into a vector.
func dropout(bits int) {
	name := fmt.Sprintf("dropout%df32", bits)
	TEXT(name, NOSPLIT, "func(y, x *float32, keys *[20]uint32, block, step uint64, n int, drop uint32, scale float32)")
	lanes := bits / 32
	Doc(
		name+fmt.Sprintf(" drops elements, n being a multiple of %d and not 0:", 2*lanes),
		"",
		"\tfor i := range n {",
		"\t\ty[i] = 0 * x[i]",
		"\t\tif philox(block+i/4, step)[i%4] >= drop {",
		"\t\t\ty[i] = scale * x[i]",
		"\t\t}",
		"\t}",
		"",
		"with keys, two for each round.",
	)
	Pragma("noescape")
	a := newAVX(float32s, bits).target.(*avx)
	y, x, keys, n := load("y"), load("x"), load("keys"), load("n")
	spread64 := func(from Op) reg.VecVirtual {
		v := a.reg()
		VMOVQ(from, v.AsX())
		VPBROADCASTQ(v.AsX(), v)
		return v
	}
	number := func(v uint64) reg.GPVirtual {
		r := GP64()
		MOVQ(U64(v), r)
		return r
	}
	m0, m1 := spread64(number(philoxM0)), spread64(number(philoxM1))
	step, counter := spread64(load("step")), spread64(load("block"))
	more := spread64(number(uint64(lanes / 2)))
	order := NewDataAddr(NewStaticSymbol(name+"Order"), 0)
	VPADDQ(order, counter, counter)
	drop, scale := a.reg(), a.number("scale").(reg.VecVirtual)
	limit := GP32()
	Load(Param("drop"), limit)
	VMOVD(limit, drop.AsX())
	VPBROADCASTD(drop.AsX(), drop)

	// mix returns the upper half of product ^ c ^ the key of a round.
	mix := func(product, c reg.VecVirtual, key int) reg.VecVirtual {
		high := a.reg()
		VPSRLQ(Imm(32), product, high)
		at := Mem{Base: keys, Disp: 4 * key}
		if a.wide() {
			const xor3 = 0x96
			VPTERNLOGD_BCST(Imm(xor3), at, c, high)
			return high
		}
		k := a.reg()
		VPBROADCASTD(at, k)
		VPXOR(c, high, high)
		VPXOR(k, high, high)
		return high
	}
	Label("blocks")
	for i := range 2 {
		const ahead = 16 * 64
		PREFETCHT0(Mem{Base: x, Disp: ahead + 64*i})
		PREFETCHT0(Mem{Base: y, Disp: ahead + 64*i})
	}
	c := [4]reg.VecVirtual{counter, a.reg(), step, a.reg()}
	VPSRLQ(Imm(32), counter, c[1])
	VPSRLQ(Imm(32), step, c[3])
	for round := range 10 {
		p0, p1 := a.reg(), a.reg()
		VPMULUDQ(c[0], m0, p0)
		VPMULUDQ(c[2], m1, p1)
		c = [4]reg.VecVirtual{mix(p1, c[1], 2*round), p1, mix(p0, c[3], 2*round+1), p0}
	}
	// The words of a block, one after the other.
	for i, unpack := range []func(...Op){VPUNPCKLDQ, VPUNPCKHDQ} {
		first, last, words := a.reg(), a.reg(), a.reg()
		unpack(c[1], c[0], first)
		unpack(c[3], c[2], last)
		VPUNPCKLQDQ(last, first, words)
		m := a.reg()
		if a.wide() {
			const notLess = 5
			k := K()
			VPCMPUD(Imm(notLess), drop, words, k)
			VMOVUPS_Z(scale, k, m)
		} else {
			VPMAXUD(drop, words, m)
			VPCMPEQD(words, m, m)
			VANDPS(scale, m, m)
		}
		VMULPS(Mem{Base: x, Disp: i * bits / 8}, m, m)
		VMOVUPS(m, Mem{Base: y, Disp: i * bits / 8})
	}
	VPADDQ(more, counter, counter)
	ADDQ(Imm(uint64(bits/4)), x)
	ADDQ(Imm(uint64(bits/4)), y)
	SUBQ(Imm(uint64(2*lanes)), n)
	JNZ(LabelRef("blocks"))
	VZEROUPPER()
	RET()

	GLOBL(order.Symbol.Name, attr.RODATA|attr.NOPTR)
	for p := range lanes / 2 {
		DATA(8*p, U64(uint64(p%2*lanes/4+p/2)))
	}
}
