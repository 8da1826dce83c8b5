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
	index, table       reg.GPVirtual
	first, some, eight reg.VecVirtual
}

func newList(index reg.GPVirtual) list {
	l := list{index, GP64(), YMM(), YMM(), YMM()}
	LEAQ(places().Offset(0), l.table)
	one := GP32()
	MOVL(U32(8), one)
	VMOVD(one, l.eight.AsX())
	VPBROADCASTD(l.eight.AsX(), l.eight)
	return l
}

// begin begins a list, with the number 0.
func (l list) begin() { VPXOR(l.first, l.first, l.first) }

// add adds those of the next eight that have a bit, and changes bits.
func (l list) add(bits reg.GPVirtual) {
	VPMOVZXBD(Mem{Base: l.table, Index: bits, Scale: 8}, l.some)
	VPADDD(l.first, l.some, l.some)
	VPADDD(l.eight, l.first, l.first)
	VMOVDQU(l.some, Mem{Base: l.index})
	POPCNTQ(bits, bits)
	LEAQ(Mem{Base: l.index, Index: bits, Scale: 4}, l.index)
}

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

// A list512 is built by sixteen elements at a time.
type list512 struct {
	index                reg.GPVirtual
	first, some, sixteen reg.VecVirtual
}

func newList512(index reg.GPVirtual) list512 {
	l := list512{index, ZMM(), ZMM(), ZMM()}
	n := GP32()
	MOVL(U32(16), n)
	VPBROADCASTD(n, l.sixteen)
	return l
}

// begin begins a list, with the number 0.
func (l list512) begin() { VMOVDQU32(numbers(), l.first) }

// add adds those of the next sixteen that are in a mask.
func (l list512) add(mask reg.OpmaskVirtual) {
	VPCOMPRESSD_Z(l.first, mask, l.some)
	VPADDD(l.sixteen, l.first, l.first)
	VMOVDQU32(l.some, Mem{Base: l.index})
	n := GP64()
	KMOVW(mask, n.As32())
	POPCNTQ(n, n)
	LEAQ(Mem{Base: l.index, Index: n, Scale: 4}, l.index)
}

// numbers are 0 to 15.
func numbers() Mem {
	return once("numbers", func() {
		for i := range 16 {
			DATA(4*i, U32(i))
		}
	})
}

