package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of pools, which there are for AVX2 and AVX-512.

// windowOf goes down the places of a window, which begins where the elements at hand of
// x are: it runs the body for each with the address of that place, and next after each row.
func windowOf(a *avx, stride int, body func(at gp), next func()) {
	line, at, rows, columns, pitch := GP64(), GP64(), GP64(), GP64(), GP64()
	LEAQ(a.at("x", 0), line)
	for range stride - 1 {
		LEAQ(Mem{Base: line, Index: a.index, Scale: uint8(a.size)}, line)
	}
	Load(Param("height"), rows)
	Load(Param("pitch"), pitch)
	Label("line")
	MOVQ(line, at)
	Load(Param("width"), columns)
	Label("place")
	body(at)
	ADDQ(Imm(uint64(a.size)), at)
	DECQ(columns)
	JNZ(LabelRef("place"))
	next()
	ADDQ(pitch, line)
	DECQ(rows)
	JNZ(LabelRef("line"))
}

// rowsOf runs the body for the rows of y and x, so many registers of columns at a time,
// and stores what it returns. before is run at the beginning of a row, after at its end. For
// each row it asks the memory for as much as a step of x from ahead on: a little at a time,
// so that it comes while the kernel computes.
func rowsOf(a *avx, registers int, outputs []string, before, after func(), body func(masks []Op) [][]vec) {
	rows, columns := load("rows"), GP64()
	Label("row")
	before()
	line, step := GP64(), GP64()
	MOVQ(a.pointers["ahead"], line)
	Load(Param("xRow"), step)
	ADDQ(step, a.pointers["ahead"])
	Label("ahead")
	PREFETCHT0(Mem{Base: line})
	ADDQ(Imm(64), line)
	CMPQ(line, a.pointers["ahead"])
	JCS(LabelRef("ahead"))
	Load(Param("columns"), columns)
	a.loop(columns, registers, func(masks []Op) {
		results := body(masks)
		store := func(put func(v vec, r int, to Mem)) {
			for i, output := range outputs {
				for r, v := range results[i] {
					put(v, r, a.at(output, r))
				}
			}
		}
		masked := func(v vec, r int, to Mem) { a.store(v, masks[r], to) }
		if a.wide() {
			store(masked)
			return
		}
		// A masked store of AVX2 takes many times as long as a plain one.
		TESTQ(columns, columns)
		JGE(LabelRef("full"))
		store(masked)
		JMP(LabelRef("done"))
		Label("full")
		store(func(v vec, _ int, to Mem) { a.move(v.(Op), to) })
	})
	after()
	step = GP64()
	Load(Param("yRow"), step)
	for _, output := range outputs {
		ADDQ(step, a.pointers[output])
	}
	Load(Param("xRow"), step)
	ADDQ(step, a.pointers["x"])
	DECQ(rows)
	JNZ(LabelRef("row"))
	a.end()
}

// windowSums returns the kernel for windows whose columns lie stride apart.
func windowSums(stride int) func(*machine) {
	return func(m *machine) { windowSumsOf(m, stride) }
}

func windowSumsOf(m *machine, stride int) {
	a, ok := m.target.(*avx)
	if !ok {
		return
	}
	m.begin(apartName("windowSums", stride), "y, x, ahead", "yRow, xRow, pitch uintptr, rows, columns, height, width int, divisor T)",
		"\tfor i := range rows {",
		"\t\tfor j := range columns {",
		"\t\t\ts := 0",
		"\t\t\tfor r := range height {",
		"\t\t\t\tfor c := range width {",
		fmt.Sprintf("\t\t\t\t\ts += x[i*xRow+%sj+r*pitch+c]", times(stride)),
		"\t\t\t\t}",
		"\t\t\t}",
		"\t\t\ty[i*yRow+j] = s / divisor",
		"\t\t}",
		"\t}",
		"",
		"where all four numbers are 1 or more, and distances are in bytes."+readsBeyond(stride))
	divisor, divides := m.number("divisor"), a.elements(m.compare(m.number("divisor"), notLessEqual, m.constant(one)))
	registers := 2
	if stride > 1 {
		registers = 1
	}
	take := a.apart(stride)
	rowsOf(a, registers, []string{"y"}, func() {}, func() {}, func(masks []Op) [][]vec {
		var sums []vec
		for range registers {
			sums = append(sums, m.zero())
		}
		windowOf(a, stride, func(at gp) {
			for r, s := range sums {
				m.add(s, take(Mem{Base: at, Disp: r * a.bits / 8}, masks[r]))
			}
		}, func() {})
		TESTL(divides, divides)
		JZ(LabelRef("sums"))
		for _, s := range sums {
			onto(a.div, divisor, s, s)
		}
		Label("sums")
		return [][]vec{sums}
	})
}

