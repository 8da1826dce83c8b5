package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// lanes is how many partial sums a reduction keeps, as in package kernel.
const lanes = 16

// A result goes to a slice, at the index.
type result struct {
	value vec
	slice string
}

// at is the place of the elements at hand in a slice, so many registers on.
func (m *machine) at(slice string, register int) Mem {
	return Mem{Base: m.pointers[slice], Index: m.index, Scale: uint8(m.size), Disp: register * m.bits / 8}
}

// load reads the elements that the mask has, and 0 for the others.
func (m *machine) load(from Mem, mask Op) vec {
	d := m.reg()
	if m.wide() {
		m.moveZeroing(from, mask, d)
	} else {
		m.maskedMove(from, mask, d)
	}
	return d
}

// loadOr is load with another filling than 0.
func (m *machine) loadOr(filling constant, from Mem, mask Op) vec {
	d := m.fresh(filling)
	if m.wide() {
		m.move(from, mask, d)
		return d
	}
	return m.choose(mask, m.load(from, mask), d)
}

// store writes the elements that the mask has.
func (m *machine) store(value vec, mask Op, to Mem) {
	if m.wide() {
		m.move(value, mask, to)
	} else {
		m.maskedMove(value, mask, to)
	}
}

// get reads the elements at hand.
func (m *machine) get(slice string) vec { return m.load(m.at(slice, 0), m.mask) }

// ones are the masks of full registers.
func (m *machine) ones(registers int) []Op {
	masks := make([]Op, registers)
	for r := range masks {
		if m.wide() {
			k := K()
			KXNORW(k, k, k)
			masks[r] = k
		} else {
			y := YMM()
			VPCMPEQD(y, y, y)
			masks[r] = y
		}
	}
	return masks
}

// setMasks makes the masks those of n elements, all of the registers or less.
func (m *machine) setMasks(masks []Op, n gp) {
	if m.wide() {
		ones := GP64()
		MOVQ(I32(-1), ones)
		BZHIQ(n, ones, ones)
		for r, k := range masks {
			if r > 0 {
				SHRQ(Imm(uint64(m.width)), ones)
			}
			KMOVW(ones.As32(), k)
		}
		return
	}
	from, minus := GP64(), GP64()
	LEAQ(zeros, from)
	MOVQ(n, minus)
	NEGQ(minus)
	for r, y := range masks {
		VMOVUPS(Mem{Base: from, Index: minus, Scale: uint8(m.size), Disp: 32 * r}, y)
	}
}

// loop goes down n elements, so many registers at a time. The body is there
// once: the last time, n being -1, the masks leave out what is beyond the end.
func (m *machine) loop(n gp, registers int, body func(masks []Op)) {
	step := registers * m.width
	masks := m.ones(registers)
	m.index, m.mask = GP64(), masks[0]
	XORQ(m.index, m.index)
	SUBQ(Imm(uint64(step)), n)
	JLT(LabelRef("rest"))
	Label("loop")
	body(masks)
	ADDQ(Imm(uint64(step)), m.index)
	SUBQ(Imm(uint64(step)), n)
	JGE(LabelRef("loop"))
	Label("rest")
	ADDQ(Imm(uint64(step)), n)
	JLE(LabelRef("done"))
	m.setMasks(masks, n)
	MOVQ(I32(-1), n)
	JMP(LabelRef("loop"))
	Label("done")
}

// each writes the results of the body for each of n elements.
func (m *machine) each(n gp, body func() []result) {
	m.loop(n, 1, func(masks []Op) {
		results := body()
		if m.wide() {
			for _, r := range results {
				m.store(r.value, m.mask, m.at(r.slice, 0))
			}
			return
		}
		// A masked store of AVX2 takes many times as long as a plain one.
		TESTQ(n, n)
		JGE(LabelRef("full"))
		for _, r := range results {
			m.store(r.value, m.mask, m.at(r.slice, 0))
		}
		JMP(LabelRef("done"))
		Label("full")
		for _, r := range results {
			m.move(r.value, m.at(r.slice, 0))
		}
	})
	m.end()
}

// join folds the 16 lanes in halves, 16 to 8, 4, 2, 1, and leaves the result in
// the first element.
func (m *machine) join(instruction func(...Op), acc []vec) vec {
	for ; len(acc) > 1; acc = acc[:len(acc)/2] {
		for r := range len(acc) / 2 {
			instruction(acc[r+len(acc)/2], acc[r], acc[r])
		}
	}
	a, upper := acc[0], YMM()
	if m.wide() {
		VEXTRACTF64X4(Imm(1), a, upper)
		instruction(upper, a.AsY(), a.AsY())
		VEXTRACTF32X4(Imm(1), a.AsY(), upper.AsX()) // has 32 registers
	} else {
		VEXTRACTF128(Imm(1), a, upper.AsX())
	}
	instruction(upper.AsX(), a.AsX(), a.AsX())
	if m.size == 4 {
		VPERMILPS(Imm(0b1110), a.AsX(), upper.AsX())
		instruction(upper.AsX(), a.AsX(), a.AsX())
	}
	m.swap(Imm(1), a.AsX(), upper.AsX())
	instruction(upper.AsX(), a.AsX(), a.AsX())
	return a
}

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
