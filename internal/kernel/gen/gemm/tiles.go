package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A strip writes a function that computes a strip of C, as wide as a few
// registers, in tiles: some rows of it, whose sums stay in registers.
type strip struct {
	element
	bits    int      // of a register
	vectors int      // registers side by side
	edge    edge     // how the last columns are kept apart from what lies behind them
	heights []int    // of the tiles, the highest first
	unroll  int      // how often the loop over k is written out in the highest tiles; each time, A below is asked for
	pairs   bool     // only the terms are computed that are marked for every two rows
	vector  register // takes a register

	masks []reg.OpmaskVirtual // masked512
	mask  Mem                 // masked256
	last  reg.GPVirtual       // overlapped, half: from a row to its last vector, in bytes

	a, aRow, aStep reg.GPVirtual
	bStep          reg.GPVirtual
	rows           reg.GPVirtual
}

type register func() reg.VecVirtual

// An edge is how the columns of a strip end.
type edge int

const (
	// The last vector ends where the columns do; some of its columns are in the
	// vector before too, and computed twice, to the same bits.
	overlapped edge = iota
	// The same with a vector of half the size after the last: those of two rows
	// share a register.
	half
	// There is one vector, and a mask for it: for fewer columns than a vector has.
	masked256
	// Each vector has a mask.
	masked512
)

func (s strip) lanes() int { return s.bits / 8 / s.size }

// columns returns the fewest and the most columns.
func (s strip) columns() (lo, hi int) {
	hi = s.vectors * s.lanes()
	switch s.edge {
	case overlapped:
		return max(hi-s.lanes()+1, s.lanes()), hi
	case half:
		return hi + 1, hi + s.lanes()/2
	case masked256:
		return 1, hi - 1
	}
	return 1, hi
}

// declare begins the function of a strip.
func (s strip) declare() {
	lo, hi := s.columns()
	columns := fmt.Sprintf("%d to %d columns", lo, hi)
	if lo == hi {
		columns = fmt.Sprintf("%d columns", lo)
	}
	set, name, before, ahead, k := 256, "strip", "", "", ", k"
	if s.edge == masked512 || s.bits == 512 {
		set = 512
	}
	if s.pairs {
		name, before, ahead, k = "pairs", "pairs *uint64, ", ", ahead", ""
	}
	name = fmt.Sprintf("%s%d_%d%s", name, set, hi, s.short)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(%[2]sa *%[1]s, aRow, aStep uintptr, b *%[1]s, bStep uintptr, c *%[1]s, cRow uintptr, from *%[1]s, fromRow%[3]s uintptr, rows%[4]s, columns int, floor %[1]s)", s.name, before, ahead, k))
	doc := []string{
		fmt.Sprintf("%s computes %s of C: what they start from, and", name, columns),
		"the product of as many rows of A and columns of B; rows and k are 1 or more.",
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
	}
	if s.pairs {
		doc[1] = "some terms of the product of as many rows of A and columns of B; rows is 1 or more."
		doc[6] = "\t\t\tfor _, p := range the bits of pairs[i/2] {"
		doc = append(doc,
			"If ahead is not 0, it asks for 448 bytes of each row of A, so many bytes further.",
		)
	}
	Doc(doc...)
	Pragma("noescape")
}

func (s strip) write() {
	s.declare()
	s.vector = YMM
	if s.bits == 512 {
		s.vector = ZMM
	}
	if s.pairs {
		s.writePairs()
		return
	}
	s.a, s.aRow, s.aStep, s.bStep = load("a"), load("aRow"), load("aStep"), load("bStep")
	s.rows = load("rows")
	s.prepareEdge()
	for i, rows := range s.heights {
		end := "done"
		if i < len(s.heights)-1 {
			end = fmt.Sprintf("rows%d", s.heights[i+1])
		} else if rows == 2 {
			end = "row1"
		}
		Label(fmt.Sprintf("rows%d", rows))
		CMPQ(s.rows, Imm(uint64(rows)))
		JL(LabelRef(end))
		s.tile(rows, i == 0)
		SUBQ(Imm(uint64(rows)), s.rows)
		JMP(LabelRef(fmt.Sprintf("rows%d", rows)))
		if end == "row1" {
			Label(end)
			Comment("the last row alone is computed as two that are the same")
			TESTQ(s.rows, s.rows)
			JZ(LabelRef("done"))
			XORQ(s.aRow, s.aRow)
			Store(s.aRow, Param("cRow"))
			Store(s.aRow, Param("fromRow"))
			INCQ(s.rows)
			JMP(LabelRef("rows2"))
		}
	}
	Label("done")
	VZEROUPPER()
	RET()
}

