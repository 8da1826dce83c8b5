// Command gemm writes the tiles of matrix products for package kernel:
//
//	cd internal/kernel/gen && go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	for vectors, heights := range [][]int{1: {12, 4, 1}, 2: {12, 4, 1}, 3: {8, 2, 1}, 4: {6, 2, 1}} {
		for _, rows := range heights {
			tile512(float32s, 512, vectors, rows)
		}
	}
	for _, rows := range []int{12, 1} {
		tile512(float32s, 256, 1, rows)
	}
	for _, rows := range []int{6, 3, 1} {
		tile512(float64s, 512, 4, rows)
	}
	for _, rows := range []int{6, 2, 1} {
		tile256(float32s, rows)
	}
	for _, rows := range []int{6, 1} {
		tile256(float64s, rows)
	}
	row()
	transpose()
	finite()
	nonzeros()
	sparse()
	peak(512, 12)
	peak(256, 12)
	pause()
	Generate()
}

func pause() {
	TEXT("pause", NOSPLIT, "func()")
	Doc("pause tells the processor that it is in a loop that waits.")
	for range 8 {
		PAUSE()
	}
	RET()
}

// An element is a type of the elements of a matrix, with the instructions for it.
type element struct {
	name, short                   string
	size                          int // bytes
	broadcast, add, max, fma, xor func(...Op)
	moveMasked                    func(x, y, z Op) // AVX-512, zeros where the mask has none
	maskedMove                    func(x, y, z Op) // AVX2
}

var (
	float32s = element{"float32", "f32", 4, VBROADCASTSS, VADDPS, VMAXPS, VFMADD231PS, VXORPS, VMOVUPS_Z, VMASKMOVPS}
	float64s = element{"float64", "f64", 8, VBROADCASTSD, VADDPD, VMAXPD, VFMADD231PD, VXORPD, VMOVUPD_Z, VMASKMOVPD}
)

// text begins the function of a tile of so many vectors of so many bits.
func text(e element, bits, vectors, rows int) {
	columns := vectors * bits / 8 / e.size
	name := fmt.Sprintf("tile%d_%dx%d%s", bits, rows, columns, e.short)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(a *%[1]s, aRow, aStep uintptr, b *%[1]s, bStep uintptr, c *%[1]s, cRow uintptr, from *%[1]s, fromRow uintptr, k, columns int, floor %[1]s)", e.name))
	Doc(
		fmt.Sprintf("%s computes a tile of C, %d rows and 1 to %d columns: what it starts", name, rows, columns),
		"from, and the product of as many rows of A and columns of B, k being 1 or more.",
		"",
		"\tfor i := range rows {",
		"\t\tfor j := range columns {",
		"\t\t\ts := from[i][j]",
		"\t\t\tfor p := range k {",
		"\t\t\t\ts = fma(a[i][p], b[p][j], s)",
		"\t\t\t}",
		"\t\t\ts += 0 // -0 becomes +0",
		"\t\t\tif s < floor {",
		"\t\t\t\ts = floor",
		"\t\t\t}",
		"\t\t\tc[i][j] = s",
		"\t\t}",
		"\t}",
		"",
		"aRow, cRow and fromRow lead from one row to the next, aStep and bStep from one",
		"k to the next, in bytes.",
	)
	Pragma("noescape")
}

// operands are the arguments of a tile: pointers, and steps in bytes.
type operands struct {
	a           []reg.GPVirtual // every third row of A
	aRow, aStep reg.GPVirtual
	b, bStep    reg.GPVirtual
	k           reg.GPVirtual
}

func load(name string) reg.GPVirtual {
	r := GP64()
	Load(Param(name), r)
	return r
}

func loadOperands(rows int) operands {
	o := operands{aRow: load("aRow"), aStep: load("aStep"), b: load("b"), bStep: load("bStep"), k: load("k")}
	o.a = append(o.a, load("a"))
	for r := 3; r < rows; r += 3 {
		next := GP64()
		Comment(fmt.Sprintf("row %d of A", r))
		LEAQ(Mem{Base: o.a[len(o.a)-1], Index: o.aRow, Scale: 2}, next)
		ADDQ(o.aRow, next)
		o.a = append(o.a, next)
	}
	return o
}

// at is the element of A in a row, for the k at hand.
func (o operands) at(row int) Mem {
	m := Mem{Base: o.a[row/3]}
	if row%3 > 0 {
		m.Index, m.Scale = o.aRow, uint8(row%3)
	}
	return m
}

