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
	expBias    = constant{as32: 127}
	expSeries  = []constant{
		constantOf(1.9875691500e-4), constantOf(1.3981999507e-3), constantOf(8.3334519073e-3),
		constantOf(4.1665795894e-2), constantOf(1.6666665459e-1), constantOf(5.0000001201e-1),
	}
)

// prepareExp keeps the constants of exp in registers, if there are enough.
func (m *machine) prepareExp() {
	if m.wide() {
		m.prepare(expHighest, expLowest, expLog2e, expRound, expLn2hi, expLn2lo, one)
		m.prepare(expSeries...)
	}
}

// exp is e^x, of float32.
func (m *machine) exp(x vec) vec {
	normal := m.compare(x, notLess, m.constant(expLowest))
	x = m.larger(m.constant(expLowest), m.smaller(m.constant(expHighest), x)) // NaN stays
	n := m.fused(x, m.constant(expLog2e), m.fresh(expRound))
	n = m.minus(n, m.constant(expRound))
	r := m.fused(n, m.constant(expLn2hi), x)
	r = m.fused(n, m.constant(expLn2lo), r)
	p := m.polynomial(r, expSeries...)
	m.fma213(r, m.times(r, r), p)
	y := m.plus(p, m.constant(one))
	if m.wide() {
		y = m.do(VSCALEFPS, n, y) // y·2^n
	} else {
		// 2^n in two factors, by their exponents.
		i := m.do(VCVTPS2DQ, n)
		half := m.do(VPSRAD, Imm(1), i)
		VPSUBD(half, i, i)
		for _, e := range []vec{half, i} {
			VPADDD(m.constant(expBias), e, e)
			VPSLLD(Imm(23), e, e)
			y = m.times(y, e)
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
	m.prepareExp()
	m.each(m.integer("n"), func() []result {
		return []result{{m.exp(m.minus(m.get("src"), shift)), "dst"}}
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
		e := m.exp(m.or(x, m.constant(sign)))
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
