package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func finite() {
	TEXT("finite256f32", NOSPLIT, "func(x *float32, n int) bool")
	Doc(
		"finite256f32 reports whether all of n elements are finite, n being 1 or more:",
		"",
		"\tvar s [8]float32",
		"\tfor i := range n {",
		"\t\ts[i%8] = fma(0, x[i], s[i%8])",
		"\t}",
		"\treturn s == [8]float32{}",
	)
	Pragma("noescape")
	const vectors = 8
	x, n := load("x"), load("n")
	zero := YMM()
	VXORPS(zero, zero, zero)
	var s [vectors]reg.VecVirtual
	for i := range s {
		s[i] = YMM()
		VXORPS(s[i], s[i], s[i])
	}
	Label("many")
	CMPQ(n, Imm(8*vectors))
	JL(LabelRef("eight"))
	for i := range s {
		VFMADD231PS(Mem{Base: x, Disp: 32 * i}, zero, s[i])
	}
	ADDQ(I32(32*vectors), x)
	SUBQ(Imm(8*vectors), n)
	JMP(LabelRef("many"))
	Label("eight")
	CMPQ(n, Imm(8))
	JL(LabelRef("rest"))
	VFMADD231PS(Mem{Base: x}, zero, s[0])
	ADDQ(Imm(32), x)
	SUBQ(Imm(8), n)
	JMP(LabelRef("eight"))
	Label("rest")
	v := YMM()
	loadFew(x, n, v)
	VFMADD231PS(v, zero, s[0])
	for step := vectors / 2; step > 0; step /= 2 {
		for i := range step {
			VADDPS(s[i+step], s[i], s[i])
		}
	}
	VCMPPS(Imm(3), s[0], s[0], s[0]) // where it is NaN
	VPTEST(s[0], s[0])
	ok := GP8()
	SETEQ(ok)
	Store(ok, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// copyFinite writes finite for what is copied on the way.
func copyFinite() {
	TEXT("copyFinite512f32", NOSPLIT, "func(dst *float32, dstRow uintptr, src *float32, srcRow uintptr, rows, columns int) bool")
	Doc(
		"copyFinite512f32 copies rows, 1 or more of 1 or more columns, and reports whether all",
		"elements are finite, as finite256f32 does. It writes whole vectors, with zeros behind",
		"the last column. dstRow and srcRow lead from one row to the next, in bytes.",
	)
	Pragma("noescape")
	dst, dstRow, src, srcRow, columns := load("dst"), load("dstRow"), load("src"), load("srcRow"), load("columns")
	zero, x := ZMM(), ZMM()
	VPXORD(zero, zero, zero)
	var s [4]reg.VecVirtual
	for i := range s {
		s[i] = ZMM()
		VPXORD(s[i], s[i], s[i])
	}
	ones := K()
	Label("vector")
	few, mask := GP64(), GP64()
	MOVQ(U64(16), few)
	CMPQ(columns, few)
	CMOVQLT(columns, few)
	MOVQ(I32(-1), mask)
	BZHIQ(few, mask, mask)
	KMOVW(mask.As32(), ones)
	from, to, rows := GP64(), GP64(), load("rows")
	MOVQ(src, from)
	MOVQ(dst, to)
	row := func(i int) {
		VMOVUPS_Z(Mem{Base: from}, ones, x)
		VMOVUPS(x, Mem{Base: to})
		VFMADD231PS(x, zero, s[i])
		ADDQ(srcRow, from)
		ADDQ(dstRow, to)
	}
	SUBQ(Imm(uint64(len(s))), rows)
	JL(LabelRef("few"))
	Label("rows")
	for i := range s {
		row(i)
	}
	SUBQ(Imm(uint64(len(s))), rows)
	JGE(LabelRef("rows"))
	Label("few")
	ADDQ(Imm(uint64(len(s))), rows)
	JZ(LabelRef("next"))
	Label("row")
	row(0)
	DECQ(rows)
	JNZ(LabelRef("row"))
	Label("next")
	ADDQ(Imm(64), src)
	ADDQ(Imm(64), dst)
	SUBQ(Imm(16), columns)
	JG(LabelRef("vector"))
	VADDPS(s[1], s[0], s[0])
	VADDPS(s[3], s[2], s[2])
	VADDPS(s[2], s[0], s[0])
	VCMPPS(Imm(3), s[0], s[0], ones) // where it is NaN
	KORTESTW(ones, ones)
	ok := GP8()
	SETEQ(ok)
	Store(ok, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// loadFew reads n elements, 0 to 8, and zeros after them.
func loadFew(x, n reg.GPVirtual, dst reg.VecVirtual) {
	maskFew(n, dst)
	VMASKMOVPS(Mem{Base: x}, dst, dst)
}

// maskFew makes the mask of n elements, 0 to 8.
func maskFew(n reg.GPVirtual, dst reg.VecVirtual) {
	mask, few := GP64(), GP64()
	LEAQ(ones256().Offset(32), mask)
	MOVQ(n, few)
	SHLQ(Imm(2), few)
	SUBQ(few, mask)
	VMOVUPS(Mem{Base: mask}, dst)
}

// A list is built by eight elements at a time, which have a bit each for being
// in it.
type list struct {
	index, table reg.GPVirtual
	first, eight reg.VecVirtual
}

func newList(index reg.GPVirtual) list {
	l := list{index, GP64(), YMM(), YMM()}
	LEAQ(places().Offset(0), l.table)
	one := GP32()
	MOVL(U32(8), one)
	VMOVD(one, l.eight.AsX())
	VPBROADCASTD(l.eight.AsX(), l.eight)
	return l
}

// begin begins a list, with the number 0.
func (l list) begin() { VPXOR(l.first, l.first, l.first) }

// count stores how long the list is that began at start and ends at index, the
// beginning of the next.
func count(index, counts, start reg.GPVirtual) {
	n := GP64()
	MOVQ(index, n)
	SUBQ(start, n)
	SHRQ(Imm(2), n)
	MOVL(n.As32(), Mem{Base: counts})
	ADDQ(Imm(4), counts)
	MOVQ(index, start)
}

// places are for each of 256 bytes the places of its bits that are set.
func places() Mem {
	return once("places", func() {
		for b := range 256 {
			var places, n uint64
			for bit := range uint64(8) {
				if b>>bit&1 == 1 {
					places |= bit << (8 * n)
					n++
				}
			}
			DATA(8*b, U64(places))
		}
	})
}

// pairWords is how many words of bits every two rows have.
const pairWords = 2

// rowPairs writes the function that marks the terms of A as it lies.
func rowPairs(bits int) {
	name := fmt.Sprintf("rowPairs%df32", bits)
	TEXT(name, NOSPLIT, "func(pairs *uint64, a *float32, aRow uintptr, rows, k int)")
	Doc(
		name+" marks for every two rows of A where they are not both 0, rows being 1 or",
		fmt.Sprintf("more and k 1 to %d:", 64*pairWords),
		"",
		"\tfor i := 0; i < rows; i += 2 {",
		"\t\tfor p := range k {",
		"\t\t\tif a[i][p] != 0 || i+1 < rows && a[i+1][p] != 0 {",
		"\t\t\t\tpairs[i/2][p/64] |= 1 << (p % 64)",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"aRow is in bytes.",
	)
	Pragma("noescape")
	pairs, a, rows, aRow := load("pairs"), load("a"), load("rows"), load("aRow")
	zero := YMM()
	VPXOR(zero, zero, zero)
	m := newMarks(bits, zero)
	last := load("k")
	ANDQ(Imm(uint64(m.lanes-1)), last)
	m.begin(last)
	Label("rows")
	at, below, out, k := GP64(), GP64(), GP64(), load("k")
	MOVQ(a, at)
	MOVQ(a, below)
	MOVQ(pairs, out)
	VMOVDQU(zero.AsX(), Mem{Base: pairs})
	CMPQ(rows, Imm(1))
	JE(LabelRef("one"))
	ADDQ(aRow, below)
	Label("one")
	SUBQ(Imm(uint64(m.lanes)), k)
	JL(LabelRef("rest"))
	Label("many")
	m.either(Mem{Base: at}, Mem{Base: below}, out)
	ADDQ(Imm(uint64(4*m.lanes)), at)
	ADDQ(Imm(uint64(4*m.lanes)), below)
	ADDQ(Imm(uint64(m.lanes/8)), out)
	SUBQ(Imm(uint64(m.lanes)), k)
	JGE(LabelRef("many"))
	Label("rest")
	TESTQ(last, last)
	JZ(LabelRef("end"))
	m.eitherOfFew(Mem{Base: at}, Mem{Base: below}, out)
	Label("end")
	ADDQ(Imm(8*pairWords), pairs)
	LEAQ(Mem{Base: a, Index: aRow, Scale: 2}, a)
	SUBQ(Imm(2), rows)
	JG(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

// marks are the instructions for marking what is not 0.
type marks struct {
	bits, lanes            int
	zero, unsigned, v, few reg.VecVirtual
	ones, some             reg.OpmaskVirtual
}

func newMarks(bits int, zero reg.VecVirtual) marks {
	m := marks{bits: bits, lanes: bits / 32, zero: zero}
	if bits == 512 {
		m.unsigned, m.v, m.few, m.ones, m.some = ZMM(), ZMM(), ZMM(), K(), K()
		VPTERNLOGD(U8(0xFF), m.unsigned, m.unsigned, m.unsigned)
	} else {
		m.unsigned, m.v, m.few = YMM(), YMM(), YMM()
		VPCMPEQD(m.unsigned, m.unsigned, m.unsigned)
	}
	Comment("all bits but the signs")
	VPSRLD(Imm(1), m.unsigned, m.unsigned)
	return m
}

// begin makes the mask of so many elements.
func (m marks) begin(few reg.GPVirtual) {
	if m.bits == 256 {
		maskFew(few, m.few)
		return
	}
	mask := GP64()
	MOVQ(I32(-1), mask)
	BZHIQ(few, mask, mask)
	KMOVW(mask.As32(), m.ones)
}

// either stores a bit for each place in which one of two vectors is not 0.
func (m marks) either(x, y Mem, out reg.GPVirtual) {
	VMOVUPS(x, m.v)
	if m.bits == 512 {
		VPORD(y, m.v, m.v)
	} else {
		VORPS(y, m.v, m.v)
	}
	m.store(out)
}

func (m marks) eitherOfFew(x, y Mem, out reg.GPVirtual) {
	if m.bits == 512 {
		other := ZMM()
		VMOVUPS_Z(x, m.ones, m.v)
		VMOVUPS_Z(y, m.ones, other)
		VPORD(other, m.v, m.v)
	} else {
		other := YMM()
		VMASKMOVPS(x, m.few, m.v)
		VMASKMOVPS(y, m.few, other)
		VORPS(other, m.v, m.v)
	}
	m.store(out)
}

func (m marks) store(out reg.GPVirtual) {
	if m.bits == 512 {
		VPTESTMD(m.unsigned, m.v, m.some)
		KMOVW(m.some, Mem{Base: out})
		return
	}
	some := GP64()
	VCMPPS(Imm(4), m.zero, m.v, m.v) // not equal, or NaN
	VMOVMSKPS(m.v, some.As32())
	MOVB(some.As8(), Mem{Base: out})
}

// columnPairs writes the function that marks the terms of A transposed.
func columnPairs(bits int) {
	name := fmt.Sprintf("columnPairs%df32", bits)
	TEXT(name, NOSPLIT, "func(pairs *uint64, a *float32, aStep uintptr, rows, k int)")
	Doc(
		fmt.Sprintf("%s does what rowPairs%df32 does for A transposed: aStep leads from", name, bits),
		"one k to the next, in bytes, and a row is an element further than the one above. It",
		"writes pairs for sixteen rows at a time.",
	)
	Pragma("noescape")
	pairs, a, rows, step := load("pairs"), load("a"), load("rows"), load("aStep")
	zero := YMM()
	VPXOR(zero, zero, zero)
	m := newMarks(bits, zero)
	bytes := AllocLocal(64 * pairWords)
	for i := 0; i < 64*pairWords; i += 32 {
		VMOVDQU(zero, bytes.Offset(i))
	}
	Label("rows")
	Comment("a bit for each two of sixteen rows, for each k")
	few, at, k, out := GP64(), GP64(), load("k"), GP64()
	MOVQ(U64(16), few)
	CMPQ(rows, few)
	CMOVQLT(rows, few)
	MOVQ(a, at)
	LEAQ(bytes, out)
	if bits == 512 {
		m.begin(few)
	}
	var halves [2]reg.VecVirtual
	if bits == 256 {
		halves = [2]reg.VecVirtual{m.few, YMM()}
		eight := GP64()
		MOVQ(U64(8), eight)
		CMPQ(few, eight)
		CMOVQLT(few, eight)
		maskFew(eight, halves[0])
		SUBQ(eight, few)
		maskFew(few, halves[1])
	}
	Label("k")
	if bits == 512 {
		VMOVUPS_Z(Mem{Base: at}, m.ones, m.v)
		VPTESTMQ(m.unsigned, m.v, m.some)
		KMOVB(m.some, Mem{Base: out})
	} else {
		var some [2]reg.GPVirtual
		for i, ones := range halves {
			v := YMM()
			some[i] = GP64()
			VMASKMOVPS(Mem{Base: at, Disp: 32 * i}, ones, v)
			VANDPS(m.unsigned, v, v)
			VPCMPEQQ(zero, v, v)
			VMOVMSKPD(v, some[i].As32())
		}
		SHLL(Imm(4), some[1].As32())
		ORL(some[1].As32(), some[0].As32())
		NOTL(some[0].As32())
		MOVB(some[0].As8(), Mem{Base: out})
	}
	ADDQ(step, at)
	INCQ(out)
	DECQ(k)
	JNZ(LabelRef("k"))
	Comment("the bits of each two rows, side by side")
	for i := 0; i < 64*pairWords; i += 32 {
		v := YMM()
		VMOVDQU(bytes.Offset(i), v)
		for pair := 7; pair >= 0; pair-- {
			some := GP32()
			VPMOVMSKB(v, some)
			MOVL(some, Mem{Base: pairs, Disp: 8*pairWords*pair + i/8})
			if pair > 0 {
				VPADDB(v, v, v)
			}
		}
	}
	ADDQ(Imm(8*8*pairWords), pairs)
	ADDQ(Imm(64), a)
	SUBQ(Imm(16), rows)
	JG(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

func rowTerms() {
	TEXT("rowTerms256f32", NOSPLIT, "func(values *float32, places, counts *int32, a *float32, aRow uintptr, rows, k, step int)")
	Doc(
		"rowTerms256f32 lists the elements of each row of A that are not 0, and where: how",
		"far, in steps, from the first. rows and k are 1 or more. There must be room for 8",
		"more in values and in places.",
		"",
		"\tfor i := range rows {",
		"\t\tfor p := range k {",
		"\t\t\tif a[i][p] != 0 {",
		"\t\t\t\tvalues = append(values, a[i][p])",
		"\t\t\t\tplaces = append(places, int32(p*step))",
		"\t\t\t\tcounts[i]++",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"aRow is in bytes.",
	)
	Pragma("noescape")
	l := newList(load("places"))
	values, counts, a, rows := load("values"), load("counts"), load("a"), load("rows")
	zero, v, packed, which, step := YMM(), YMM(), YMM(), YMM(), YMM()
	VXORPS(zero, zero, zero)
	VPBROADCASTD(param("step"), step)
	start := GP64()
	MOVQ(l.index, start)
	Label("rows")
	at, k, bits := GP64(), load("k"), GP64()
	MOVQ(a, at)
	l.begin()
	Label("eight")
	CMPQ(k, Imm(8))
	JL(LabelRef("rest"))
	VMOVUPS(Mem{Base: at}, v)
	add := func() {
		VCMPPS(Imm(4), zero, v, packed) // not equal, or NaN
		VMOVMSKPS(packed, bits.As32())
		VPMOVZXBD(Mem{Base: l.table, Index: bits, Scale: 8}, which)
		VPERMPS(v, which, packed)
		VMOVUPS(packed, Mem{Base: values})
		VPADDD(l.first, which, which)
		VPADDD(l.eight, l.first, l.first)
		VPMULLD(step, which, which)
		VMOVDQU(which, Mem{Base: l.index})
		POPCNTQ(bits, bits)
		LEAQ(Mem{Base: l.index, Index: bits, Scale: 4}, l.index)
		LEAQ(Mem{Base: values, Index: bits, Scale: 4}, values)
	}
	add()
	ADDQ(Imm(32), at)
	SUBQ(Imm(8), k)
	JMP(LabelRef("eight"))
	Label("rest")
	loadFew(at, k, v)
	add()
	count(l.index, counts, start)
	ADDQ(param("aRow"), a)
	DECQ(rows)
	JNZ(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

// terms writes the kernel for a strip of so many vectors, of which each row has
// terms of its own.
func terms(bits, vectors int) {
	s := strip{element: float32s, bits: bits, vectors: vectors, edge: overlapped, vector: YMM}
	if bits == 512 {
		s.vector = ZMM
	}
	columns := vectors * s.lanes()
	name := fmt.Sprintf("terms%d_%df32", bits, columns)
	TEXT(name, NOSPLIT, "func(values *float32, places, counts *int32, b, c *float32, cRow uintptr, from *float32, fromRow uintptr, rows int, floor float32)")
	Doc(
		fmt.Sprintf("%s computes %d columns of C from a piece of B, so far as its terms", name, columns),
		"are listed; places are in bytes, and rows is 1 or more.",
		"",
		"\tfor i := range rows {",
		"\t\tfor j := range columns {",
		"\t\t\ts := from[i][j]",
		"\t\t\tfor t := range values of row i {",
		"\t\t\t\ts = fma(values[t], b[places[t]/4+j], s)",
		"\t\t\t}",
		"\t\t\ts += 0 // -0 becomes +0",
		"\t\t\tif s < floor {",
		"\t\t\t\ts = floor",
		"\t\t\t}",
		"\t\t\tc[i][j] = s",
		"\t\t}",
		"\t}",
	)
	Pragma("noescape")
	values, places, counts, b, rows := load("values"), load("places"), load("counts"), load("b"), load("rows")
	c, from := load("c"), load("from")
	Label("rows")
	acc, _ := s.start(from, 1)
	count, at := GP64(), GP64()
	MOVLQSX(Mem{Base: counts}, count)
	ADDQ(Imm(4), counts)
	LEAQ(Mem{Base: values, Index: count, Scale: 4}, values)
	LEAQ(Mem{Base: places, Index: count, Scale: 4}, places)
	NEGQ(count)
	JZ(LabelRef("sums"))
	Label("terms")
	MOVLQSX(Mem{Base: places, Index: count, Scale: 4}, at)
	x := s.vector()
	VBROADCASTSS(Mem{Base: values, Index: count, Scale: 4}, x)
	ADDQ(b, at)
	for v := range s.vectors {
		s.fma(s.at(at, v), x, acc[0][v])
	}
	INCQ(count)
	JNZ(LabelRef("terms"))
	Label("sums")
	s.end(c, acc, nil)
	DECQ(rows)
	JNZ(LabelRef("rows"))
	VZEROUPPER()
	RET()
}
