package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// row is for products with a matrix too large for the caches, of which A has
// one row: it reads B as it lies, eight rows at a time.
func row(bits int) {
	const terms = 8
	size, lanes := bits/8, bits/32
	vector := YMM
	if bits == 512 {
		vector = ZMM
	}
	name := fmt.Sprintf("row%df32", bits)
	TEXT(name, NOSPLIT, "func(a *float32, aStep uintptr, b *float32, bStep uintptr, c *float32, eights, columns int)")
	Doc(
		name+" adds to a row of C the product of a row of A and as many rows of B, eight",
		"at a time; eights and columns are 1 or more, aStep and bStep in bytes:",
		"",
		"\tfor p := range 8 * eights {",
		"\t\tfor j := range columns {",
		"\t\t\tc[j] = fma(a[p], b[p][j], c[j])",
		"\t\t}",
		"\t}",
	)
	Pragma("noescape")
	a, aStep, b, bStep, eights := load("a"), load("aStep"), load("b"), load("bStep"), load("eights")
	Comment("whole vectors, and the mask of the columns left")
	columns := load("columns")
	bytes := GP64()
	MOVQ(columns, bytes)
	ANDQ(I32(-lanes), bytes)
	ANDQ(I32(lanes-1), columns)
	SHLQ(Imm(2), bytes)
	var read func(m Mem, dst reg.VecVirtual)
	var write func(src reg.VecVirtual, m Mem)
	if bits == 512 {
		ones, mask := GP64(), K()
		MOVQ(I32(-1), ones)
		BZHIQ(columns, ones, ones)
		KMOVW(ones.As32(), mask)
		read = func(m Mem, dst reg.VecVirtual) { VMOVUPS_Z(m, mask, dst) }
		write = func(src reg.VecVirtual, m Mem) { VMOVUPS(src, mask, m) }
	} else {
		mask := YMM()
		maskFew(columns, mask)
		read = func(m Mem, dst reg.VecVirtual) { VMASKMOVPS(m, mask, dst) }
		write = func(src reg.VecVirtual, m Mem) { VMASKMOVPS(src, mask, m) }
	}
	Label("eight")
	var v [terms]reg.VecVirtual
	for p := range v {
		v[p] = vector()
		VBROADCASTSS(Mem{Base: a}, v[p])
		ADDQ(aStep, a)
	}
	c, middle, low, at := load("c"), GP64(), GP64(), GP64()
	MOVQ(b, low)
	LEAQ(Mem{Base: bStep, Index: bStep, Scale: 2}, middle)
	ADDQ(b, middle) // row 3
	LEAQ(Mem{Base: b, Index: bStep, Scale: 4}, b)
	high := GP64()
	LEAQ(Mem{Base: b, Index: bStep, Scale: 2}, high) // row 6
	rows := [terms]Mem{{Base: low}, {Base: low, Index: bStep, Scale: 1}, {Base: low, Index: bStep, Scale: 2}, {Base: middle},
		{Base: middle, Index: bStep, Scale: 1}, {Base: middle, Index: bStep, Scale: 2}, {Base: high}, {Base: high, Index: bStep, Scale: 1}}
	LEAQ(Mem{Base: b, Index: bStep, Scale: 4}, b)
	MOVQ(bytes, at)
	sum := vector()
	TESTQ(at, at)
	JZ(LabelRef("rest"))
	Label("columns")
	VMOVUPS(Mem{Base: c}, sum)
	for p, m := range rows {
		VFMADD231PS(m, v[p], sum)
	}
	VMOVUPS(sum, Mem{Base: c})
	for _, r := range []reg.GPVirtual{c, low, middle, high} {
		ADDQ(I32(int32(size)), r)
	}
	SUBQ(Imm(uint64(size)), at)
	JNZ(LabelRef("columns"))
	Label("rest")
	TESTQ(columns, columns)
	JZ(LabelRef("done"))
	read(Mem{Base: c}, sum)
	x := vector()
	for p, m := range rows {
		read(m, x)
		VFMADD231PS(x, v[p], sum)
	}
	write(sum, Mem{Base: c})
	Label("done")
	DECQ(eights)
	JNZ(LabelRef("eight"))
	VZEROUPPER()
	RET()
}

func transpose() {
	TEXT("transpose256f32", NOSPLIT, "func(dst *float32, dstRow uintptr, src *float32, srcRow uintptr, squares int)")
	Doc(
		"transpose256f32 transposes 8 rows of src, squares times 8 columns, squares being",
		"1 or more; dstRow and srcRow are in bytes:",
		"",
		"\tfor j := range 8 * squares {",
		"\t\tfor i := range 8 {",
		"\t\t\tdst[j][i] = src[i][j]",
		"\t\t}",
		"\t}",
	)
	Pragma("noescape")
	dst, dstRow, src, srcRow, squares := load("dst"), load("dstRow"), load("src"), load("srcRow"), load("squares")
	high, three := GP64(), GP64()
	LEAQ(Mem{Base: srcRow, Index: srcRow, Scale: 2}, three)
	LEAQ(Mem{Base: src, Index: srcRow, Scale: 4}, high)
	vectors := func() (v [8]reg.VecVirtual) {
		for i := range v {
			v[i] = YMM()
		}
		return v
	}
	Label("loop")
	r, t := vectors(), vectors()
	for i := range 8 {
		m := Mem{Base: src, Index: srcRow, Scale: uint8(i % 4)}
		if i >= 4 {
			m.Base = high
		}
		if i%4 == 0 {
			m = Mem{Base: m.Base}
		} else if i%4 == 3 {
			m.Index, m.Scale = three, 1
		}
		VMOVUPS(m, r[i])
	}
	Comment("pairs of rows, then fours, then eights")
	for i := 0; i < 8; i += 2 {
		VUNPCKLPS(r[i+1], r[i], t[i])
		VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 {
		for h := range 2 {
			VSHUFPS(Imm(0x44), t[i+2+h], t[i+h], r[i+2*h])
			VSHUFPS(Imm(0xEE), t[i+2+h], t[i+h], r[i+2*h+1])
		}
	}
	for i := range 4 {
		VPERM2F128(Imm(0x20), r[i+4], r[i], t[i])
		VPERM2F128(Imm(0x31), r[i+4], r[i], t[i+4])
	}
	for i := range 8 {
		VMOVUPS(t[i], Mem{Base: dst})
		ADDQ(dstRow, dst)
	}
	ADDQ(Imm(32), src)
	ADDQ(Imm(32), high)
	DECQ(squares)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
