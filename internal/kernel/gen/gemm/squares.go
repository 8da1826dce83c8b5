package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// squares is what the kernels of pools share whose windows are squares of 2 by 2: they
// go over planes, rows of squares and squares, a vector at a time.
type squares struct {
	bits              int
	gaps              bool // between planes of others, and there is a first place
	vector            register
	places            reg.VecVirtual    // of the first element of each square
	one, width        reg.VecVirtual    // what leads to the others
	high, low         reg.GPVirtual     // the rows of the squares
	others            []reg.GPVirtual   // what has one element a square
	first, second, of moves             // of the two vectors of a row, and of others
	constants         [2]reg.VecVirtual // of split or join
}

// moves are how a vector, or the part of it that there is, is read and written.
type moves struct {
	read  func(m Mem, dst reg.VecVirtual)
	write func(src reg.VecVirtual, m Mem)
}

// walk writes the function: do computes a vector of squares.
func (s *squares) walk(image string, others []string, do func()) {
	lanes := s.bits / 32
	s.vector = vectorOf(s.bits)
	line, row := load(image), load("row")
	for _, name := range others {
		s.others = append(s.others, load(name))
	}
	step := s.vector()
	s.places, s.one, s.width = s.vector(), s.vector(), s.vector()
	repeat(load("width"), s.width)
	for i, v := range []reg.VecVirtual{s.one, step} {
		r := GP64()
		MOVQ(I32([]int32{1, int32(2 * lanes)}[i]), r)
		repeat(r, v)
	}
	left, pairs := load("n"), GP64() // the squares of the last vector, and elements of their rows
	ANDQ(I32(int32(lanes-1)), left)
	LEAQ(Mem{Base: left, Index: left, Scale: 1}, pairs)
	firsts, most := GP64(), GP64()
	MOVQ(I32(int32(lanes)), most)
	MOVQ(pairs, firsts)
	CMPQ(pairs, most)
	CMOVQGT(most, firsts)
	SUBQ(firsts, pairs)
	rests := [3]moves{}
	for i, n := range []reg.GPVirtual{firsts, pairs, left} {
		rests[i].read, rests[i].write = upTo(s.bits, n)
	}
	whole := moves{func(m Mem, dst reg.VecVirtual) { VMOVUPS(m, dst) }, func(src reg.VecVirtual, m Mem) { VMOVUPS(src, m) }}

	rows, n, start, first := GP64(), GP64(), s.vector(), s.vector()
	if s.gaps {
		repeat(load("first"), first)
	}
	Label("plane")
	MOVQ(param("rows"), rows)
	VMOVUPS(evens(), start)
	if s.gaps {
		VPADDD(first, start, start)
	}
	s.high, s.low = GP64(), GP64()
	MOVQ(line, s.high)
	Label("row")
	LEAQ(Mem{Base: s.high, Index: row, Scale: 1}, s.low)
	VMOVAPS(start, s.places)
	MOVQ(param("n"), n)
	Label("vectors")
	SUBQ(Imm(uint64(lanes)), n)
	JL(LabelRef("rest"))
	s.first, s.second, s.of = whole, whole, whole
	do()
	VPADDD(step, s.places, s.places)
	for _, p := range s.others {
		ADDQ(Imm(uint64(s.bits/8)), p)
	}
	for _, p := range []reg.GPVirtual{s.high, s.low} {
		ADDQ(Imm(uint64(s.bits/4)), p)
	}
	JMP(LabelRef("vectors"))
	Label("rest")
	TESTQ(left, left)
	JZ(LabelRef("next"))
	s.first, s.second, s.of = rests[0], rests[1], rests[2]
	do()
	for _, p := range s.others {
		LEAQ(Mem{Base: p, Index: left, Scale: 4}, p)
	}
	Label("next")
	// From the end of the row to the next but one: the whole vectors were stepped over.
	over := GP64()
	MOVQ(param("n"), over)
	ANDQ(I32(int32(-lanes)), over)
	SHLQ(Imm(3), over)
	SUBQ(over, s.high)
	LEAQ(Mem{Base: s.high, Index: row, Scale: 2}, s.high)
	VPADDD(s.width, start, start)
	VPADDD(s.width, start, start)
	DECQ(rows)
	JNZ(LabelRef("row"))
	ADDQ(param("plane"), line)
	if s.gaps {
		for _, p := range s.others {
			ADDQ(param("gap"), p)
		}
	}
	DECQ(param("planes"))
	JNZ(LabelRef("plane"))
	VZEROUPPER()
	RET()
}

