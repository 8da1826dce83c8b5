package main

// The constants of exp32 and exp64 in package kernel.
var (
	expHighest  = both(89, 710)                     // some x above it
	expInfinite = both(88.72284, 709.7827128933841) // the lowest x with an infinite e^x
	expLowest   = both(-87.33654, -708.3964185322642)
	expLog2e    = constantOf(1.44269504088896340735992468100189214)
	expRound    = both(1.5*(1<<23), 1.5*(1<<52))
	expLn2hi    = both(-0.693359375, -0.693147180559945309417232121458176568)
	expLn2lo    = both(2.12194440e-4, -2.3190468138462996e-17)
	expSeries   = map[element][]constant{
		float32s: constants(1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1),
		float64s: constants(1.0/6227020800, 1.0/479001600, 1.0/39916800, 1.0/3628800, 1.0/362880, 1.0/40320,
			1.0/5040, 1.0/720, 1.0/120, 1.0/24, 1.0/6, 1.0/2),
	}
)

// prepareExp keeps the constants of exp in registers, if there are enough.
func (m *machine) prepareExp() {
	m.askAhead()
	if m.manyRegisters() {
		m.prepare(expLowest, expLog2e, expRound, expLn2hi, expLn2lo, one)
		m.prepare(expSeries[m.element]...)
		if m.size == 8 {
			m.prepare(smallest)
		}
	}
}

// split returns n, r and p, where x = n·ln 2 + r and e^r = 1 + r + r²·p, and a
// number whose low bits are n. It writes to the register of x.
func (m *machine) split(x vec) (n, rounded, r, p vec) {
	rounded = m.fused(x, m.constant(expLog2e), m.fresh(expRound))
	n = m.minus(rounded, m.constant(expRound))
	r = m.fused(n, m.constant(expLn2hi), x)
	r = m.fused(n, m.constant(expLn2lo), r)
	return n, rounded, r, m.polynomial(r, expSeries[m.element]...)
}

// expOf is e^x. down says that x is at most 0 (or NaN), where there is less to do.
func (m *machine) expOf(x vec, down bool) vec {
	inRange := m.compare(x, notLess, m.constant(expLowest)) // or NaN
	part := m.where(inRange, x)
	if !down && m.canScale() {
		part = m.smaller(m.constant(expHighest), part) // NaN stays
	}
	n, rounded, r, y := m.split(part)
	if m.size == 4 {
		y = m.timesPlus(y, m.times(r, r), r)
		y = m.plus(y, m.constant(one))
	} else {
		y = m.timesPlus(y, r, m.constant(one))
		y = m.timesPlus(y, r, m.constant(one))
	}
	switch {
	case m.canScale():
		y = m.scale(y, n)
	case down:
		y = m.times(y, m.raiseExponent(m.constant(one), rounded)) // NaN stays
	default:
		y = m.raiseExponent(y, rounded)
	}
	if m.size == 8 { // the first results from expLowest on are subnormal
		y = m.where(m.compare(y, notLess, m.constant(smallest)), y)
	}
	y = m.where(inRange, y)
	if !down && !m.canScale() {
		infinite := m.compare(x, notLess, m.constant(expInfinite)) // or NaN
		y = m.choose(infinite, m.times(x, m.constant(infinity)), y)
	}
	return y
}

