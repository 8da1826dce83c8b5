package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmax16 keeps a row in registers from x to y: to load what a masked store
// has just written would stall.
func softmax16(m *machine) {
	a, ok := m.target.(*avx)
	if !ok {
		return // without masks, the kernels for rows of any length do it
	}
	m.begin("softmax", "y, x, max, sum", "rows, cols int)",
		"\tfor i := range rows {",
		"\t\tmax[i], sum[i] = softmaxRow(y[i*cols:][:cols], x[i*cols:][:cols])",
		"\t}",
		"",
		"for 1 or more rows of 1 to 16 columns; but max of a row with a NaN is any number.")
	cols, rows := load("cols"), load("rows")
	masks := a.ones(lanes / m.width)
	a.setMasks(masks, cols)
	m.prepareExp()
	if m.manyRegisters() {
		m.prepare(smallest)
	}
	a.index = GP64()
	XORQ(a.index, a.index)
	// give stores the result of a row, and returns it in every element.
	give := func(slice string, x reg.VecVirtual) vec {
		a.scalarMove(x.AsX(), Mem{Base: a.pointers[slice]})
		ADDQ(Imm(uint64(m.size)), a.pointers[slice])
		return a.do(a.spread, x.AsX())
	}
	copies := func(of []vec) (all []vec) {
		for _, x := range of {
			all = append(all, m.copy(x))
		}
		return all
	}

	Label("row")
	x := make([]vec, len(masks))
	for r, mask := range masks {
		x[r] = a.loadOr(lowest, a.at("x", r), mask)
	}
	max := give("max", a.join(a.max, copies(x)))
	for r := range x {
		x[r] = m.expOf(m.minus(x[r], max), true) // 0 beyond the end
	}
	sum := give("sum", a.join(a.instructions.add, copies(x)))
	for r, mask := range masks {
		q := m.over(x[r], sum)
		a.store(m.where(m.compare(q, notLess, m.constant(smallest)), q), mask, a.at("y", r))
	}
	ADDQ(cols, a.index)
	DECQ(rows)
	JNZ(LabelRef("row"))
	a.end()
}
