package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func finite() {
	TEXT("finite512f32", NOSPLIT, "func(x *float32, n int) bool")
	Doc(
		"finite512f32 reports whether all of n elements are finite, n being 1 or more:",
		"",
		"\tvar s [16]float32",
		"\tfor i := range n {",
		"\t\ts[i%16] += x[i] - x[i]",
		"\t}",
		"\treturn s == [16]float32{}",
	)
	Pragma("noescape")
	x, n := load("x"), load("n")
	var s [4]reg.VecVirtual
	v := ZMM()
	for i := range s {
		s[i] = ZMM()
		VXORPS(s[i], s[i], s[i])
	}
	Label("loop")
	CMPQ(n, Imm(64))
	JL(LabelRef("rest"))
	for i := range s {
		VMOVUPS(Mem{Base: x, Disp: 64 * i}, v)
		VSUBPS(v, v, v)
		VADDPS(v, s[i], s[i])
	}
	ADDQ(I32(256), x)
	SUBQ(Imm(64), n)
	JMP(LabelRef("loop"))
	Label("rest")
	bits, k := GP64(), K()
	for i := range s {
		MOVQ(I32(-1), bits)
		BZHIQ(n, bits, bits)
		if i > 0 {
			SHRQ(Imm(uint64(16*i)), bits)
		}
		KMOVW(bits.As32(), k)
		VMOVUPS_Z(Mem{Base: x, Disp: 64 * i}, k, v)
		VSUBPS(v, v, v)
		VADDPS(v, s[i], s[i])
	}
	VADDPS(s[1], s[0], s[0])
	VADDPS(s[3], s[2], s[2])
	VADDPS(s[2], s[0], s[0])
	VCMPPS(Imm(3), s[0], s[0], k) // where it is NaN
	ok := GP8()
	KORTESTW(k, k)
	SETEQ(ok)
	Store(ok, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func nonzeros() {
	TEXT("nonzeros512f32", NOSPLIT, "func(index *int32, x *float32, n int) int")
	Doc(
		"nonzeros512f32 lists the elements that are not 0, n being 1 or more, and returns",
		"how many. There must be room for 16 more in index.",
		"",
		"\tcount := 0",
		"\tfor i := range n {",
		"\t\tif x[i] != 0 {",
		"\t\t\tindex[count] = int32(i)",
		"\t\t\tcount++",
		"\t\t}",
		"\t}",
		"\treturn count",
	)
	Pragma("noescape")
	start, x, n := load("index"), load("x"), load("n")
	index := GP64()
	MOVQ(start, index)
	at, zero, sixteen, some, v := ZMM(), ZMM(), ZMM(), ZMM(), ZMM()
	VMOVDQU32(iota16().Offset(0), at)
	VXORPS(zero, zero, zero)
	step := GP32()
	MOVL(U32(16), step)
	VPBROADCASTD(step, sixteen)
	bits, lanes, k := GP64(), GP64(), K()
	Label("loop")
	MOVQ(I32(-1), bits)
	CMPQ(n, Imm(16))
	JGE(LabelRef("whole"))
	BZHIQ(n, bits, bits)
	Label("whole")
	KMOVW(bits.As32(), k)
	VMOVUPS_Z(Mem{Base: x}, k, v)
	VCMPPS(Imm(4), zero, v, k) // not equal, or NaN
	VPCOMPRESSD_Z(at, k, some)
	VMOVDQU32(some, Mem{Base: index})
	KMOVW(k, lanes.As32())
	POPCNTQ(lanes, lanes)
	LEAQ(Mem{Base: index, Index: lanes, Scale: 4}, index)
	VPADDD(sixteen, at, at)
	ADDQ(Imm(64), x)
	SUBQ(Imm(16), n)
	JG(LabelRef("loop"))
	SUBQ(start, index)
	SHRQ(Imm(2), index)
	Store(index, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func iota16() Mem {
	m := GLOBL("iota16", attr.RODATA|attr.NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(i)))
	}
	return m
}

func sparse() {
	const vectors = 4
	TEXT("sparse512f32", NOSPLIT, "func(index *int32, count int, a, b *float32, bStep uintptr, c, from *float32, columns int, floor float32)")
	Doc(
		"sparse512f32 computes a row of C, 1 to 64 columns, from the terms that a list",
		"names, count being 1 or more and bStep in bytes:",
		"",
		"\tfor j := range columns {",
		"\t\ts := from[j]",
		"\t\tfor _, p := range index[:count] {",
		"\t\t\ts = fma(a[p], b[p][j], s)",
		"\t\t}",
		"\t\ts += 0 // -0 becomes +0",
		"\t\tif s < floor {",
		"\t\t\ts = floor",
		"\t\t}",
		"\t\tc[j] = s",
		"\t}",
	)
	Pragma("noescape")
	index, count, a, b, bStep := load("index"), load("count"), load("a"), load("b"), load("bStep")
	Comment("the masks of the columns")
	ones := GP64()
	MOVQ(I32(-1), ones)
	BZHIQ(load("columns"), ones, ones)
	var masks [vectors]reg.OpmaskVirtual
	var acc [vectors]reg.VecVirtual
	from := load("from")
	for v := range acc {
		if v > 0 {
			SHRQ(Imm(16), ones)
		}
		masks[v] = K()
		KMOVW(ones.As32(), masks[v])
		acc[v] = ZMM()
		VMOVUPS_Z(Mem{Base: from, Disp: 64 * v}, masks[v], acc[v])
	}
	LEAQ(Mem{Base: index, Index: count, Scale: 4}, index)
	NEGQ(count)
	p, x := GP64(), ZMM()
	Label("loop")
	MOVLQSX(Mem{Base: index, Index: count, Scale: 4}, p)
	VBROADCASTSS(Mem{Base: a, Index: p, Scale: 4}, x)
	IMULQ(bStep, p)
	for v := range acc {
		VFMADD231PS(Mem{Base: b, Disp: 64 * v, Index: p, Scale: 1}, x, masks[v], acc[v])
	}
	INCQ(count)
	JNZ(LabelRef("loop"))
	c := load("c")
	zero, floor := ZMM(), ZMM()
	VXORPS(zero, zero, zero)
	broadcastFloor(float32s, floor)
	for v := range acc {
		VADDPS(zero, acc[v], acc[v])
		VMAXPS(acc[v], floor, acc[v])
		VMOVUPS(acc[v], masks[v], Mem{Base: c, Disp: 64 * v})
	}
	VZEROUPPER()
	RET()
}