// repeat sets all elements of a vector to a number.
func repeat(n reg.GPVirtual, dst reg.VecVirtual) {
	VMOVD(n.As32(), dst.AsX())
	VPBROADCASTD(dst.AsX(), dst)
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

// turns is 32 integers, of the elements of two vectors in turn: 0, 16, 1,
// 17 and so on.
func turns() Mem {
	return once("turns", func() {
		for i := range 32 {
			DATA(4*i, U32(i/2+16*(i%2)))
		}
	})
}

// maxOfFour writes a function that computes the maxima of squares.
func maxOfFour(bits int) {
	name := fmt.Sprintf("maxOfFour%df32", bits)
	TEXT(name, NOSPLIT, "func(y *float32, choices *int32, gap uintptr, x *float32, plane, row uintptr, planes, rows, n, width, first int)")
	Doc(
		name+" sets y to the largest of each square of four elements of planes of x, and choices",
		"to where in a plane it is, NaN being the largest, and of equals the first; planes, rows",
		"and n are 1 or more, and plane, row and gap, between planes of y and choices, in bytes:",
		"",
		"\tfor p := range planes {",
		"\t\tfor i := range rows {",
		"\t\t\tfor j := range n {",
		"\t\t\t\ty[p][i][j], choices[p][i][j] = x[p][2*i][2*j], first+2*i*width+2*j",
		"\t\t\t\ttake x[p][2*i][2*j+1] at first+2*i*width+2*j+1 if larger",
		"\t\t\t\ttake x[p][2*i+1][2*j] at first+(2*i+1)*width+2*j if larger",
		"\t\t\t\ttake x[p][2*i+1][2*j+1] at first+(2*i+1)*width+2*j+1 if larger",
		"\t\t\t}",
		"\t\t}",
		"\t}",
	)
	Pragma("noescape")
	s := &squares{bits: bits, gaps: true}
	if bits == 512 {
		for i := range s.constants {
			s.constants[i] = ZMM()
		}
		VMOVUPS(evens(), s.constants[0])
		one, r := ZMM(), GP64()
		MOVQ(I32(1), r)
		repeat(r, one)
		VPADDD(one, s.constants[0], s.constants[1])
	}
	s.walk("x", []string{"y", "choices"}, func() {
		best, o := s.split(s.high)
		at, place := s.vector(), s.vector()
		VMOVAPS(s.places, at)
		take := func(v reg.VecVirtual) {
			const notLessOrEqual, ordered = 6, 7 // unordered counts as not less
			if bits == 512 {
				known, k := K(), K()
				VCMPPS(Imm(ordered), best, best, known)
				VCMPPS(Imm(notLessOrEqual), best, v, known, k)
				VMOVAPS(v, k, best)
				VMOVDQA32(place, k, at)
				return
			}
			known, k := s.vector(), s.vector()
			VCMPPS(Imm(ordered), best, best, known)
			VCMPPS(Imm(notLessOrEqual), best, v, k)
			VANDPS(known, k, k)
			VBLENDVPS(k, v, best, best)
			VBLENDVPS(k, place, at, at)
		}
		VPADDD(s.one, s.places, place)
		take(o)
		e, o := s.split(s.low)
		VPADDD(s.width, s.places, place)
		take(e)
		VPADDD(s.one, place, place)
		take(o)
		s.of.write(best, Mem{Base: s.others[0]})
		s.of.write(at, Mem{Base: s.others[1]})
	})
}

// split reads two vectors of a row: the elements at even places, and those at odd ones.
func (s *squares) split(row reg.GPVirtual) (even, odd reg.VecVirtual) {
	a, b := s.vector(), s.vector()
	s.first.read(Mem{Base: row}, a)
	s.second.read(Mem{Base: row, Disp: s.bits / 8}, b)
	even, odd = s.vector(), s.vector()
	if s.bits == 512 {
		VMOVAPS(s.constants[0], even)
		VMOVAPS(s.constants[1], odd)
		VPERMI2PS(b, a, even)
		VPERMI2PS(b, a, odd)
		return even, odd
	}
	VSHUFPS(Imm(0x88), b, a, even)
	VSHUFPS(Imm(0xDD), b, a, odd)
	VPERMPD(Imm(0xD8), even, even)
	VPERMPD(Imm(0xD8), odd, odd)
	return even, odd
}

// spreadToFour writes a function that computes the gradient of maxima that were clamped
// at 0.
func spreadToFour(bits int) {
	name := fmt.Sprintf("spreadToFour%df32", bits)
	TEXT(name, NOSPLIT, "func(dx, dy, y *float32, choices *int32, plane, row uintptr, planes, rows, n, width int)")
	Doc(
		name+" sets the squares of four elements of planes of dx to 0, but the one that was",
		"chosen to dy unless y is 0 or less; planes, rows and n are 1 or more, and plane and row",
		"in bytes:",
		"",
		"\tfor p := range planes {",
		"\t\tfor i := range rows {",
		"\t\t\tfor j := range n {",
		"\t\t\t\tv := 0",
		"\t\t\t\tif !(y[p][i][j] <= 0) {",
		"\t\t\t\t\tv += dy[p][i][j] // -0 becomes +0",
		"\t\t\t\t}",
		"\t\t\t\tset dx[p][2*i:2*i+2][2*j:2*j+2] to 0, but that at choices[p][i][j] to v",
		"\t\t\t}",
		"\t\t}",
		"\t}",
	)
	Pragma("noescape")
	s := &squares{bits: bits}
	if bits == 512 {
		for i := range s.constants {
			s.constants[i] = ZMM()
			VMOVUPS(turns().Offset(64*i), s.constants[i])
		}
	}
	s.walk("dx", []string{"dy", "y", "choices"}, func() {
		v, zero, choices, place := s.vector(), s.vector(), s.vector(), s.vector()
		s.of.read(Mem{Base: s.others[0]}, v)
		s.of.read(Mem{Base: s.others[2]}, choices)
		VXORPS(zero, zero, zero)
		const lessOrEqual, notLessOrEqual = 2, 6
		y := s.vector()
		s.of.read(Mem{Base: s.others[1]}, y)
		VADDPS(zero, v, v)
		if bits == 512 {
			k := K()
			VCMPPS(Imm(notLessOrEqual), zero, y, k)
			VMOVAPS_Z(v, k, v)
		} else {
			VCMPPS(Imm(lessOrEqual), zero, y, y)
			VANDNPS(v, y, v)
		}
		// chosen returns v where the element at place was chosen, else 0.
		chosen := func() reg.VecVirtual {
			x := s.vector()
			if bits == 512 {
				k := K()
				VPCMPEQD(place, choices, k)
				VMOVAPS_Z(v, k, x)
				return x
			}
			VPCMPEQD(place, choices, x)
			VANDPS(v, x, x)
			return x
		}
		VMOVAPS(s.places, place)
		for i, row := range []reg.GPVirtual{s.high, s.low} {
			if i > 0 {
				VPADDD(s.width, s.places, place)
			}
			even := chosen()
			VPADDD(s.one, place, place)
			s.join(row, even, chosen())
		}
	})
}

// join writes two vectors of a row, of its elements at even and at odd places.
func (s *squares) join(row reg.GPVirtual, even, odd reg.VecVirtual) {
	a, b := s.vector(), s.vector()
	if s.bits == 512 {
		VMOVAPS(s.constants[0], a)
		VMOVAPS(s.constants[1], b)
		VPERMI2PS(odd, even, a)
		VPERMI2PS(odd, even, b)
	} else {
		VUNPCKLPS(odd, even, a)
		VUNPCKHPS(odd, even, b)
		VPERM2F128(Imm(0x31), b, a, even)
		VPERM2F128(Imm(0x20), b, a, a)
		b = even
	}
	s.first.write(a, Mem{Base: row})
	s.second.write(b, Mem{Base: row, Disp: s.bits / 8})
}
