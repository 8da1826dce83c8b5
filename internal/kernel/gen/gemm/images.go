package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// copyPlanes writes a function that copies rows of some planes to another place.
func copyPlanes(bits int) {
	lanes := bits / 32
	name := fmt.Sprintf("copyPlanes%d", bits)
	TEXT(name, NOSPLIT, "func(dst *float32, dstPlane, dstRow uintptr, src *float32, srcPlane, srcRow uintptr, planes, rows, columns int)")
	Doc(
		name+" copies rows of columns, each of the three 1 or more; how far it is from a plane",
		"or row to the next is in bytes:",
		"",
		"\tfor p := range planes {",
		"\t\tfor i := range rows {",
		"\t\t\tfor j := range columns {",
		"\t\t\t\tdst[p][i][j] = src[p][i][j]",
		"\t\t\t}",
		"\t\t}",
		"\t}",
	)
	Pragma("noescape")
	dstPlane, dstRow, srcPlane, srcRow, planes := load("dst"), load("dstRow"), load("src"), load("srcRow"), load("planes")
	columns := load("columns")
	dst, src, rows, bytes, at, x := GP64(), GP64(), GP64(), GP64(), GP64(), vectorOf(bits)()
	last := GP64() // where the last vector of a row begins
	LEAQ(Mem{Base: columns, Disp: -lanes}, last)
	SHLQ(Imm(2), last)
	MOVQ(columns, bytes)
	ANDQ(I32(int32(-lanes)), bytes)
	ANDQ(I32(int32(lanes-1)), columns)
	SHLQ(Imm(2), bytes)
	read, write := masks(bits, columns)
	Label("plane")
	MOVQ(dstPlane, dst)
	MOVQ(srcPlane, src)
	MOVQ(param("rows"), rows)
	Label("row")
	XORQ(at, at)
	CMPQ(at, bytes)
	JE(LabelRef("rest"))
	Label("vector")
	VMOVUPS(Mem{Base: src, Index: at, Scale: 1}, x)
	VMOVUPS(x, Mem{Base: dst, Index: at, Scale: 1})
	ADDQ(Imm(uint64(bits/8)), at)
	CMPQ(at, bytes)
	JNE(LabelRef("vector"))
	Label("rest")
	TESTQ(columns, columns)
	JZ(LabelRef("next"))
	if bits == 256 {
		// Masked stores are slow on some processors.
		TESTQ(last, last)
		JL(LabelRef("few"))
		VMOVUPS(Mem{Base: src, Index: last, Scale: 1}, x)
		VMOVUPS(x, Mem{Base: dst, Index: last, Scale: 1})
		JMP(LabelRef("next"))
		Label("few")
	}
	read(Mem{Base: src, Index: at, Scale: 1}, x)
	write(x, Mem{Base: dst, Index: at, Scale: 1})
	Label("next")
	ADDQ(dstRow, dst)
	ADDQ(srcRow, src)
	DECQ(rows)
	JNZ(LabelRef("row"))
	ADDQ(param("dstPlane"), dstPlane)
	ADDQ(param("srcPlane"), srcPlane)
	DECQ(planes)
	JNZ(LabelRef("plane"))
	VZEROUPPER()
	RET()
}

func vectorOf(bits int) register {
	if bits == 512 {
		return func() reg.VecVirtual { return ZMM() }
	}
	return func() reg.VecVirtual { return YMM() }
}

// masks returns how the first columns of a vector of float32 are read and written, fewer
// than it has.
func masks(bits int, columns reg.GPVirtual) (read func(m Mem, dst reg.VecVirtual), write func(src reg.VecVirtual, m Mem)) {
	if bits == 512 {
		ones, mask := GP64(), K()
		MOVQ(I32(-1), ones)
		BZHIQ(columns, ones, ones)
		KMOVW(ones.As32(), mask)
		return func(m Mem, dst reg.VecVirtual) { VMOVUPS_Z(m, mask, dst) },
			func(src reg.VecVirtual, m Mem) { VMOVUPS(src, mask, m) }
	}
	mask := YMM()
	maskFew(columns, mask)
	return func(m Mem, dst reg.VecVirtual) { VMASKMOVPS(m, mask, dst) },
		func(src reg.VecVirtual, m Mem) { VMASKMOVPS(src, mask, m) }
}
