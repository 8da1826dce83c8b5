package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes is how many partial sums a reduction keeps, as in package kernel.
const lanes = 16

// registers is how many hold the lanes.
func (m *machine) registers() int { return lanes / m.width }

// fill returns n copies of a.
func (m *machine) fill(n int, a vec) []vec {
	acc := []vec{a}
	for len(acc) < n {
		acc = append(acc, m.copy(a))
	}
	return acc
}

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
	a := m.target.(*avx)
	stride := load("cols")
	SHLQ(Imm(uint64(m.size/4+1)), stride)
	a.loop(load("cols"), registers, func(masks []Op) {
		acc := make([]vec, registers)
		for r := range acc {
			acc[r] = a.load(a.at("sum", r), masks[r])
		}
		rows := load("rows")
		x := GP64()
		LEAQ(a.at("x", 0), x)
		Label("rows")
		for r := range acc {
			onto(a.add, a.load(Mem{Base: x, Disp: r * m.bits / 8}, masks[r]), acc[r], acc[r])
		}
		ADDQ(stride, x)
		DECQ(rows)
		JNZ(LabelRef("rows"))
		for r := range acc {
			a.store(acc[r], masks[r], a.at("sum", r))
		}
	})
	a.end()
}

// finish returns the first element of x, +0 in place of -0.
func (a *avx) finish(x reg.VecVirtual) {
	zero := a.zero().(reg.VecVirtual)
	a.scalarAdd(zero.AsX(), x.AsX(), x.AsX())
	Store(x.AsX(), ReturnIndex(0))
	a.end()
}

func sum(m *machine) {
	m.begin("sum", "x", "n int) T",
		"\tvar s [16]T",
		"\tfor i := range n {",
		"\t\ts[i%16] += x[i]",
		"\t}",
		"\treturn join(&s)")
	a := m.target.(*avx)
	acc := m.fill(m.registers(), m.zero())
	a.loop(load("n"), len(acc), func(masks []Op) {
		for r := range acc {
			onto(a.add, a.load(a.at("x", r), masks[r]), acc[r], acc[r])
		}
	})
	a.finish(a.join(a.add, acc))
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
	a := m.target.(*avx)
	acc := m.fill(m.registers(), m.zero())
	a.loop(load("n"), len(acc), func(masks []Op) {
		for r := range acc {
			onto(a.fma231, a.load(a.at("x", r), masks[r]), a.load(a.at("y", r), masks[r]), acc[r])
		}
	})
	a.finish(a.join(a.add, acc))
}

func maximum(m *machine) {
	m.begin("max", "x", "n int) T",
		"\tm := -Inf",
		"\tfor i := range n {",
		"\t\tm = max(m, x[i])",
		"\t}",
		"\treturn m + 0")
	a := m.target.(*avx)
	m.prepare(lowest)
	acc := m.fill(m.registers(), m.fresh(lowest))
	nan := a.compareBy(acc[0], unordered, acc[0]) // nowhere yet
	a.loop(load("n"), len(acc), func(masks []Op) {
		for r := range acc {
			v := a.loadOr(m.fresh(lowest), a.at("x", r), masks[r])
			onto(a.max, acc[r], v, acc[r]) // drops a NaN
			a.either(a.compareBy(v, unordered, v), nan)
		}
	})
	x, found := a.join(a.max, acc), a.elements(nan)
	TESTL(found, found)
	JZ(LabelRef("number"))
	VPCMPEQD(x.AsX(), x.AsX(), x.AsX()) // all bits set: a NaN
	Label("number")
	a.finish(x)
}
