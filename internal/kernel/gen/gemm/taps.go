package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// convolutions writes the kernels of convolutions.
func convolutions() {
	for _, e := range []element{float32s, float64s} {
		for vectors, heights := range [][]int{1: {8, 4, 2, 1}, 2: {8, 4, 2, 1}, 3: {8, 4, 2, 1}, 4: {6, 4, 2, 1}} {
			if vectors > 0 {
				taps{strip{element: e, bits: 512, vectors: vectors, heights: heights}}.write()
			}
		}
		for vectors := 1; vectors <= 3; vectors++ {
			products{strip{element: e, bits: 512, vectors: vectors}, 9}.write()
		}
		for vectors, heights := range [][]int{1: {8, 4, 2, 1}, 2: {6, 4, 2, 1}, 3: {4, 2, 1}} {
			if vectors > 0 {
				taps{strip{element: e, bits: 256, vectors: vectors, heights: heights}}.write()
			}
		}
		products{strip{element: e, bits: 256, vectors: 2}, 6}.write()
	}
	for vectors, heights := range [][]int{1: {4, 3, 2, 1}, 2: {4, 3, 2, 1}} {
		if vectors > 0 {
			channels{strip{element: float32s, bits: 512, vectors: vectors, heights: heights}, 1}.write()
			channels{strip{element: float32s, bits: 512, vectors: vectors, heights: heights}, 3}.write()
		}
	}
	for vectors, heights := range [][]int{1: {4, 2, 1}, 2: {2, 1}} {
		if vectors > 0 {
			channels{strip{element: float32s, bits: 256, vectors: vectors, heights: heights}, 1}.write()
		}
	}
}

// taps is a strip of whole vectors of which the rows of B lie anywhere, and each row
// starts from one number.
type taps struct{ strip }

func (s taps) write() {
	columns := s.vectors * s.lanes()
	name := fmt.Sprintf("taps%d_%d%s", s.bits, columns, s.short)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(a *%[1]s, aRow uintptr, b *%[1]s, taps *int, c *%[1]s, cRow uintptr, from *%[1]s, fromRow uintptr, rows, k int, floor %[1]s)", s.name))
	Doc(
		fmt.Sprintf("%s computes %d columns of planes, k and rows being 1 or more:", name, columns),
		"",
		"\tfor i := range rows {",
		fmt.Sprintf("\t\tfor j := range %d {", columns),
		"\t\t\ts := from[i]",
		"\t\t\tfor p := range k {",
		"\t\t\t\ts = fma(a[i][p], b[taps[p]+j], s)",
		"\t\t\t}",
		"\t\t\ts += 0 // -0 becomes +0",
		"\t\t\tif s < floor {",
		"\t\t\t\ts = floor",
		"\t\t\t}",
		"\t\t\tc[i][j] = s",
		"\t\t}",
		"\t}",
		"",
		"aRow, cRow and fromRow lead from one row to the next, in bytes.",
	)
	Pragma("noescape")
	s.vector = map[int]register{512: func() reg.VecVirtual { return ZMM() }, 256: func() reg.VecVirtual { return YMM() }}[s.bits]
	s.a, s.aRow, s.rows = load("a"), load("aRow"), load("rows")
	c, from := load("c"), load("from")
	for i, rows := range s.heights {
		end := "done"
		if i < len(s.heights)-1 {
			end = fmt.Sprintf("rows%d", s.heights[i+1])
		}
		Label(fmt.Sprintf("rows%d", rows))
		CMPQ(s.rows, Imm(uint64(rows)))
		JL(LabelRef(end))
		s.tile(c, from, rows)
		SUBQ(Imm(uint64(rows)), s.rows)
		JMP(LabelRef(fmt.Sprintf("rows%d", rows)))
	}
	Label("done")
	VZEROUPPER()
	RET()
}