// writePairs writes the loop over two rows at a time, of which only those terms are
// computed that are marked.
func (s strip) writePairs() {
	rows, aRow := param("rows"), param("aRow")
	pairs := load("pairs")
	s.a, s.aStep, s.bStep = load("a"), load("aStep"), load("bStep")
	b := load("b")
	s.prepareEdge()
	bLast, word := GP64(), GP64()
	if s.last != nil {
		MOVQ(b, bLast)
		ADDQ(s.last, bLast)
	}
	MOVQ(U64(64), word)
	Label("rows2")
	CMPQ(rows, Imm(2))
	JGE(LabelRef("two"))
	Comment("the last row alone is computed as two that are the same")
	zero := GP64()
	XORQ(zero, zero)
	MOVQ(zero, aRow)
	Store(zero, Param("cRow"))
	Store(zero, Param("fromRow"))
	Label("two")
	from := load("from")
	acc, halves := s.start(from, 2)
	Store(from, Param("from"))
	a := []reg.GPVirtual{s.a, GP64()}
	MOVQ(a[0], a[1])
	ADDQ(aRow, a[1])
	ahead := load("ahead")
	TESTQ(ahead, ahead)
	JZ(LabelRef("near"))
	for _, row := range a {
		for line := range 7 {
			PREFETCHT0(Mem{Base: row, Index: ahead, Scale: 1, Disp: 64 * line})
		}
	}
	Label("near")
	Comment("the bits of a word after the other; no jump between them could be foreseen")
	bits, base, count, more := GP64(), GP64(), GP64(), GP64()
	second := Mem{Base: pairs, Disp: 8}
	MOVQ(Mem{Base: pairs}, bits)
	POPCNTQ(bits, count)
	POPCNTQ(second, more)
	XORQ(base, base)
	TESTQ(bits, bits)
	CMOVQEQ(second, bits)
	CMOVQEQ(word, base)
	ADDQ(more, count)
	JZ(LabelRef("sums"))
	Label("terms")
	inA, inB := GP64(), GP64()
	TZCNTQ(bits, inB)
	ADDQ(base, inB)
	BLSRQ(bits, bits)
	CMOVQEQ(second, bits)
	CMOVQEQ(word, base)
	MOVQ(inB, inA)
	IMULQ(s.aStep, inA)
	IMULQ(s.bStep, inB)
	s.multiplyWide([]Mem{{Base: a[0], Index: inA, Scale: 1}, {Base: a[1], Index: inA, Scale: 1}}, func(v int) Mem {
		if v == s.vectors || v == s.vectors-1 && s.last != nil && s.edge == overlapped {
			return Mem{Base: bLast, Index: inB, Scale: 1}
		}
		return Mem{Base: b, Index: inB, Scale: 1, Disp: s.bits / 8 * v}
	}, acc, halves)
	DECQ(count)
	JNZ(LabelRef("terms"))
	Label("sums")
	c := load("c")
	s.end(c, acc, halves)
	Store(c, Param("c"))
	ADDQ(Imm(8*pairWords), pairs)
	MOVQ(a[1], s.a)
	ADDQ(aRow, s.a)
	SUBQ(Imm(2), rows)
	JG(LabelRef("rows2"))
	VZEROUPPER()
	RET()
}

