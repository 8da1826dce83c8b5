package main

import (
	"maps"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// instructions are those for a type of elements.
type instructions struct {
	add, sub, mul, div, sqrt, min, max func(...Op)
	fma213, fma231, fms213, fnma231    func(...Op)
	cmp, move, blend, spread           func(...Op)
	moveZeroing                        func(from, mask, to Op)
	and512, or512, and256, or256, swap func(...Op)
	shiftLeft, shiftRight, addInteger  func(...Op)
	scalef                             func(...Op)
	mantissa                           uint64 // bits
	maskedMove                         func(x, y, z Op)
	blend256                           func(mask, yes, no, dst Op)
	signs                              func(x, gp Op)
	scalarMove, scalarAdd              func(...Op)
}

var avxInstructions = map[element]instructions{
	float32s: {
		add: VADDPS, sub: VSUBPS, mul: VMULPS, div: VDIVPS, sqrt: VSQRTPS, min: VMINPS, max: VMAXPS,
		fma213: VFMADD213PS, fma231: VFMADD231PS, fms213: VFMSUB213PS, fnma231: VFNMADD231PS, cmp: VCMPPS,
		move: VMOVUPS, moveZeroing: VMOVUPS_Z, blend: VBLENDMPS, spread: VBROADCASTSS,
		and512: VPANDD, or512: VPORD, and256: VANDPS, or256: VORPS, swap: VPERMILPS,
		shiftLeft: VPSLLD, shiftRight: VPSRLD, addInteger: VPADDD, scalef: VSCALEFPS, mantissa: 23,
		maskedMove: VMASKMOVPS, blend256: VBLENDVPS, signs: VMOVMSKPS,
		scalarMove: VMOVSS, scalarAdd: VADDSS,
	},
	float64s: {
		add: VADDPD, sub: VSUBPD, mul: VMULPD, div: VDIVPD, sqrt: VSQRTPD, min: VMINPD, max: VMAXPD,
		fma213: VFMADD213PD, fma231: VFMADD231PD, fms213: VFMSUB213PD, fnma231: VFNMADD231PD, cmp: VCMPPD,
		move: VMOVUPD, moveZeroing: VMOVUPD_Z, blend: VBLENDMPD, spread: VBROADCASTSD,
		and512: VPANDQ, or512: VPORQ, and256: VANDPD, or256: VORPD, swap: VPERMILPD,
		shiftLeft: VPSLLQ, shiftRight: VPSRLQ, addInteger: VPADDQ, scalef: VSCALEFPD, mantissa: 52,
		maskedMove: VMASKMOVPD, blend256: VBLENDVPD, signs: VMOVMSKPD,
		scalarMove: VMOVSD, scalarAdd: VADDSD,
	},
}

// avx is the target of AVX2 and AVX-512, in registers of 256 or 512 bits.
type avx struct {
	element
	instructions
	bits, width int
	pointers    map[string]gp // the slices of the function
	slices      []string
	ask         func() // asks the memory for elements that come later
	index       gp     // where in each slice the elements at hand begin
	mask        Op     // which of them there are
}

type gp = reg.GPVirtual

func newAVX(e element, bits int) *machine {
	width := bits / 8 / e.size
	a := &avx{element: e, instructions: avxInstructions[e], bits: bits, width: width, pointers: map[string]gp{}, ask: func() {}}
	return &machine{element: e, target: a, bits: bits, width: width, ahead: map[constant]vec{}}
}

func avx512(e element) *machine { return newAVX(e, 512) }
func avx2(e element) *machine   { return newAVX(e, 256) }

// wide tells AVX-512 from AVX2.
func (a *avx) wide() bool { return a.bits == 512 }

func (a *avx) manyRegisters() bool { return a.wide() }

func (a *avx) begin(f function, v variant) {
	name := f.title(v)
	TEXT(name, NOSPLIT, "func"+f.signature(v))
	Doc(append([]string{name + " computes", ""}, f.doc...)...)
	Pragma("noescape")
	for _, s := range f.slices {
		a.pointers[s] = load(s)
	}
	a.slices = f.slices
}

// askAhead asks for the elements 16 cache lines on, of all slices.
func (a *avx) askAhead() {
	const distance = 16 * 64
	a.ask = func() {
		for _, s := range a.slices {
			PREFETCHT0(a.at(s, 0).Offset(distance))
		}
	}
}

// askNext asks for the elements next on, of some slices.
func (a *avx) askNext(slices ...string) {
	next := load("next")
	SHLQ(Imm(uint64(a.size/4+1)), next)
	var there []gp
	for _, s := range slices {
		at := GP64()
		LEAQ(Mem{Base: a.pointers[s], Index: next, Scale: 1}, at)
		there = append(there, at)
	}
	a.ask = func() {
		for _, at := range there {
			PREFETCHT0(Mem{Base: at, Index: a.index, Scale: uint8(a.size)})
		}
	}
}

func (a *avx) end() {
	VZEROUPPER()
	RET()
}

// load is a parameter.
func load(name string) gp {
	r := GP64()
	Load(Param(name), r)
	return r
}

func (a *avx) number(name string) vec {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return a.do(a.spread, p.Addr)
}

func (a *avx) reg() reg.VecVirtual {
	if a.wide() {
		return ZMM()
	}
	return YMM()
}

// do puts what an instruction makes of its operands in a new register.
func (a *avx) do(instruction func(...Op), operands ...any) reg.VecVirtual {
	d := a.reg()
	var ops []Op
	for _, o := range append(operands, d) {
		ops = append(ops, o.(Op))
	}
	instruction(ops...)
	return d
}

// table is what stands in memory: the constants, each element once, in the order
// of their use.
var (
	table   = NewStaticSymbol("vectorConstants")
	inTable = map[Constant]int{} // the offset
	values  []Constant
	length  int
)

func (a *avx) broadcast(c constant) vec {
	if c == nought {
		return a.zero()
	}
	var value Constant = U64(c.as64)
	if a.size == 4 {
		value = U32(c.as32)
	}
	if _, ok := inTable[value]; !ok {
		inTable[value] = length
		values = append(values, value)
		length += a.size
	}
	return a.do(a.spread, NewDataAddr(table, inTable[value]))
}

// zeros are 128 bytes of 0 behind as many of ones: n elements of AVX2 registers
// are masked by what begins n elements before the zeros.
var zeros = NewDataAddr(NewStaticSymbol("vectorMasks"), 128)

// data writes the tables.
func data() {
	GLOBL(table.Name, attr.RODATA|attr.NOPTR)
	for _, v := range values {
		DATA(inTable[v], v)
	}
	GLOBL(zeros.Symbol.Name, attr.RODATA|attr.NOPTR)
	for i := range 16 {
		DATA(8*i, U64(math.MaxUint64))
	}
	for i := range 16 {
		DATA(128+8*i, U64(0))
	}
	GLOBL(indexes.Symbol.Name, attr.RODATA|attr.NOPTR)
	for i := range 16 {
		DATA(4*i, U32(uint32(i)))
	}
	for _, name := range slices.Sorted(maps.Keys(permutations)) {
		GLOBL(NewStaticSymbol(name).Name, attr.RODATA|attr.NOPTR)
		for i, place := range permutations[name] {
			DATA(4*i, U32(place))
		}
	}
}

func (a *avx) zero() vec {
	d := a.reg()
	if a.wide() {
		VPXORD(d, d, d)
	} else {
		VPXOR(d, d, d)
	}
	return d
}

func (a *avx) copy(x vec) vec     { return a.do(a.move, x) }
func (a *avx) plus(x, y vec) vec  { return a.do(a.instructions.add, y, x) }
func (a *avx) minus(x, y vec) vec { return a.do(a.sub, y, x) }
func (a *avx) times(x, y vec) vec { return a.do(a.mul, y, x) }
func (a *avx) over(x, y vec) vec  { return a.do(a.div, y, x) }
func (a *avx) root(x vec) vec     { return a.do(a.sqrt, x) }

func (a *avx) larger(x, y vec) vec  { return a.do(a.max, y, x) }
func (a *avx) smaller(x, y vec) vec { return a.do(a.min, y, x) }

// onto is an instruction that writes to its last operand, which it returns.
func onto(instruction func(...Op), x, y, d vec) vec {
	instruction(x.(Op), y.(Op), d.(Op))
	return d
}

func (a *avx) add(x, y vec)   { onto(a.instructions.add, y, x, x) }
func (a *avx) raise(x, y vec) { onto(a.max, x, y, x) } // x if y is NaN

func (a *avx) fused(x, y, c vec) vec      { return onto(a.fma231, y, x, c) }
func (a *avx) fusedMinus(x, y, c vec) vec { return onto(a.fnma231, y, x, c) }
func (a *avx) timesPlus(p, x, c vec) vec  { return onto(a.fma213, c, x, p) }
func (a *avx) timesMinus(p, x, c vec) vec { return onto(a.fms213, c, x, p) }

func (a *avx) raiseExponent(y, rounded vec) vec {
	n := a.do(a.shiftLeft, Imm(a.mantissa), rounded)
	return onto(a.addInteger, y, n, n)
}

func (a *avx) canScale() bool     { return a.wide() }
func (a *avx) scale(y, n vec) vec { return a.do(a.scalef, n, y) }

func (a *avx) topBits(x vec) vec { return a.do(a.shiftRight, Imm(a.mantissa), x) }

func (a *avx) and(x, y vec) vec {
	if a.wide() {
		return a.do(a.and512, y, x)
	}
	return a.do(a.and256, y, x)
}

func (a *avx) or(x, y vec) vec {
	if a.wide() {
		return a.do(a.or512, y, x)
	}
	return a.do(a.or256, y, x)
}

// predicates are the codes of the comparisons. One more finds NaN.
var predicates = map[comparison]Op{equal: Imm(0x00), less: Imm(0x11), notLess: Imm(0x15), notLessEqual: Imm(0x16)}

var unordered = Imm(0x03)

func (a *avx) compare(x vec, how comparison, y vec) mask { return a.compareBy(x, predicates[how], y) }

func (a *avx) compareBy(x vec, how Op, y vec) mask {
	if a.wide() {
		k := K()
		a.cmp(how, y.(Op), x.(Op), k)
		return k
	}
	return a.do(a.cmp, how, y, x)
}

// either adds the mask x to y.
func (a *avx) either(x, y mask) {
	if a.wide() {
		KORW(x.(Op), y.(Op), y.(Op))
	} else {
		onto(a.or256, x, y, y)
	}
}

// elements is a mask as an integer, a bit an element.
func (a *avx) elements(m mask) reg.GPVirtual {
	bits := GP32()
	if a.wide() {
		KMOVW(m.(Op), bits)
	} else {
		a.signs(m.(Op), bits)
	}
	return bits
}

func (a *avx) where(m mask, x vec) vec {
	if a.wide() {
		d := a.reg()
		a.moveZeroing(x.(Op), m.(Op), d)
		return d
	}
	return a.do(a.and256, x, m)
}

func (a *avx) choose(m mask, yes, no vec) vec {
	if a.wide() {
		return a.do(a.blend, yes, no, m)
	}
	d := a.reg()
	a.blend256(m.(Op), yes.(Op), no.(Op), d)
	return d
}

// at is the place of the elements at hand in a slice, so many registers on.
func (a *avx) at(slice string, register int) Mem {
	return Mem{Base: a.pointers[slice], Index: a.index, Scale: uint8(a.size), Disp: register * a.bits / 8}
}

// load reads the elements that the mask has, and 0 for the others.
func (a *avx) load(from Mem, mask Op) vec {
	d := a.reg()
	if a.wide() {
		a.moveZeroing(from, mask, d)
	} else {
		a.maskedMove(from, mask, d)
	}
	return d
}

// loadOr is load with another filling than 0.
func (a *avx) loadOr(filling constant, from Mem, mask Op) vec {
	switch {
	case filling == nought:
		return a.load(from, mask)
	case a.wide():
		d := a.broadcast(filling)
		a.move(from, mask, d.(Op))
		return d
	}
	return a.choose(mask, a.load(from, mask), a.broadcast(filling))
}

// store writes the elements that the mask has.
func (a *avx) store(value vec, mask Op, to Mem) {
	if a.wide() {
		a.move(value.(Op), mask, to)
	} else {
		a.maskedMove(value.(Op), mask, to)
	}
}

func (a *avx) get(slice string) vec { return a.load(a.at(slice, 0), a.mask) }

// ones are the masks of full registers.
func (a *avx) ones(registers int) []Op {
	masks := make([]Op, registers)
	for r := range masks {
		if a.wide() {
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
func (a *avx) setMasks(masks []Op, n gp) {
	if a.wide() {
		ones := GP64()
		MOVQ(I32(-1), ones)
		BZHIQ(n, ones, ones)
		for r, k := range masks {
			if r > 0 {
				SHRQ(Imm(uint64(a.width)), ones)
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
		VMOVUPS(Mem{Base: from, Index: minus, Scale: uint8(a.size), Disp: 32 * r}, y)
	}
}

// loop goes down n elements, so many registers at a time. The body is there
// once: the last time, n being -1, the masks leave out what is beyond the end.
func (a *avx) loop(n gp, registers int, body func(masks []Op)) {
	step := registers * a.width
	masks := a.ones(registers)
	a.index, a.mask = GP64(), masks[0]
	XORQ(a.index, a.index)
	SUBQ(Imm(uint64(step)), n)
	JLT(LabelRef("rest"))
	Label("loop")
	body(masks)
	ADDQ(Imm(uint64(step)), a.index)
	SUBQ(Imm(uint64(step)), n)
	JGE(LabelRef("loop"))
	Label("rest")
	ADDQ(Imm(uint64(step)), n)
	JLE(LabelRef("done"))
	a.setMasks(masks, n)
	MOVQ(I32(-1), n)
	JMP(LabelRef("loop"))
	Label("done")
}

func (a *avx) each(body func() []result) {
	n := load("n")
	a.loop(n, 1, func(masks []Op) {
		a.ask()
		results := body()
		if a.wide() {
			for _, r := range results {
				a.store(r.value, a.mask, a.at(r.slice, 0))
			}
			return
		}
		// A masked store of AVX2 takes many times as long as a plain one.
		TESTQ(n, n)
		JGE(LabelRef("full"))
		for _, r := range results {
			a.store(r.value, a.mask, a.at(r.slice, 0))
		}
		JMP(LabelRef("done"))
		Label("full")
		for _, r := range results {
			a.move(r.value.(Op), a.at(r.slice, 0))
		}
	})
	a.end()
}

// join folds the 16 lanes in halves, 16 to 8, 4, 2, 1, and leaves the result in
// the first element.
func (a *avx) join(instruction func(...Op), acc []vec) reg.VecVirtual {
	for ; len(acc) > 1; acc = acc[:len(acc)/2] {
		for r := range len(acc) / 2 {
			onto(instruction, acc[r+len(acc)/2], acc[r], acc[r])
		}
	}
	x, upper := acc[0].(reg.VecVirtual), YMM()
	if a.wide() {
		VEXTRACTF64X4(Imm(1), x, upper)
		instruction(upper, x.AsY(), x.AsY())
		VEXTRACTF32X4(Imm(1), x.AsY(), upper.AsX()) // has 32 registers
	} else {
		VEXTRACTF128(Imm(1), x, upper.AsX())
	}
	instruction(upper.AsX(), x.AsX(), x.AsX())
	if a.size == 4 {
		VPERMILPS(Imm(0b1110), x.AsX(), upper.AsX())
		instruction(upper.AsX(), x.AsX(), x.AsX())
	}
	a.swap(Imm(1), x.AsX(), upper.AsX())
	instruction(upper.AsX(), x.AsX(), x.AsX())
	return x
}

// as writes what body does with elements of a type, in a function for another.
func (a *avx) as(e element, body func()) {
	saved := *a
	a.element, a.instructions, a.width = e, avxInstructions[e], a.bits/8/e.size
	body()
	a.element, a.instructions, a.width = saved.element, saved.instructions, saved.width
}

// widen makes float64 of float32: of the lower half of a register, and of the upper one.
func (a *avx) widen(x vec) (low, high vec) {
	v, l, h := x.(reg.VecVirtual), a.reg(), a.reg()
	if a.wide() {
		VCVTPS2PD(v.AsY(), l)
		VEXTRACTF64X4(Imm(1), v, h.AsY())
		VCVTPS2PD(h.AsY(), h)
	} else {
		VCVTPS2PD(v.AsX(), l)
		VEXTRACTF128(Imm(1), v, h.AsX())
		VCVTPS2PD(h.AsX(), h)
	}
	return l, h
}

// reduce notes where a NaN is, as the lanes of a maximum drop it.
func (a *avx) reduce(r reduction) {
	sums := a.element
	if r.wide {
		sums = float64s
	}
	var lane []vec
	a.as(sums, func() {
		for range lanes / a.width {
			lane = append(lane, a.broadcast(r.start))
		}
	})
	instruction := avxInstructions[sums].add
	var nan mask
	if r.largest {
		instruction = a.max
		nan = a.compareBy(lane[0], unordered, lane[0]) // nowhere yet
	}
	a.loop(load("n"), lanes/a.width, func(masks []Op) {
		for i := range masks {
			var elements []vec
			for _, s := range r.slices {
				v := a.loadOr(r.start, a.at(s, i), masks[i])
				if r.largest {
					a.either(a.compareBy(v, unordered, v), nan)
				}
				elements = append(elements, v)
			}
			if r.wide {
				low, high := a.widen(elements[0])
				a.as(sums, func() {
					r.take(lane[2*i], []vec{low})
					r.take(lane[2*i+1], []vec{high})
				})
				continue
			}
			r.take(lane[i], elements)
		}
	})
	a.as(sums, func() { a.result(r, a.join(instruction, lane), nan) })
}

// result ends a reduction that has come to the first element of x.
func (a *avx) result(r reduction, x reg.VecVirtual, nan mask) {
	if r.largest {
		found := a.elements(nan)
		TESTL(found, found)
		JZ(LabelRef("number"))
		VPCMPEQD(x.AsX(), x.AsX(), x.AsX()) // all bits set: a NaN
		Label("number")
	}
	zero := a.zero().(reg.VecVirtual)
	a.scalarAdd(zero.AsX(), x.AsX(), x.AsX()) // +0 in place of -0
	Store(x.AsX(), ReturnIndex(0))
	a.end()
}

// columns keeps the sums of four registers while it goes down the rows.
func (a *avx) columns() {
	stride := load("cols")
	SHLQ(Imm(uint64(a.size/4+1)), stride)
	a.loop(load("cols"), 4, func(masks []Op) {
		sums := make([]vec, len(masks))
		for r := range sums {
			sums[r] = a.load(a.at("sum", r), masks[r])
		}
		rows := load("rows")
		x := GP64()
		LEAQ(a.at("x", 0), x)
		Label("rows")
		for r := range sums {
			a.add(sums[r], a.load(Mem{Base: x, Disp: r * a.bits / 8}, masks[r]))
		}
		ADDQ(stride, x)
		DECQ(rows)
		JNZ(LabelRef("rows"))
		for r := range sums {
			a.store(sums[r], masks[r], a.at("sum", r))
		}
	})
	a.end()
}