// next goes one k further and jumps to the label unless that was the last.
func (o operands) next(label string) {
	for _, a := range o.a {
		ADDQ(o.aStep, a)
	}
	ADDQ(o.bStep, o.b)
	DECQ(o.k)
	JNZ(LabelRef(label))
}

// broadcastFloor fills a register with the argument floor.
func broadcastFloor(e element, dst Op) {
	floor, err := Param("floor").Resolve()
	if err != nil {
		panic(err)
	}
	e.broadcast(floor.Addr, dst)
}

// tile512 writes a tile of so many vectors of so many bits; its masks are those
// of AVX-512.
func tile512(e element, bits, vectors, rows int) {
	text(e, bits, vectors, rows)
	vector := ZMM
	if bits == 256 {
		vector = YMM
	}
	o := loadOperands(rows)
	Comment("the masks of the columns")
	ones := GP64()
	MOVQ(I32(-1), ones)
	BZHIQ(load("columns"), ones, ones)
	masks := make([]reg.OpmaskVirtual, vectors)
	for v := range masks {
		if v > 0 {
			SHRQ(Imm(uint64(64/e.size)), ones)
		}
		masks[v] = K()
		KMOVW(ones.As32(), masks[v])
	}

	acc := make([][]reg.VecVirtual, rows)
	Comment("what the tile starts from")
	from, fromRow := load("from"), load("fromRow")
	for r := range acc {
		acc[r] = make([]reg.VecVirtual, vectors)
		for v := range acc[r] {
			acc[r][v] = vector()
			e.moveMasked(Mem{Base: from, Disp: 64 * v}, masks[v], acc[r][v])
		}
		if r < rows-1 {
			ADDQ(fromRow, from)
		}
	}
	if vectors == 4 && rows == 6 { // the tile of large products
		Comment("the tile below is needed next, and may be far away")
		below, cRow := load("c"), load("cRow")
		LEAQ(Mem{Base: cRow, Index: cRow, Scale: 2}, from)
		LEAQ(Mem{Base: below, Index: from, Scale: 2}, below)
		for r := range rows {
			for v := range vectors {
				PREFETCHT0(Mem{Base: below, Disp: 64 * v})
			}
			if r < rows-1 {
				ADDQ(cRow, below)
			}
		}
	}
	b := make([]reg.VecVirtual, vectors)
	for v := range b {
		b[v] = vector()
	}
	Label("loop")
	for v := range b {
		e.moveMasked(Mem{Base: o.b, Disp: 64 * v}, masks[v], b[v])
	}
	for r := range acc {
		a := vector()
		e.broadcast(o.at(r), a)
		for v := range b {
			e.fma(b[v], a, acc[r][v])
		}
	}
	o.next("loop")

	Comment("the tile of C")
	c, cRow := load("c"), load("cRow")
	zero, floor := vector(), vector()
	e.xor(zero, zero, zero)
	broadcastFloor(e, floor)
	for r := range acc {
		for v := range acc[r] {
			e.add(zero, acc[r][v], acc[r][v])
			e.max(acc[r][v], floor, acc[r][v]) // of a NaN and a number, the second: the NaN
			if e.size == 4 {
				VMOVUPS(acc[r][v], masks[v], Mem{Base: c, Disp: 64 * v})
			} else {
				VMOVUPD(acc[r][v], masks[v], Mem{Base: c, Disp: 64 * v})
			}
		}
		if r < rows-1 {
			ADDQ(cRow, c)
		}
	}
	VZEROUPPER()
	RET()
}

