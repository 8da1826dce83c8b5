package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// A constant, by its bits as a float32 and as a float64.
type constant struct {
	as32 uint32
	as64 uint64
}

func constantOf(v float64) constant {
	return constant{math.Float32bits(float32(v)), math.Float64bits(v)}
}

var (
	one       = constantOf(1)
	infinity  = constantOf(math.Inf(1))
	lowest    = constantOf(math.Inf(-1))
	smallest  = constant{math.Float32bits(0x1p-126), math.Float64bits(0x1p-1022)}
	magnitude = constant{math.MaxInt32, math.MaxInt64} // all bits but the sign
	sign      = constant{math.MaxInt32 + 1, math.MaxInt64 + 1}
)

// table is what stands in memory: the constants, each element once, in the order
// of their use.
var (
	table   = NewStaticSymbol("vectorConstants")
	inTable = map[Constant]int{} // the offset
	values  []Constant
	bytes   int
)

// constant is c in every element.
func (m *machine) constant(c constant) vec {
	if r, ok := m.ahead[c]; ok {
		return r
	}
	return m.fresh(c)
}

// fresh is c in every element of a register to write to.
func (m *machine) fresh(c constant) vec {
	if r, ok := m.ahead[c]; ok {
		return m.copy(r)
	}
	var value Constant = U64(c.as64)
	if m.size == 4 {
		value = U32(c.as32)
	}
	if _, ok := inTable[value]; !ok {
		inTable[value] = bytes
		values = append(values, value)
		bytes += m.size
	}
	return m.do(m.broadcast, NewDataAddr(table, inTable[value]))
}

// prepare keeps constants in registers from here on.
func (m *machine) prepare(constants ...constant) {
	for _, c := range constants {
		m.ahead[c] = m.constant(c)
	}
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
}
