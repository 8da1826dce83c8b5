package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// softmax16 keeps a row in registers from x to y: to load what a masked store
// has just written would stall.
func softmax16(m *machine) {
	m.begin("softmax", "y, x, max, sum", "rows, cols int)",
		"\tfor i := range rows {",
		"\t\tmax[i], sum[i] = softmaxRow(y[i*cols:][:cols], x[i*cols:][:cols])",
		"\t}",
		"",
		"for 1 or more rows of 1 to 16 columns; but max of a row with a NaN is any number.")
	cols, rows := m.integer("cols"), m.integer("rows")
	masks := m.ones(m.registers())
	m.setMasks(masks, cols)
	m.prepareExp()
	if m.wide() {
		m.prepare(lowest, smallest)
	}
	m.index = GP64()
	XORQ(m.index, m.index)
	// give stores the result of a row, and returns it in every element.
	give := func(slice string, a vec) vec {
		m.scalarMove(a.AsX(), Mem{Base: m.pointers[slice]})
		ADDQ(Imm(uint64(m.size)), m.pointers[slice])
		return m.do(m.broadcast, a.AsX())
	}

	Label("row")
	x, acc := make([]vec, len(masks)), make([]vec, len(masks))
	for r, mask := range masks {
		x[r] = m.loadOr(lowest, m.at("x", r), mask)
		acc[r] = m.copy(x[r])
	}
	max := give("max", m.join(m.max, acc))
	for r := range x {
		x[r] = m.expOf(m.minus(x[r], max), true) // 0 beyond the end
		acc[r] = m.copy(x[r])
	}
	sum := give("sum", m.join(m.add, acc))
	for r, mask := range masks {
		q := m.over(x[r], sum)
		m.store(m.where(m.compare(q, notLess, m.constant(smallest)), q), mask, m.at("y", r))
	}
	ADDQ(cols, m.index)
	DECQ(rows)
	JNZ(LabelRef("row"))
	m.end()
}