// row is for products with a matrix too large for the caches, of which A has
// one row: it reads B as it lies, eight rows at a time.
func row() {
	const terms, lanes = 8, 16
	TEXT("row512f32", NOSPLIT, "func(a *float32, aStep uintptr, b *float32, bStep uintptr, c *float32, eights, columns int)")
	Doc(
		"row512f32 adds to a row of C the product of a row of A and as many rows of B, eight",
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
	ones, mask := GP64(), K()
	MOVQ(I32(-1), ones)
	BZHIQ(columns, ones, ones)
	KMOVW(ones.As32(), mask)
	Label("eight")
	var v [terms]reg.VecVirtual
	for p := range v {
		v[p] = ZMM()
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
	sum := ZMM()
	next := func() {
		for _, r := range []reg.GPVirtual{c, low, middle, high} {
			ADDQ(I32(64), r)
		}
	}
	TESTQ(at, at)
	JZ(LabelRef("rest"))
	Label("columns")
	VMOVUPS(Mem{Base: c}, sum)
	for p, m := range rows {
		VFMADD231PS(m, v[p], sum)
	}
	VMOVUPS(sum, Mem{Base: c})
	next()
	SUBQ(Imm(64), at)
	JNZ(LabelRef("columns"))
	Label("rest")
	TESTQ(columns, columns)
	JZ(LabelRef("done"))
	VMOVUPS_Z(Mem{Base: c}, mask, sum)
	x := ZMM()
	for p, m := range rows {
		VMOVUPS_Z(m, mask, x)
		VFMADD231PS(x, v[p], sum)
	}
	VMOVUPS(sum, mask, Mem{Base: c})
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

// peak writes nothing but multiply-adds, with so many sums in registers.
func peak(bits, sums int) {
	TEXT(fmt.Sprintf("peak%d", bits), NOSPLIT, "func(n int)")
	Doc(
		fmt.Sprintf("peak%d computes n times %d vectors of %d float32, none waiting for another:", bits, sums, bits/32),
		"",
		"\tfor range n {",
		"\t\tfor i := range s {",
		"\t\t\ts[i] = fma(x, y, s[i])",
		"\t\t}",
		"\t}",
	)
	vector := map[int]func() reg.VecVirtual{512: ZMM, 256: YMM}[bits]
	n, x, y := load("n"), vector(), vector()
	VXORPS(x, x, x)
	VXORPS(y, y, y)
	s := make([]reg.VecVirtual, sums)
	for i := range s {
		s[i] = vector()
		VXORPS(s[i], s[i], s[i])
	}
	Label("loop")
	for i := range s {
		VFMADD231PS(x, y, s[i])
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

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

// masks are 64 bytes of ones and 64 of zeros: n columns of two AVX2 registers
// are masked by what begins n columns before the zeros.
var masks *Mem

func ones256() Mem {
	if masks == nil {
		m := GLOBL("masks256", attr.RODATA|attr.NOPTR)
		for i := range 16 {
			DATA(8*i, U64(map[bool]uint64{true: ^uint64(0)}[i < 8]))
		}
		masks = &m
	}
	return *masks
}

func tile256(e element, rows int) {
	const vectors = 2
	text(e, 256, vectors, rows)
	o := loadOperands(rows)
	Comment("the masks of the columns")
	columns, mask := load("columns"), GP64()
	LEAQ(ones256().Offset(64), mask)
	SHLQ(Imm(map[int]uint64{4: 2, 8: 3}[e.size]), columns)
	SUBQ(columns, mask)

	acc := make([][vectors]reg.VecVirtual, rows)
	for r := range acc {
		acc[r] = [vectors]reg.VecVirtual{YMM(), YMM()}
	}
	Comment("what the tile starts from")
	m, from, fromRow := YMM(), load("from"), load("fromRow")
	for r := range acc {
		for v := range acc[r] {
			VMOVUPS(Mem{Base: mask, Disp: 32 * v}, m)
			e.maskedMove(Mem{Base: from, Disp: 32 * v}, m, acc[r][v])
		}
		if r < rows-1 {
			ADDQ(fromRow, from)
		}
	}
	b := [vectors]reg.VecVirtual{YMM(), YMM()}
	multiply := func(label string) {
		for r := range acc {
			e.broadcast(o.at(r), m)
			for v := range b {
				e.fma(b[v], m, acc[r][v])
			}
		}
		o.next(label)
	}
	CMPQ(columns, I32(32*vectors))
	JNE(LabelRef("masked"))
	Label("whole")
	for v := range b {
		VMOVUPS(Mem{Base: o.b, Disp: 32 * v}, b[v])
	}
	multiply("whole")
	JMP(LabelRef("done"))
	Label("masked")
	for v := range b {
		// The mask is read again each time: there is no register left for it.
		VMOVUPS(Mem{Base: mask, Disp: 32 * v}, m)
		e.maskedMove(Mem{Base: o.b, Disp: 32 * v}, m, b[v])
	}
	multiply("masked")

	Label("done")
	Comment("the tile of C")
	c, cRow := load("c"), load("cRow")
	zero, floor := b[0], b[1]
	e.xor(zero, zero, zero)
	broadcastFloor(e, floor)
	for r := range acc {
		for v := range acc[r] {
			VMOVUPS(Mem{Base: mask, Disp: 32 * v}, m)
			e.add(zero, acc[r][v], acc[r][v])
			e.max(acc[r][v], floor, acc[r][v])
			e.maskedMove(acc[r][v], m, Mem{Base: c, Disp: 32 * v})
		}
		if r < rows-1 {
			ADDQ(cRow, c)
		}
	}
	VZEROUPPER()
	RET()
}
