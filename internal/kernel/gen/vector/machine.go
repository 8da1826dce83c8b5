package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An element is a type of elements, with the instructions for it.
type element struct {
	name, suffix                       string
	size                               int // bytes
	add, sub, mul, div, min, max       func(...Op)
	fma213, fma231, fms213, cmp        func(...Op)
	move, blend, broadcast             func(...Op)
	moveZeroing                        func(from, mask, to Op)
	and512, or512, and256, or256, swap func(...Op)
	maskedMove                         func(x, y, z Op)
	blend256                           func(mask, yes, no, dst Op)
	signs                              func(x, gp Op)
	scalarMove, scalarAdd              func(...Op)
}

var (
	float32s = element{
		name: "float32", suffix: "f32", size: 4,
		add: VADDPS, sub: VSUBPS, mul: VMULPS, div: VDIVPS, min: VMINPS, max: VMAXPS,
		fma213: VFMADD213PS, fma231: VFMADD231PS, fms213: VFMSUB213PS, cmp: VCMPPS,
		move: VMOVUPS, moveZeroing: VMOVUPS_Z, blend: VBLENDMPS, broadcast: VBROADCASTSS,
		and512: VPANDD, or512: VPORD, and256: VANDPS, or256: VORPS, swap: VPERMILPS,
		maskedMove: VMASKMOVPS, blend256: VBLENDVPS, signs: VMOVMSKPS,
		scalarMove: VMOVSS, scalarAdd: VADDSS,
	}
	float64s = element{
		name: "float64", suffix: "f64", size: 8,
		add: VADDPD, sub: VSUBPD, mul: VMULPD, div: VDIVPD, min: VMINPD, max: VMAXPD,
		fma213: VFMADD213PD, fma231: VFMADD231PD, fms213: VFMSUB213PD, cmp: VCMPPD,
		move: VMOVUPD, moveZeroing: VMOVUPD_Z, blend: VBLENDMPD, broadcast: VBROADCASTSD,
		and512: VPANDQ, or512: VPORQ, and256: VANDPD, or256: VORPD, swap: VPERMILPD,
		maskedMove: VMASKMOVPD, blend256: VBLENDVPD, signs: VMOVMSKPD,
		scalarMove: VMOVSD, scalarAdd: VADDSD,
	}
)

// A machine writes a function for registers of so many bits and elements of a
// type. What its methods return is in a new register, unless they say otherwise.
type machine struct {
	element
	bits, width int              // width is the elements of a register
	pointers    map[string]gp    // the slices of the function
	index       gp               // where in each slice the elements at hand begin
	mask        Op               // which of them there are
	ahead       map[constant]vec // constants that stay in a register
}

type (
	vec = reg.VecVirtual
	gp  = reg.GPVirtual
)

func newMachine(e element, bits int) *machine {
	return &machine{element: e, bits: bits, width: bits / 8 / e.size, pointers: map[string]gp{}, ahead: map[constant]vec{}}
}

// wide tells AVX-512 from AVX2.
func (m *machine) wide() bool { return m.bits == 512 }

// begin starts the function of a kernel: its slices as pointers, the rest of its
// signature, and the loop in Go it stands for.
func (m *machine) begin(kernel, slices, rest string, doc ...string) {
	name := fmt.Sprintf("%s%d%s", kernel, m.bits, m.suffix)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(%s *%s, %s", slices, m.name, strings.ReplaceAll(rest, "T", m.name)))
	Doc(append([]string{name + " computes", ""}, doc...)...)
	Pragma("noescape")
	for _, s := range strings.Split(slices, ", ") {
		m.pointers[s] = m.integer(s)
	}
}

func (m *machine) end() {
	VZEROUPPER()
	RET()
}

// integer is a parameter.
func (m *machine) integer(name string) gp {
	r := GP64()
	Load(Param(name), r)
	return r
}

// number is a parameter in every element.
func (m *machine) number(name string) vec {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return m.do(m.broadcast, p.Addr)
}

func (m *machine) reg() vec {
	if m.wide() {
		return ZMM()
	}
	return YMM()
}

// do puts what an instruction makes of its operands in a new register.
func (m *machine) do(instruction func(...Op), operands ...Op) vec {
	d := m.reg()
	instruction(append(operands, d)...)
	return d
}

func (m *machine) zero() vec {
	d := m.reg()
	if m.wide() {
		VPXORD(d, d, d)
	} else {
		VPXOR(d, d, d)
	}
	return d
}

func (m *machine) copy(a vec) vec     { return m.do(m.move, a) }
func (m *machine) plus(a, b vec) vec  { return m.do(m.add, b, a) }
func (m *machine) minus(a, b vec) vec { return m.do(m.sub, b, a) }
func (m *machine) times(a, b vec) vec { return m.do(m.mul, b, a) }
func (m *machine) over(a, b vec) vec  { return m.do(m.div, b, a) }

// larger is a where a > b, else b: also where one is NaN, or both are zeros.
func (m *machine) larger(a, b vec) vec { return m.do(m.max, b, a) }

// smaller is a where a < b, else b.
func (m *machine) smaller(a, b vec) vec { return m.do(m.min, b, a) }

// fused is a·b + c, rounded once, in the register of c.
func (m *machine) fused(a, b, c vec) vec {
	m.fma231(b, a, c)
	return c
}

// polynomial is ((c[0]·x + c[1])·x + c[2])·x ...
func (m *machine) polynomial(x vec, c ...constant) vec {
	p := m.fresh(c[0])
	for _, c := range c[1:] {
		m.fma213(m.constant(c), x, p)
	}
	return p
}

func (m *machine) and(a, b vec) vec {
	if m.wide() {
		return m.do(m.and512, b, a)
	}
	return m.do(m.and256, b, a)
}

func (m *machine) or(a, b vec) vec {
	if m.wide() {
		return m.do(m.or512, b, a)
	}
	return m.do(m.or256, b, a)
}

// Comparisons. Those with not hold for NaN.
var (
	equal        = Imm(0x00)
	unordered    = Imm(0x03)
	less         = Imm(0x11)
	notLess      = Imm(0x15)
	notLessEqual = Imm(0x16)
)

// compare is the mask of where a comparison holds.
func (m *machine) compare(a vec, how Op, b vec) Op {
	if m.wide() {
		k := K()
		m.cmp(how, b, a, k)
		return k
	}
	return m.do(m.cmp, how, b, a)
}

// either adds the mask a to b.
func (m *machine) either(a, b Op) {
	if m.wide() {
		KORW(a, b, b)
	} else {
		m.or256(a, b, b)
	}
}

// elements is a mask as an integer, a bit an element.
func (m *machine) elements(mask Op) reg.GPVirtual {
	bits := GP32()
	if m.wide() {
		KMOVW(mask, bits)
	} else {
		m.signs(mask, bits)
	}
	return bits
}

// where is a where the mask holds, else 0.
func (m *machine) where(mask Op, a vec) vec {
	if m.wide() {
		d := m.reg()
		m.moveZeroing(a, mask, d)
		return d
	}
	return m.do(m.and256, a, mask)
}

// choose is yes where the mask holds, else no.
func (m *machine) choose(mask Op, yes, no vec) vec {
	if m.wide() {
		return m.do(m.blend, yes, no, mask)
	}
	d := m.reg()
	m.blend256(mask, yes, no, d)
	return d
}

// flush is 0 where a is smaller than the smallest normal number, else a.
func (m *machine) flush(a vec) vec {
	size := m.and(a, m.constant(magnitude))
	return m.where(m.compare(size, notLess, m.constant(smallest)), a)
}
