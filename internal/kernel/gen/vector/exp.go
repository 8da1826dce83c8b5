package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// The constants of exp32 in package kernel.
var (
	expHighest = constantOf(89)        // e^89 is above the largest float32
	expLowest  = constantOf(-87.33654) // the lowest with a normal e^x
	expLog2e   = constantOf(1.44269504088896341)
	expRound   = constantOf(1.5 * (1 << 23))
	expLn2hi   = constantOf(-0.693359375)
	expLn2lo   = constantOf(2.12194440e-4)
	expSeries  = []constant{
		constantOf(1.9875691500e-4), constantOf(1.3981999507e-3), constantOf(8.3334519073e-3),
		constantOf(4.1665795894e-2), constantOf(1.6666665459e-1), constantOf(5.0000001201e-1),
	}
)

// prepareExp keeps the constants of exp in registers, if there are enough.
func (m *machine) prepareExp() {
	if m.wide() {
		m.prepare(expLowest, expLog2e, expRound, expLn2hi, expLn2lo, one)
		m.prepare(expSeries...)
	}
}

// expOf is e^x of float32, for x up to 89. down says that x is at most 0 (or
// NaN), where AVX2 has less to do.
func (m *machine) expOf(x vec, down bool) vec {
	normal := m.compare(x, notLess, m.constant(expLowest))
	x = m.larger(m.constant(expLowest), x) // NaN stays
	rounded := m.fused(x, m.constant(expLog2e), m.fresh(expRound))
	n := m.minus(rounded, m.constant(expRound))
	r := m.fused(n, m.constant(expLn2hi), x)
	r = m.fused(n, m.constant(expLn2lo), r)
	y := m.polynomial(r, expSeries...)
	m.fma213(r, m.times(r, r), y)
	y = m.plus(y, m.constant(one))
	switch {
	case m.wide():
		y = m.do(VSCALEFPS, n, y) // y·2^n
	case down:
		// n stands in the low bits of rounded, and goes on top of the exponent of 1.
		power := m.do(VPSLLD, Imm(23), rounded)
		VPADDD(m.constant(one), power, power)
		y = m.times(y, power)
	default:
		// In two factors, as 2^128 is no float32.
		i := m.do(VCVTPS2DQ, n)
		half := m.do(VPSRAD, Imm(1), i)
		VPSUBD(half, i, i)
		for _, power := range []vec{half, i} {
			VPSLLD(Imm(23), power, power)
			VPADDD(m.constant(one), power, power)
			y = m.times(y, power)
		}
	}
	return m.where(normal, y)
}

func exp(m *machine) {
	m.begin("exp", "dst, src", "n int, shift T)",
		"\tfor i := range n {",
		"\t\tdst[i] = exp(src[i] - shift)",
		"\t}")
	shift := m.number("shift")
	m.prepare(expHighest)
	m.prepareExp()
	m.each(m.integer("n"), func() []result {
		x := m.minus(m.get("src"), shift)
		return []result{{m.expOf(m.smaller(m.constant(expHighest), x), false), "dst"}}
	})
}

func sigmoid(m *machine) {
	m.begin("sigmoid", "y, x", "n int)",
		"\tfor i := range n {",
		"\t\te := exp(-abs(x[i]))",
		"\t\tif x[i] < 0 {",
		"\t\t\ty[i] = e / (1 + e)",
		"\t\t} else {",
		"\t\t\ty[i] = 1 / (1 + e)",
		"\t\t}",
		"\t}")
	m.prepareExp()
	zero := m.zero()
	m.each(m.integer("n"), func() []result {
		x := m.get("x")
		e := m.expOf(m.or(x, m.constant(sign)), true)
		top := m.choose(m.compare(x, less, zero), e, m.constant(one))
		return []result{{m.over(top, m.plus(e, m.constant(one))), "y"}}
	})
}

// The constants of Log in package kernel.
var (
	log2to54    = constantOf(1 << 54)
	logExponent = constantOf(1 << 52)           // or-ed with an exponent e: 2^52 + e
	logBias     = constantOf(1<<52 + 1022)      // so this off gives the k of Frexp
	logTinyBias = constantOf(1<<52 + 1022 + 54) // and this where x was subnormal
	logFraction = constant{as64: 1<<52 - 1}
	logHalf     = constantOf(0.5)
	logRootHalf = constantOf(0.70710678118654752440)
	logLn2      = constantOf(0.69314718055994530942)
	logLn2lo    = constantOf(2.3190468138462996e-17)
	logNaN      = constant{as64: 0x7ff8000000000000}
	logSeries   = []constant{
		constantOf(1.0 / 23), constantOf(1.0 / 21), constantOf(1.0 / 19), constantOf(1.0 / 17),
		constantOf(1.0 / 15), constantOf(1.0 / 13), constantOf(1.0 / 11), constantOf(1.0 / 9),
		constantOf(1.0 / 7), constantOf(1.0 / 5), constantOf(1.0 / 3),
	}
)

func logs(m *machine) {
	m.begin("logs", "dst, src", "n int)",
		"\tfor i := range n {",
		"\t\tdst[i] = Log(src[i])",
		"\t}")
	if m.wide() {
		m.prepare(one)
		m.prepare(logSeries...)
	}
	m.each(m.integer("n"), func() []result {
		x := m.get("src")
		tiny := m.compare(x, less, m.constant(smallest))
		bits := m.choose(tiny, m.times(x, m.constant(log2to54)), x)
		exponent := m.or(m.do(VPSRLQ, Imm(52), bits), m.constant(logExponent))
		k := m.minus(exponent, m.choose(tiny, m.constant(logTinyBias), m.constant(logBias)))
		f := m.or(m.and(bits, m.constant(logFraction)), m.constant(logHalf))
		low := m.compare(f, less, m.constant(logRootHalf))
		f = m.choose(low, m.plus(f, f), f)
		k = m.choose(low, m.minus(k, m.constant(one)), k)

		up := m.plus(f, m.constant(one))
		f = m.minus(f, m.constant(one))
		s := m.over(f, up)
		z := m.times(s, s)
		p := m.times(z, m.polynomial(z, logSeries...))
		tail := m.plus(p, p)
		m.fms213(m.times(s, f), s, tail) // s·2zp - s·f
		y := m.fused(k, m.constant(logLn2), m.plus(m.fused(k, m.constant(logLn2lo), tail), f))

		y = m.choose(m.compare(x, notLess, m.constant(infinity)), x, y)
		zero := m.zero()
		y = m.choose(m.compare(x, less, zero), m.constant(logNaN), y)
		y = m.choose(m.compare(x, equal, zero), m.constant(lowest), y)
		return []result{{y, "dst"}}
	})
}