func exp(m *machine) {
	m.begin("exp", "dst, src", "n int, shift T)",
		"\tfor i := range n {",
		"\t\tdst[i] = exp(src[i] - shift)",
		"\t}")
	shift := m.number("shift")
	m.prepareExp()
	if m.canScale() {
		m.prepare(expHighest)
	} else {
		m.prepare(expInfinite, infinity)
	}
	m.each(func() []result {
		return []result{{m.expOf(m.minus(m.get("src"), shift), false), "dst"}}
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
	m.each(func() []result {
		x := m.get("x")
		e := m.expOf(m.or(x, m.constant(sign)), true)
		top := m.choose(m.compare(x, less, zero), e, m.constant(one))
		return []result{{m.over(top, m.plus(e, m.constant(one))), "y"}}
	})
}

// tanhHighest is where tanh rounds to 1.
var tanhHighest = both(10, 20)

func tanh(m *machine) {
	m.begin("tanh", "y, x", "n int)",
		"\tfor i := range n {",
		"\t\ty[i] = tanh(x[i])",
		"\t}")
	m.prepareExp()
	if m.manyRegisters() {
		m.prepare(tanhHighest, magnitude, sign, half)
	}
	m.each(func() []result {
		x := m.get("x")
		size := m.smaller(m.constant(tanhHighest), m.and(x, m.constant(magnitude))) // NaN stays
		_, rounded, r, p := m.split(m.plus(size, size))
		q := m.timesPlus(p, m.times(r, r), r)
		power := m.raiseExponent(m.constant(half), rounded)
		h := m.fused(power, q, m.minus(power, m.constant(half)))
		t := m.over(h, m.plus(h, m.constant(one)))
		near := m.fusedMinus(h, t, m.copy(h))
		t = m.choose(m.compare(h, less, m.constant(one)), near, t)
		return []result{{m.or(t, m.and(x, m.constant(sign))), "y"}}
	})
}

// The constants of Log in package kernel.
var (
	log2to54    = constantOf(1 << 54)
	logExponent = constantOf(1 << 52)           // or-ed with an exponent e: 2^52 + e
	logBias     = constantOf(1<<52 + 1022)      // so this off gives the k of Frexp
	logTinyBias = constantOf(1<<52 + 1022 + 54) // and this where x was subnormal
	logFraction = constant{as64: 1<<52 - 1}
	logRootHalf = constantOf(0.70710678118654752440)
	logLn2      = constantOf(0.69314718055994530942)
	logLn2lo    = constantOf(2.3190468138462996e-17)
	logNaN      = constant{as64: 0x7ff8000000000000}
	logSeries   = constants(1.0/23, 1.0/21, 1.0/19, 1.0/17, 1.0/15, 1.0/13, 1.0/11, 1.0/9, 1.0/7, 1.0/5, 1.0/3)
)

func logs(m *machine) {
	if m.size == 4 {
		return // logarithms are computed in float64
	}
	m.begin("logs", "dst, src", "n int)",
		"\tfor i := range n {",
		"\t\tdst[i] = Log(src[i])",
		"\t}")
	if m.manyRegisters() {
		m.prepare(one)
		m.prepare(logSeries...)
	}
	m.each(func() []result {
		x := m.get("src")
		tiny := m.compare(x, less, m.constant(smallest))
		bits := m.choose(tiny, m.times(x, m.constant(log2to54)), x)
		exponent := m.or(m.topBits(bits), m.constant(logExponent))
		k := m.minus(exponent, m.choose(tiny, m.constant(logTinyBias), m.constant(logBias)))
		f := m.or(m.and(bits, m.constant(logFraction)), m.constant(half))
		low := m.compare(f, less, m.constant(logRootHalf))
		f = m.choose(low, m.plus(f, f), f)
		k = m.choose(low, m.minus(k, m.constant(one)), k)

		up := m.plus(f, m.constant(one))
		f = m.minus(f, m.constant(one))
		s := m.over(f, up)
		z := m.times(s, s)
		p := m.times(z, m.polynomial(z, logSeries...))
		tail := m.timesMinus(m.plus(p, p), s, m.times(s, f)) // s·2zp - s·f
		y := m.fused(k, m.constant(logLn2), m.plus(m.fused(k, m.constant(logLn2lo), tail), f))

		y = m.choose(m.compare(x, notLess, m.constant(infinity)), x, y)
		zero := m.zero()
		y = m.choose(m.compare(x, less, zero), m.constant(logNaN), y)
		y = m.choose(m.compare(x, equal, zero), m.constant(lowest), y)
		return []result{{y, "dst"}}
	})
}
