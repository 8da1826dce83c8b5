package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// An element is a type of elements.
type element struct {
	name, suffix string
	size         int // bytes
}

var (
	float32s = element{"float32", "f32", 4}
	float64s = element{"float64", "f64", 8}
)

// A machine writes a function for elements of a type and registers of so many
// bits. What its methods return is in a new register, unless they say otherwise.
type machine struct {
	element
	target
	bits, width int              // width is the elements of a register
	ahead       map[constant]vec // constants that stay in a register
}

// A target writes the instructions of a processor.
type target interface {
	begin(f function, v variant)
	number(param string) vec   // a parameter in every element
	broadcast(c constant) vec  // a constant in every element
	manyRegisters() bool       // whether constants can stay in registers
	get(slice string) vec      // the elements at hand
	each(body func() []result) // runs the body for each of n elements, and ends the function
	askAhead()                 // lets each ask the memory for elements some lines ahead
	askNext(slices ...string)  // or for those next on
	reduce(r reduction)        // reduces n elements, and ends the function
	columns()                  // writes addColumnSums after its beginning

	zero() vec
	copy(a vec) vec
	plus(a, b vec) vec
	minus(a, b vec) vec
	times(a, b vec) vec
	over(a, b vec) vec
	root(a vec) vec
	larger(a, b vec) vec  // NaN where b is; a has no NaN, and not both are 0
	smaller(a, b vec) vec // likewise
	and(a, b vec) vec
	or(a, b vec) vec

	add(a, x vec)               // a + x, in the register of a
	raise(a, x vec)             // the larger, in the register of a; of NaN any, see reduce
	fused(a, b, c vec) vec      // a·b + c, rounded once, in the register of c
	fusedMinus(a, b, c vec) vec // c - a·b, rounded once, in the register of c
	timesPlus(p, x, c vec) vec  // p·x + c, rounded once, perhaps in the register of p
	timesMinus(p, x, c vec) vec // p·x - c, likewise

	raiseExponent(y, rounded vec) vec // y·2^n, both normal; n is in the low bits of rounded
	canScale() bool                   // whether there is scale
	scale(y, n vec) vec               // y·2^n, rounded once
	topBits(a vec) vec                // the bits above the mantissa, as an integer

	compare(a vec, how comparison, b vec) mask
	where(m mask, a vec) vec        // a where the mask holds, else 0
	choose(m mask, yes, no vec) vec // yes where the mask holds, else no
}

// A vec is a register of a target, and a mask one of its masks.
type (
	vec  any
	mask any
)

// A result is the new value of the elements at hand of a slice.
type result struct {
	value vec
	slice string
}

// A comparison compares two elements. Those with not hold for NaN.
type comparison int

const (
	equal comparison = iota
	less
	notLess
	notLessEqual
)

// A function is a kernel: its name and signature, and the loop in Go that it stands for.
type function struct {
	kernel  string
	slices  []string
	params  []param
	returns string // the type of the result, perhaps T, or ""
	doc     []string
}

// A param is a parameter after the slices, of type int or T.
type param struct{ name, of string }

// A variant is a target and a type of elements.
type variant struct {
	bits int
	element
}

// begin starts the function of a kernel. rest is its signature after the slices, as in
// "n int, shift T)" or "n int) T". It returns float64 only where elements are float32.
func (m *machine) begin(kernel, names, rest string, doc ...string) {
	rest, returns, _ := strings.Cut(rest, ")")
	f := function{kernel: kernel, slices: strings.Split(names, ", "), returns: strings.TrimSpace(returns), doc: doc}
	of := ""
	for _, p := range backward(strings.Split(rest, ", ")) {
		name, its, ok := strings.Cut(p, " ")
		if ok {
			of = its
		}
		f.params = append(f.params, param{name, of})
	}
	f.params = backward(f.params)
	v := variant{m.bits, m.element}
	record(f, v)
	m.target.begin(f, v)
}

func backward[E any](s []E) []E {
	slices.Reverse(s)
	return s
}

// title is the name of a kernel's function.
func (f function) title(v variant) string { return fmt.Sprintf("%s%d%s", f.kernel, v.bits, v.suffix) }

// signature is that of the function, from the first parenthesis on.
func (f function) signature(v variant) string {
	var all []string
	for _, s := range f.slices {
		all = append(all, s+" *"+v.name)
	}
	for _, p := range f.params {
		all = append(all, p.name+" "+strings.ReplaceAll(p.of, "T", v.name))
	}
	return strings.TrimSpace("(" + strings.Join(all, ", ") + ") " + f.result(v))
}

// result is the type of the result, or "".
func (f function) result(v variant) string { return strings.ReplaceAll(f.returns, "T", v.name) }

// A constant, by its bits as a float32 and as a float64.
type constant struct {
	as32 uint32
	as64 uint64
}

func constantOf(v float64) constant {
	return constant{math.Float32bits(float32(v)), math.Float64bits(v)}
}

// both is a constant with a value for each type.
func both(as32, as64 float64) constant {
	return constant{constantOf(as32).as32, constantOf(as64).as64}
}

func constants(v ...float64) (all []constant) {
	for _, v := range v {
		all = append(all, constantOf(v))
	}
	return all
}

var (
	nought    = constantOf(0)
	one       = constantOf(1)
	half      = constantOf(0.5)
	infinity  = constantOf(math.Inf(1))
	lowest    = constantOf(math.Inf(-1))
	smallest  = constant{math.Float32bits(0x1p-126), math.Float64bits(0x1p-1022)}
	magnitude = constant{math.MaxInt32, math.MaxInt64} // all bits but the sign
	sign      = constant{math.MaxInt32 + 1, math.MaxInt64 + 1}
)

// constant is c in every element.
func (m *machine) constant(c constant) vec {
	if r, ok := m.ahead[c]; ok {
		return r
	}
	return m.broadcast(c)
}

// fresh is c in every element of a register to write to.
func (m *machine) fresh(c constant) vec {
	if r, ok := m.ahead[c]; ok {
		return m.copy(r)
	}
	return m.broadcast(c)
}

// prepare keeps constants in registers from here on.
func (m *machine) prepare(constants ...constant) {
	for _, c := range constants {
		m.ahead[c] = m.constant(c)
	}
}

// polynomial is ((c[0]·x + c[1])·x + c[2])·x ...
func (m *machine) polynomial(x vec, c ...constant) vec {
	p := m.fresh(c[0])
	for _, c := range c[1:] {
		p = m.timesPlus(p, x, m.constant(c))
	}
	return p
}

// flush is 0 where a is smaller than the smallest normal number, else a.
func (m *machine) flush(a vec) vec {
	size := m.and(a, m.constant(magnitude))
	return m.where(m.compare(size, notLess, m.constant(smallest)), a)
}