func param(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func load(name string) reg.GPVirtual {
	r := GP64()
	Load(Param(name), r)
	return r
}

// prepareEdge makes what the last columns need.
func (s *strip) prepareEdge() {
	switch s.edge {
	case overlapped, half:
		if lo, hi := s.columns(); lo == hi {
			break
		}
		size := s.bits / 8
		if s.edge == half {
			size /= 2
		}
		Comment("from a row to its last vector")
		s.last = load("columns")
		SHLQ(Imm(s.shift), s.last)
		SUBQ(Imm(uint64(size)), s.last)
	case masked256:
		Comment("the mask of the columns")
		columns, mask := load("columns"), GP64()
		LEAQ(ones256().Offset(32), mask)
		SHLQ(Imm(s.shift), columns)
		SUBQ(columns, mask)
		s.mask = Mem{Base: mask}
	case masked512:
		Comment("the masks of the columns")
		ones := GP64()
		MOVQ(I32(-1), ones)
		BZHIQ(load("columns"), ones, ones)
		for v := range s.vectors {
			if v > 0 {
				SHRQ(Imm(uint64(64/s.size)), ones)
			}
			mask := K()
			KMOVW(ones.As32(), mask)
			s.masks = append(s.masks, mask)
		}
	}
}

// ones256 is 32 bytes of ones and 32 of zeros: n columns of a register are masked
// by what begins n columns before the zeros.
func ones256() Mem {
	return once("ones256", func() {
		for i := range 8 {
			DATA(8*i, U64(map[bool]uint64{true: ^uint64(0)}[i < 4]))
		}
	})
}

// once is a constant, which is written when first asked for.
func once(name string, write func()) Mem {
	if _, ok := constants[name]; !ok {
		constants[name] = GLOBL(name, attr.RODATA|attr.NOPTR)
		write()
	}
	return constants[name]
}

var constants = map[string]Mem{}

// at is where a vector of a row is.
func (s strip) at(row reg.GPVirtual, v int) Mem {
	if s.last != nil && s.edge == overlapped && v == s.vectors-1 {
		return Mem{Base: row, Index: s.last, Scale: 1}
	}
	return Mem{Base: row, Disp: s.bits / 8 * v}
}

// read reads a vector of a row, zeros where the mask has none.
func (s strip) read(row reg.GPVirtual, v int, dst reg.VecVirtual) { s.readAt(s.at(row, v), v, dst) }

// readAt reads vector v of a row, which is at m.
func (s strip) readAt(m Mem, v int, dst reg.VecVirtual) {
	switch s.edge {
	case masked256:
		VMOVUPS(s.mask, dst)
		s.maskedMove(m, dst, dst)
	case masked512:
		s.moveMasked(m, s.masks[v], dst)
	default:
		VMOVUPS(m, dst)
	}
}

// writeVector writes a vector of a row.
func (s strip) writeVector(src reg.VecVirtual, row reg.GPVirtual, v int) {
	switch {
	case s.edge == masked256:
		m := s.vector()
		VMOVUPS(s.mask, m)
		s.maskedMove(src, m, s.at(row, v))
	case s.edge == masked512 && s.size == 4:
		VMOVUPS(src, s.masks[v], s.at(row, v))
	case s.edge == masked512:
		VMOVUPD(src, s.masks[v], s.at(row, v))
	default:
		VMOVUPS(src, s.at(row, v))
	}
}

// halfVector is where the half vector of a row is.
func (s strip) halfVector(row reg.GPVirtual) Mem {
	return Mem{Base: row, Index: s.last, Scale: 1}
}

// start reads what so many rows start from: sums, and half vectors of two rows
// each.
func (s strip) start(from reg.GPVirtual, rows int) (acc [][]reg.VecVirtual, halves []reg.VecVirtual) {
	Comment(fmt.Sprintf("%d rows: what they start from", rows))
	fromRow := load("fromRow")
	acc = make([][]reg.VecVirtual, rows)
	for r := range acc {
		for v := range s.vectors {
			acc[r] = append(acc[r], s.vector())
			s.read(from, v, acc[r][v])
		}
		if s.edge == half {
			if r%2 == 0 {
				halves = append(halves, s.vector())
				VBROADCASTF128(s.halfVector(from), halves[r/2])
			} else {
				VINSERTF128(Imm(1), s.halfVector(from), halves[r/2], halves[r/2])
			}
		}
		ADDQ(fromRow, from)
	}
	return acc, halves
}

// end writes the sums to C.
func (s strip) end(c reg.GPVirtual, acc [][]reg.VecVirtual, halves []reg.VecVirtual) {
	Comment("the tile of C")
	s.finish(append(acc, halves), fmt.Sprintf("stores%d", len(acc)))
	cRow := load("cRow")
	for r := range acc {
		for v := range acc[r] {
			s.writeVector(acc[r][v], c, v)
		}
		if s.edge == half {
			if r%2 == 0 {
				VMOVUPS(halves[r/2].AsX(), s.halfVector(c))
			} else {
				VEXTRACTF128(Imm(1), halves[r/2], s.halfVector(c))
			}
		}
		ADDQ(cRow, c)
	}
}

// finish makes +0 of -0, and floor of what is less. It ends with a label.
func (s strip) finish(acc [][]reg.VecVirtual, end string) {
	sums, zero := slices.Concat(acc...), s.vector()
	s.xor(zero, zero, zero)
	for _, sum := range sums {
		s.add(zero, sum, sum)
	}
	floor := param("floor")
	sign := GP64()
	if s.size == 4 {
		MOVLQSX(floor, sign)
	} else {
		MOVQ(floor, sign)
	}
	TESTQ(sign, sign)
	JLT(LabelRef(end)) // -Inf, and not 0
	s.broadcast(floor, zero)
	for _, sum := range sums {
		s.max(sum, zero, sum) // of a NaN and a number, the second: the NaN
	}
	Label(end)
}

// tile computes so many rows, and goes on to those below.
func (s strip) tile(rows int, highest bool) {
	from := load("from")
	acc, halves := s.start(from, rows)
	Store(from, Param("from")) // there are few registers
	widest := map[int]int{512: 4, 256: 3}
	if highest && s.vectors == widest[s.bits] { // the tile of large products
		s.prefetchBelow(rows)
	}

	a := []reg.GPVirtual{GP64()} // every third row of A
	MOVQ(s.a, a[0])
	for r := 3; r < rows; r += 3 {
		a = append(a, GP64())
		Comment(fmt.Sprintf("row %d of A", r))
		LEAQ(Mem{Base: a[len(a)-2], Index: s.aRow, Scale: 2}, a[len(a)-1])
		ADDQ(s.aRow, a[len(a)-1])
	}
	b, k := load("b"), load("k")
	var below reg.GPVirtual
	if highest && s.unroll > 1 {
		below = GP64()
		MOVQ(s.aRow, below)
		IMUL3Q(Imm(uint64(rows)), below, below)
		ADDQ(s.a, below)
	}
	s.loop(rows, highest, k, func(i int) {
		s.multiply(a, b, acc, halves)
		if below != nil && i == 0 {
			Comment("the rows of A below are needed next, and may be far away")
			row := GP64()
			MOVQ(below, row)
			for r := range rows {
				m := Mem{Base: row}
				if r%3 > 0 {
					m.Index, m.Scale = s.aRow, uint8(r%3)
				}
				PREFETCHT0(m)
				if r%3 == 2 && r+1 < rows {
					LEAQ(Mem{Base: row, Index: s.aRow, Scale: 2}, row)
					ADDQ(s.aRow, row)
				}
			}
			LEAQ(Mem{Base: below, Index: s.aStep, Scale: uint8(s.unroll)}, below)
		}
		for _, a := range a {
			ADDQ(s.aStep, a)
		}
		ADDQ(s.bStep, b)
	})

	c := load("c")
	s.end(c, acc, halves)
	Store(c, Param("c"))
	for done := 0; done < rows; { // by steps of up to three
		n := min(3, rows-done)
		if n > 1 {
			LEAQ(Mem{Base: s.a, Index: s.aRow, Scale: 2}, s.a)
		}
		if n != 2 {
			ADDQ(s.aRow, s.a)
		}
		done += n
	}
}

// multiplyWide adds the products for a few rows of A. The vectors of B, the half one
// being the last, pass through one register, as the sums of wide strips leave no more.
func (s strip) multiplyWide(a []Mem, b func(v int) Mem, acc [][]reg.VecVirtual, halves []reg.VecVirtual) {
	x := make([]reg.VecVirtual, len(a))
	for r := range x {
		x[r] = s.vector()
		s.broadcast(a[r], x[r])
	}
	y := s.vector()
	for v := range s.vectors {
		s.readAt(b(v), v, y)
		for r := range x {
			s.fma(y, x[r], acc[r][v])
		}
	}
	if s.edge == half {
		VBROADCASTF128(b(s.vectors), y)
		s.blend(Imm(s.highHalf), x[1], x[0], x[0])
		s.fma(y, x[0], halves[0])
	}
}

// multiply adds the products for the k at hand.
func (s strip) multiply(a []reg.GPVirtual, b reg.GPVirtual, acc [][]reg.VecVirtual, halves []reg.VecVirtual) {
	if s.vectors > 4 {
		if s.bits == 512 { // few rows, so B passes by fast: what comes eight k later is asked for
			for v := range s.vectors {
				PREFETCHT0(Mem{Base: b, Index: s.bStep, Scale: 8, Disp: s.bits / 8 * v})
			}
		}
		rows := []Mem{{Base: a[0]}, {Base: a[0], Index: s.aRow, Scale: 1}, {Base: a[0], Index: s.aRow, Scale: 2}}
		s.multiplyWide(rows[:len(acc)], func(v int) Mem {
			if v == s.vectors {
				return s.halfVector(b)
			}
			return s.at(b, v)
		}, acc, halves)
		return
	}
	bs := make([]reg.VecVirtual, s.vectors)
	for v := range bs {
		bs[v] = s.vector()
		s.read(b, v, bs[v])
	}
	var bHalf reg.VecVirtual
	if s.edge == half {
		bHalf = s.vector()
		VBROADCASTF128(s.halfVector(b), bHalf)
	}
	var above reg.VecVirtual
	for r := range acc {
		m := Mem{Base: a[r/3]}
		if r%3 > 0 {
			m.Index, m.Scale = s.aRow, uint8(r%3)
		}
		x := s.vector()
		s.broadcast(m, x)
		for v := range bs {
			s.fma(bs[v], x, acc[r][v])
		}
		if s.edge != half {
			continue
		}
		if r%2 == 1 {
			s.blend(Imm(s.highHalf), x, above, x)
			s.fma(bHalf, x, halves[r/2])
		}
		above = x
	}
}

// loop writes a loop over k, as often written out as the strip says.
func (s strip) loop(rows int, highest bool, k reg.GPVirtual, body func(i int)) {
	label := fmt.Sprintf("loop%d", rows)
	if highest && s.unroll > 1 {
		SUBQ(Imm(uint64(s.unroll)), k)
		JL(LabelRef(label + "rest"))
		Label(label + "unrolled")
		for i := range s.unroll {
			body(i)
		}
		SUBQ(Imm(uint64(s.unroll)), k)
		JGE(LabelRef(label + "unrolled"))
		Label(label + "rest")
		ADDQ(Imm(uint64(s.unroll)), k)
		JZ(LabelRef(label + "done"))
	}
	Label(label)
	body(1)
	DECQ(k)
	JNZ(LabelRef(label))
	Label(label + "done")
}

// prefetchBelow asks for the tile below, which is needed next, and may be far away.
func (s strip) prefetchBelow(rows int) {
	Comment("the tile below is needed next, and may be far away")
	below, cRow := GP64(), load("cRow")
	MOVQ(cRow, below)
	IMUL3Q(Imm(uint64(rows)), below, below)
	ADDQ(param("c"), below)
	for r := range rows {
		for line := range (s.vectors*s.bits/8 + 63) / 64 {
			PREFETCHT0(Mem{Base: below, Disp: 64 * line})
		}
		if r < rows-1 {
			ADDQ(cRow, below)
		}
	}
}
