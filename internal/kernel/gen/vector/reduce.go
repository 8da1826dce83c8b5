package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// addColumnSums keeps the sums of four registers of columns while it goes down
// the rows.
func addColumnSums(m *machine) {
	const registers = 4
	m.begin("addColumnSums", "sum, x", "rows, cols int)",
		"\tfor i := range rows {",
		"\t\tfor j := range cols {",
		"\t\t\tsum[j] += x[i*cols+j]",
		"\t\t}",
		"\t}")
	stride := m.integer("cols")
	SHLQ(Imm(uint64(m.size/4+1)), stride)
	m.loop(m.integer("cols"), registers, func(masks []Op) {
		acc := make([]vec, registers)
		for r := range acc {
			acc[r] = m.load(m.at("sum", r), masks[r])
		}
		rows := m.integer("rows")
		x := GP64()
		LEAQ(m.at("x", 0), x)
		Label("rows")
		for r := range acc {
			m.add(m.load(Mem{Base: x, Disp: r * m.bits / 8}, masks[r]), acc[r], acc[r])
		}
		ADDQ(stride, x)
		DECQ(rows)
		JNZ(LabelRef("rows"))
		for r := range acc {
			m.store(acc[r], masks[r], m.at("sum", r))
		}
	})
	m.end()
}

// finish returns the first element of a, +0 in place of -0.
func (m *machine) finish(a vec) {
	zero := m.zero()
	m.scalarAdd(zero.AsX(), a.AsX(), a.AsX())
	Store(a.AsX(), ReturnIndex(0))
	m.end()
}

func sum(m *machine) {
	m.begin("sum", "x", "n int) T",
		"\tvar s [16]T",
		"\tfor i := range n {",
		"\t\ts[i%16] += x[i]",
		"\t}",
		"\treturn join(&s)")
	acc := m.fill(m.registers(), m.zero())
	m.loop(m.integer("n"), len(acc), func(masks []Op) {
		for r := range acc {
			m.add(m.load(m.at("x", r), masks[r]), acc[r], acc[r])
		}
	})
	m.finish(m.join(m.add, acc))
}

// dot may add 0·0 to the lanes beyond the end: only the sign of a zero depends
// on it, and that is + in the end.
func dot(m *machine) {
	m.begin("dot", "x, y", "n int) T",
		"\tvar s [16]T",
		"\tfor i := range n {",
		"\t\ts[i%16] = fma(x[i], y[i], s[i%16])",
		"\t}",
		"\treturn join(&s)")
	acc := m.fill(m.registers(), m.zero())
	m.loop(m.integer("n"), len(acc), func(masks []Op) {
		for r := range acc {
			m.fma231(m.load(m.at("x", r), masks[r]), m.load(m.at("y", r), masks[r]), acc[r])
		}
	})
	m.finish(m.join(m.add, acc))
}

func maximum(m *machine) {
	m.begin("max", "x", "n int) T",
		"\tm := -Inf",
		"\tfor i := range n {",
		"\t\tm = max(m, x[i])",
		"\t}",
		"\treturn m + 0")
	m.prepare(lowest)
	acc := m.fill(m.registers(), m.fresh(lowest))
	nan := m.compare(acc[0], unordered, acc[0]) // nowhere yet
	m.loop(m.integer("n"), len(acc), func(masks []Op) {
		for r := range acc {
			v := m.loadOr(lowest, m.at("x", r), masks[r])
			m.max(acc[r], v, acc[r]) // drops a NaN
			m.either(m.compare(v, unordered, v), nan)
		}
	})
	a, found := m.join(m.max, acc), m.elements(nan)
	TESTL(found, found)
	JZ(LabelRef("number"))
	VPCMPEQD(a.AsX(), a.AsX(), a.AsX()) // all bits set: a NaN
	Label("number")
	m.finish(a)
}