func rowLists512() {
	TEXT("rowLists512f32", NOSPLIT, "func(index, counts *int32, a *float32, aRow uintptr, rows, k int)")
	Doc("rowLists512f32 does what rowLists256f32 does; there must be room for 16 more in index.")
	Pragma("noescape")
	l := newList512(load("index"))
	counts, a, rows, aRow := load("counts"), load("a"), load("rows"), load("aRow")
	zero, v, w, ones, some := ZMM(), ZMM(), ZMM(), K(), K()
	VPXORD(zero, zero, zero)
	Comment("the mask of the last terms")
	bits, start := GP64(), GP64()
	MOVQ(U64(0xFFFF), bits)
	last := load("k")
	ANDQ(Imm(15), last)
	BZHIQ(last, bits, bits)
	KMOVW(bits.As32(), ones)
	MOVQ(l.index, start)
	Label("rows")
	below, at, k := GP64(), GP64(), load("k")
	MOVQ(a, at)
	MOVQ(a, below)
	CMPQ(rows, Imm(1))
	JE(LabelRef("one"))
	ADDQ(aRow, below)
	Label("one")
	l.begin()
	SUBQ(Imm(16), k)
	JL(LabelRef("rest"))
	Label("sixteen")
	VMOVUPS(Mem{Base: at}, v)
	VPORD(Mem{Base: below}, v, v)
	VCMPPS(Imm(4), zero, v, some) // not equal, or NaN
	l.add(some)
	ADDQ(Imm(64), at)
	ADDQ(Imm(64), below)
	SUBQ(Imm(16), k)
	JGE(LabelRef("sixteen"))
	Label("rest")
	TESTQ(last, last)
	JZ(LabelRef("end"))
	VMOVUPS_Z(Mem{Base: at}, ones, v)
	VMOVUPS_Z(Mem{Base: below}, ones, w)
	VPORD(w, v, v)
	VCMPPS(Imm(4), zero, v, some)
	l.add(some)
	Label("end")
	count(l.index, counts, start)
	LEAQ(Mem{Base: a, Index: aRow, Scale: 2}, a)
	SUBQ(Imm(2), rows)
	JG(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

func rowLists() {
	TEXT("rowLists256f32", NOSPLIT, "func(index, counts *int32, a *float32, aRow uintptr, rows, k int)")
	Doc(
		"rowLists256f32 lists for every two rows of A where they are not both 0, rows and k",
		"being 1 or more. There must be room for 8 more in index.",
		"",
		"\tfor i := 0; i < rows; i += 2 {",
		"\t\tfor p := range k {",
		"\t\t\tif a[i][p] != 0 || i+1 < rows && a[i+1][p] != 0 {",
		"\t\t\t\tindex = append(index, int32(p))",
		"\t\t\t\tcounts[i/2]++",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"aRow is in bytes.",
	)
	Pragma("noescape")
	l := newList(load("index"))
	counts, a, rows := load("counts"), load("a"), load("rows")
	zero, v, w := YMM(), YMM(), YMM()
	VXORPS(zero, zero, zero)
	start := GP64()
	MOVQ(l.index, start)
	Label("rows")
	below, k, bits := load("aRow"), load("k"), GP64()
	CMPQ(rows, Imm(1))
	JG(LabelRef("two"))
	XORQ(below, below)
	Label("two")
	ADDQ(a, below)
	next := GP64()
	MOVQ(below, next)
	ADDQ(param("aRow"), next)
	l.begin()
	Label("eight")
	CMPQ(k, Imm(8))
	JL(LabelRef("rest"))
	VMOVUPS(Mem{Base: a}, v)
	VORPS(Mem{Base: below}, v, v)
	add := func() {
		VCMPPS(Imm(4), zero, v, v) // not equal, or NaN
		VMOVMSKPS(v, bits.As32())
		l.add(bits)
	}
	add()
	ADDQ(Imm(32), a)
	ADDQ(Imm(32), below)
	SUBQ(Imm(8), k)
	JMP(LabelRef("eight"))
	Label("rest")
	loadFew(a, k, v)
	loadFew(below, k, w)
	VORPS(w, v, v)
	add()
	count(l.index, counts, start)
	MOVQ(next, a)
	SUBQ(Imm(2), rows)
	JG(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

func columnLists() {
	TEXT("columnLists256f32", NOSPLIT, "func(index, counts *int32, a *float32, aStep uintptr, rows, k int, bits *byte)")
	Doc(
		"columnLists256f32 does what rowLists256f32 does for A transposed: aStep leads from",
		"one k to the next, in bytes, and a row is an element further than the one above. It",
		"writes k+32 bytes to bits, and for eight rows at a time.",
	)
	Pragma("noescape")
	l := newList(load("index"))
	counts, a, rows := load("counts"), load("a"), load("rows")
	zero, v, ones, pair := YMM(), YMM(), YMM(), YMM()
	VXORPS(zero, zero, zero)
	start := GP64()
	MOVQ(l.index, start)
	Label("rows")
	Comment("a bit for each of eight rows, for each k")
	few := GP64()
	MOVQ(I32(8), few)
	CMPQ(rows, few)
	CMOVQLT(rows, few)
	maskFew(few, ones)
	at, step, k, bits := GP64(), load("aStep"), load("k"), load("bits")
	MOVQ(a, at)
	some := GP64()
	Label("k")
	VMASKMOVPS(Mem{Base: at}, ones, v)
	VCMPPS(Imm(4), zero, v, v) // not equal, or NaN
	VMOVMSKPS(v, some.As32())
	MOVB(some.As8(), Mem{Base: bits})
	ADDQ(step, at)
	INCQ(bits)
	DECQ(k)
	JNZ(LabelRef("k"))
	VMOVDQU(zero, Mem{Base: bits})
	Comment("a list for each two rows")
	VPCMPEQB(pair, pair, pair)
	VPSRLW(Imm(14), pair, pair)
	VPSLLW(Imm(8), pair, v)
	VPOR(v, pair, pair)
	pairs := GP64()
	MOVQ(I32(4), pairs)
	Label("pair")
	at, k = load("bits"), load("k")
	l.begin()
	Label("bits")
	VPAND(Mem{Base: at}, pair, v)
	VPCMPEQB(zero, v, v)
	where := GP64()
	VPMOVMSKB(v, where.As32())
	NOTL(where.As32())
	for range 4 {
		MOVBQZX(where.As8(), some)
		l.add(some)
		SHRL(Imm(8), where.As32())
	}
	ADDQ(Imm(32), at)
	SUBQ(Imm(32), k)
	JG(LabelRef("bits"))
	count(l.index, counts, start)
	VPSLLW(Imm(2), pair, pair)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	ADDQ(Imm(32), a)
	SUBQ(Imm(8), rows)
	JG(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

func columnLists512() {
	TEXT("columnLists512f32", NOSPLIT, "func(index, counts *int32, a *float32, aStep uintptr, rows, k int, bits *byte)")
	Doc(
		"columnLists512f32 does what rowLists512f32 does for A transposed: aStep leads from",
		"one k to the next, in bytes, and a row is an element further than the one above. It",
		"writes k+32 bytes to bits, and for sixteen rows at a time.",
	)
	Pragma("noescape")
	l := newList512(load("index"))
	counts, a, rows, step := load("counts"), load("a"), load("rows"), load("aStep")
	zero, v, pair, ones, some := ZMM(), ZMM(), ZMM(), K(), K()
	VPXORD(zero, zero, zero)
	start, even, few := GP64(), GP64(), GP64()
	MOVQ(U64(0x5555), even)
	MOVQ(l.index, start)
	Label("rows")
	Comment("a bit for each two of sixteen rows, for each k")
	mask := GP64()
	MOVQ(U64(16), few)
	CMPQ(rows, few)
	CMOVQLT(rows, few)
	MOVQ(I32(-1), mask)
	BZHIQ(few, mask, mask)
	KMOVW(mask.As32(), ones)
	at, k, bits := GP64(), load("k"), load("bits")
	MOVQ(a, at)
	either := GP64()
	Label("k")
	VCMPPS(Imm(4), Mem{Base: at}, zero, ones, some) // not equal, or NaN
	KMOVW(some, either.As32())
	MOVQ(either, mask)
	SHRQ(Imm(1), mask)
	ORQ(mask, either)
	PEXTQ(even, either, either)
	MOVB(either.As8(), Mem{Base: bits})
	ADDQ(step, at)
	INCQ(bits)
	DECQ(k)
	JNZ(LabelRef("k"))
	VMOVDQU(zero.AsY(), Mem{Base: bits})
	Comment("a list for each two rows")
	INCQ(few)
	SHRQ(Imm(1), few)
	MOVQ(U64(1), mask)
	VPBROADCASTD(mask.As32(), pair)
	Label("pair")
	at, k = load("bits"), load("k")
	l.begin()
	Label("bits")
	VPMOVZXBD(Mem{Base: at}, v)
	VPTESTMD(pair, v, some)
	l.add(some)
	ADDQ(Imm(16), at)
	SUBQ(Imm(16), k)
	JG(LabelRef("bits"))
	count(l.index, counts, start)
	VPSLLD(Imm(1), pair, pair)
	DECQ(few)
	JNZ(LabelRef("pair"))
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
	s.c, s.from = load("c"), load("from")
	Label("rows")
	acc, _ := s.start(1)
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
	s.end(acc, nil)
	DECQ(rows)
	JNZ(LabelRef("rows"))
	VZEROUPPER()
	RET()
}