// windowMaxima keeps the place of each element beside it, as an integer in the bits of a
// float32.
func windowMaxima(stride int) func(*machine) {
	return func(m *machine) { windowMaximaOf(m, stride) }
}

func windowMaximaOf(m *machine, stride int) {
	a, ok := m.target.(*avx)
	if !ok || m.size == 8 {
		return
	}
	m.begin(apartName("windowMaxima", stride), "y, choices, x, ahead", "yRow, xRow, pitch uintptr, rows, columns, height, width int, place, column, rowPlaces, linePlaces int32)",
		"\tfor i := range rows {",
		"\t\tfor j := range columns {",
		fmt.Sprintf("\t\t\tbest, choice := -Inf, place+i*rowPlaces+max(column+%sj, 0)", times(stride)),
		"\t\t\tfor r := range height {",
		"\t\t\t\tfor c := range width {",
		fmt.Sprintf("\t\t\t\t\ttake x[i*xRow+%[1]sj+r*pitch+c] at place+i*rowPlaces+column+%[1]sj+r*linePlaces+c if larger", times(stride)),
		"\t\t\t\t}",
		"\t\t\t}",
		"\t\t\ty[i*yRow+j], choices[i*yRow+j] = best, choice",
		"\t\t}",
		"\t}",
		"",
		"where the four numbers are 1 or more, and distances are in bytes. Of equals it is the",
		"first. There is no NaN. The choices are int32."+readsBeyond(stride))
	repeat := func(n Op) reg.VecVirtual {
		v := a.reg()
		VMOVD(n, v.AsX())
		VPBROADCASTD(v.AsX(), v)
		return v
	}
	integer := func(n int) Op {
		r := GP32()
		MOVL(I32(int32(n)), r)
		return r
	}
	param := func(name string) reg.GPVirtual {
		r := GP32()
		Load(Param(name), r)
		return r
	}
	first, column, rowPlaces := repeat(param("place")), repeat(param("column")), repeat(param("rowPlaces"))
	for range stride {
		VPADDD(indexes, column, column)
	}
	one, step, at := repeat(integer(1)), repeat(integer(stride*a.width)), a.reg()
	width, back := GP64(), param("linePlaces") // from behind a line of a window to the next
	Load(Param("width"), width)
	SUBL(width.As32(), back)
	nextLine := repeat(back)
	take := a.apart(stride)
	rowsOf(a, 1, []string{"y", "choices"}, func() {
		a.move(column, at)
	}, func() {
		VPADDD(rowPlaces, first, first)
	}, func(masks []Op) [][]vec {
		best, choice, place := a.broadcast(lowest).(reg.VecVirtual), a.zero().(reg.VecVirtual), a.reg()
		VPMAXSD(at, choice, choice)
		VPADDD(first, choice, choice)
		VPADDD(first, at, place)
		VPADDD(step, at, at)
		windowOf(a, stride, func(from gp) {
			v := take(Mem{Base: from}, masks[0]).(reg.VecVirtual)
			if a.wide() {
				larger := K()
				a.cmp(predicates[notLessEqual], best, v, larger)
				VMOVDQA32(place, larger, choice)
			} else {
				larger := a.reg()
				a.cmp(predicates[notLessEqual], best, v, larger)
				a.blend256(larger, place, choice, choice)
			}
			a.max(best, v, best) // best if they are equal
			VPADDD(one, place, place)
		}, func() { VPADDD(nextLine, place, place) })
		return [][]vec{{best}, {choice}}
	})
}

// indexes is 16 integers: 0, 1, 2 and so on.
var indexes = NewDataAddr(NewStaticSymbol("vectorIndexes"), 0)