func (s taps) tile(c, from reg.GPVirtual, rows int) {
	Comment(fmt.Sprintf("%d rows: what they start from", rows))
	fromRow := load("fromRow")
	acc := make([][]reg.VecVirtual, rows)
	for r := range acc {
		for v := range s.vectors {
			acc[r] = append(acc[r], s.vector())
			if v == 0 {
				s.broadcast(Mem{Base: from}, acc[r][0])
			} else {
				VMOVAPS(acc[r][0], acc[r][v])
			}
		}
		ADDQ(fromRow, from)
	}
	a := []reg.GPVirtual{GP64()} // every third row of A
	MOVQ(s.a, a[0])
	for r := 3; r < rows; r += 3 {
		a = append(a, GP64())
		LEAQ(Mem{Base: a[len(a)-2], Index: s.aRow, Scale: 2}, a[len(a)-1])
		ADDQ(s.aRow, a[len(a)-1])
	}
	b, at, k := load("b"), load("taps"), load("k")
	label := fmt.Sprintf("loop%d", rows)
	Label(label)
	tap := GP64()
	MOVQ(Mem{Base: at}, tap)
	bs := make([]reg.VecVirtual, s.vectors)
	for v := range bs {
		bs[v] = s.vector()
		VMOVUPS(Mem{Base: b, Index: tap, Scale: uint8(s.size), Disp: s.bits / 8 * v}, bs[v])
	}
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
	}
	for _, a := range a {
		ADDQ(Imm(uint64(s.size)), a)
	}
	ADDQ(Imm(8), at)
	DECQ(k)
	JNZ(LabelRef(label))
	s.end(c, acc, nil)
	for range rows {
		ADDQ(s.aRow, s.a)
	}
}

// products is a tile of sums, so many rows of them and a few vectors, of products of
// elements of images and of vectors.
type products struct {
	strip
	rows int
}

func (s products) write() {
	columns := s.vectors * s.lanes()
	name := fmt.Sprintf("products%d_%d%s", s.bits, columns, s.short)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(x *%[1]s, taps *int, y *%[1]s, yStep uintptr, c *%[1]s, cRow uintptr, lines int, line, between, pitch uintptr)", s.name))
	Doc(
		fmt.Sprintf("%s adds to %d rows of %d sums, for lines of pixels, line after line; lines and", name, s.rows, columns),
		"line are 1 or more:",
		"",
		"\tfor r := range lines {",
		"\t\tfor q := range line {",
		fmt.Sprintf("\t\t\tfor i := range %d {", s.rows),
		fmt.Sprintf("\t\t\t\tfor j := range %d {", columns),
		"\t\t\t\t\tc[i][j] = fma(x[taps[i]+r*pitch+q], y[r*line+q][j], c[i][j])",
		"\t\t\t\t}",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"cRow and yStep lead from one row of c or y to the next, in bytes, as are line, pitch and",
		"between, which is pitch - line.",
	)
	Pragma("noescape")
	vector := map[int]register{512: func() reg.VecVirtual { return ZMM() }, 256: func() reg.VecVirtual { return YMM() }}[s.bits]
	tile := func(move func(m Mem, sum reg.VecVirtual), acc [][]reg.VecVirtual) {
		c, cRow := load("c"), load("cRow")
		for r := range acc {
			for v, sum := range acc[r] {
				move(Mem{Base: c, Disp: s.bits / 8 * v}, sum)
			}
			if r < len(acc)-1 {
				ADDQ(cRow, c)
			}
		}
	}
	acc := make([][]reg.VecVirtual, s.rows)
	for r := range acc {
		for range s.vectors {
			acc[r] = append(acc[r], vector())
		}
	}
	tile(func(m Mem, sum reg.VecVirtual) { VMOVUPS(m, sum) }, acc)
	at, x := load("taps"), make([]reg.GPVirtual, s.rows)
	for r := range x {
		x[r] = GP64()
		MOVQ(Mem{Base: at, Disp: 8 * r}, x[r])
		SHLQ(Imm(s.shift), x[r])
		ADDQ(param("x"), x[r])
	}
	y, yStep, place, end := load("y"), load("yStep"), GP64(), load("line")
	XORQ(place, place)
	Label("pixel")
	ys := make([]reg.VecVirtual, s.vectors)
	for v := range ys {
		ys[v] = vector()
		VMOVUPS(Mem{Base: y, Disp: s.bits / 8 * v}, ys[v])
	}
	for r := range acc {
		v := vector()
		s.broadcast(Mem{Base: x[r], Index: place, Scale: 1}, v)
		for j := range ys {
			s.fma(ys[j], v, acc[r][j])
		}
	}
	ADDQ(yStep, y)
	ADDQ(Imm(uint64(s.size)), place)
	CMPQ(place, end)
	JNE(LabelRef("pixel"))
	ADDQ(param("between"), place)
	ADDQ(param("pitch"), end)
	DECQ(param("lines"))
	JNZ(LabelRef("pixel"))
	tile(func(m Mem, sum reg.VecVirtual) { VMOVUPS(sum, m) }, acc)
	VZEROUPPER()
	RET()
}
