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

// maxOfFour writes a function that computes a row of the maxima of squares of 2 by 2.
func maxOfFour(bits int) {
	lanes := bits / 32
	name := fmt.Sprintf("maxOfFour%df32", bits)
	TEXT(name, NOSPLIT, "func(y *float32, choices *int32, x *float32, row uintptr, n int, first, width int32)")
	Doc(
		name+" sets a row of y to the largest of four elements of two rows of x, and choices to",
		"where it is, NaN being the largest, and of equals the first; row is in bytes and n is 1",
		"or more:",
		"",
		"\tfor i := range n {",
		"\t\ty[i], choices[i] = x[2*i], first+2*i",
		"\t\ttake x[2*i+1] at first+2*i+1 if larger",
		"\t\ttake x[row+2*i] at first+width+2*i if larger",
		"\t\ttake x[row+2*i+1] at first+width+2*i+1 if larger",
		"\t}",
	)
	Pragma("noescape")
	vector := vectorOf(bits)
	y, choices, x, low, n := load("y"), load("choices"), load("x"), load("row"), load("n")
	ADDQ(x, low)
	places, one, step, width := vector(), vector(), vector(), vector()
	repeat := func(n reg.GPVirtual, dst reg.VecVirtual) {
		VMOVD(n.As32(), dst.AsX())
		VPBROADCASTD(dst.AsX(), dst)
	}
	for i, v := range []reg.VecVirtual{places, width} {
		r := GP32()
		Load(Param([]string{"first", "width"}[i]), r)
		repeat(r, v)
	}
	VPADDD(evens(), places, places)
	for i, v := range []reg.VecVirtual{one, step} {
		r := GP64()
		MOVQ(I32([]int32{1, int32(2 * lanes)}[i]), r)
		repeat(r, v)
	}
	var even, odd reg.VecVirtual
	if bits == 512 {
		even, odd = vector(), vector()
		VMOVUPS(evens(), even)
		VPADDD(one, even, odd)
	}
	// split makes of two vectors the elements at even places, and those at odd ones.
	split := func(a, b reg.VecVirtual) (e, o reg.VecVirtual) {
		if bits == 512 {
			e, o = vector(), vector()
			VMOVAPS(even, e)
			VMOVAPS(odd, o)
			VPERMI2PS(b, a, e)
			VPERMI2PS(b, a, o)
			return e, o
		}
		e, o = vector(), vector()
		VSHUFPS(Imm(0x88), b, a, e)
		VSHUFPS(Imm(0xDD), b, a, o)
		VPERMPD(Imm(0xD8), e, e)
		VPERMPD(Imm(0xD8), o, o)
		return e, o
	}
	step4 := func(read func(row reg.GPVirtual) (a, b reg.VecVirtual)) (best, at reg.VecVirtual) {
		best, o := split(read(x))
		at, place := vector(), vector()
		VMOVAPS(places, at)
		take := func(v, place reg.VecVirtual) {
			const notLessOrEqual, ordered = 6, 7 // unordered counts as not less
			if bits == 512 {
				known, k := K(), K()
				VCMPPS(Imm(ordered), best, best, known)
				VCMPPS(Imm(notLessOrEqual), best, v, known, k)
				VMOVAPS(v, k, best)
				VMOVDQA32(place, k, at)
				return
			}
			known, k := vector(), vector()
			VCMPPS(Imm(ordered), best, best, known)
			VCMPPS(Imm(notLessOrEqual), best, v, k)
			VANDPS(known, k, k)
			VBLENDVPS(k, v, best, best)
			VBLENDVPS(k, place, at, at)
		}
		VPADDD(one, places, place)
		take(o, place)
		e, o := split(read(low))
		VPADDD(width, places, place)
		take(e, place)
		VPADDD(one, place, place)
		take(o, place)
		return best, at
	}
	Label("vectors")
	SUBQ(Imm(uint64(lanes)), n)
	JL(LabelRef("rest"))
	best, at := step4(func(row reg.GPVirtual) (a, b reg.VecVirtual) {
		a, b = vector(), vector()
		VMOVUPS(Mem{Base: row}, a)
		VMOVUPS(Mem{Base: row, Disp: bits / 8}, b)
		return a, b
	})
	VMOVUPS(best, Mem{Base: y})
	VMOVUPS(at, Mem{Base: choices})
	VPADDD(step, places, places)
	for _, p := range []reg.GPVirtual{y, choices} {
		ADDQ(Imm(uint64(bits/8)), p)
	}
	for _, p := range []reg.GPVirtual{x, low} {
		ADDQ(Imm(uint64(bits/4)), p)
	}
	JMP(LabelRef("vectors"))
	Label("rest")
	ADDQ(Imm(uint64(lanes)), n)
	JZ(LabelRef("done"))
	// Twice as many elements of x: those of the first vector, and of the second.
	pairs, firsts := GP64(), GP64()
	LEAQ(Mem{Base: n, Index: n, Scale: 1}, pairs)
	most := GP64()
	MOVQ(I32(int32(lanes)), most)
	MOVQ(pairs, firsts)
	CMPQ(pairs, most)
	CMOVQGT(most, firsts)
	SUBQ(firsts, pairs)
	readFirst, _ := upTo(bits, firsts)
	readSecond, _ := upTo(bits, pairs)
	_, write := upTo(bits, n)
	best, at = step4(func(row reg.GPVirtual) (a, b reg.VecVirtual) {
		a, b = vector(), vector()
		readFirst(Mem{Base: row}, a)
		readSecond(Mem{Base: row, Disp: bits / 8}, b)
		return a, b
	})
	write(best, Mem{Base: y})
	write(at, Mem{Base: choices})
	Label("done")
	VZEROUPPER()
	RET()
}

// upTo is masks that may be of all columns.
func upTo(bits int, columns reg.GPVirtual) (read func(m Mem, dst reg.VecVirtual), write func(src reg.VecVirtual, m Mem)) {
	c := GP64()
	MOVQ(columns, c)
	return masks(bits, c)
}

// evens is 16 integers: 0, 2, 4 and so on.
func evens() Mem {
	return once("evens", func() {
		for i := range 16 {
			DATA(4*i, U32(2*i))
		}
	})
}
