package main

// leaky is what [masked] is to ReLU, both forward, where a and b are x, and backward.
func leaky(m *machine) {
	m.begin("leaky", "dst, v, x", "n int, slope T)",
		"\tfor i := range n {",
		"\t\tdst[i] = v[i]",
		"\t\tif x[i] <= 0 {",
		"\t\t\tdst[i] *= slope",
		"\t\t}",
		"\t}")
	slope, zero := m.number("slope"), m.zero()
	m.each(func() []result {
		v := m.get("v")
		open := m.compare(m.get("x"), notLessEqual, zero)
		return []result{{m.choose(open, v, m.times(v, slope)), "dst"}}
	})
}

func prelu(m *machine) {
	m.begin("prelu", "dst, v, x, slope", "n int)",
		"\tfor i := range n {",
		"\t\tdst[i] = v[i]",
		"\t\tif x[i] <= 0 {",
		"\t\t\tdst[i] *= slope[i]",
		"\t\t}",
		"\t}")
	zero := m.zero()
	m.each(func() []result {
		v := m.get("v")
		open := m.compare(m.get("x"), notLessEqual, zero)
		return []result{{m.choose(open, v, m.times(v, m.get("slope"))), "dst"}}
	})
}

func addSlopes(m *machine) {
	m.begin("addSlopes", "grad, dy, x", "n int)",
		"\tfor i := range n {",
		"\t\tif !(x[i] > 0) {",
		"\t\t\tgrad[i] = fma(dy[i], x[i], grad[i])",
		"\t\t}",
		"\t}")
	zero := m.zero()
	m.each(func() []result {
		x, grad := m.get("x"), m.get("grad")
		closed := m.compare(zero, notLess, x)
		return []result{{m.choose(closed, m.fused(m.get("dy"), x, m.copy(grad)), grad), "grad"}}
	})
}

// slope adds 0·0 where x is above 0, as [dot] does beyond the end.
func slope(m *machine) {
	m.begin("slope", "dy, x", "n int) T",
		"\tvar s [16]T",
		"\tfor i := range n {",
		"\t\tif !(x[i] > 0) {",
		"\t\t\ts[i%16] = fma(dy[i], x[i], s[i%16])",
		"\t\t}",
		"\t}",
		"\treturn join(&s)")
	zero := m.zero()
	m.reduce(reduction{[]string{"dy", "x"}, nought, func(lane vec, e []vec) {
		closed := m.compare(zero, notLess, e[1])
		m.fused(m.where(closed, e[0]), m.where(closed, e[1]), lane)
	}, false, false})
}

// expm1Lowest is where e^x - 1 rounds to -1.
var expm1Lowest = both(20, 40)

// expParts returns 2^n and e^r - 1, where -size = n·ln 2 + r. It writes to the register
// of size, which is not above [expm1Lowest].
func (m *machine) expParts(size vec) (power, q vec) {
	_, rounded, r, p := m.split(m.or(size, m.constant(sign)))
	return m.raiseExponent(m.constant(one), rounded), m.timesPlus(p, m.times(r, r), r)
}

func elu(m *machine) {
	m.begin("elu", "y, x", "n int, alpha T)",
		"\tfor i := range n {",
		"\t\ty[i] = x[i]",
		"\t\tif x[i] <= 0 {",
		"\t\t\ty[i] = alpha * expm1(x[i])",
		"\t\t}",
		"\t}")
	alpha, zero := m.number("alpha"), m.zero()
	m.prepareExp()
	m.each(func() []result {
		x := m.get("x")
		power, q := m.expParts(m.smaller(m.constant(expm1Lowest), m.and(x, m.constant(magnitude))))
		below := m.fused(power, q, m.minus(power, m.constant(one)))
		open := m.compare(x, notLessEqual, zero)
		return []result{{m.choose(open, x, m.times(alpha, below)), "y"}}
	})
}

func eluBackward(m *machine) {
	m.begin("eluBackward", "dx, dy, y", "n int, alpha T)",
		"\tfor i := range n {",
		"\t\td := 1",
		"\t\tif y[i] <= 0 {",
		"\t\t\td = y[i] + alpha",
		"\t\t}",
		"\t\tdx[i] = flush(dy[i] * d)",
		"\t}")
	alpha, zero := m.number("alpha"), m.zero()
	m.prepare(one, magnitude, smallest)
	m.each(func() []result {
		y := m.get("y")
		open := m.compare(y, notLessEqual, zero)
		d := m.choose(open, m.constant(one), m.plus(y, alpha))
		return []result{{m.flush(m.times(m.get("dy"), d)), "dx"}}
	})
}

// The constants of Softplus in package kernel.
var (
	two         = constantOf(2)
	log1pSeries = map[element][]constant{
		float32s: constants(0.116195252662, 0.108516575045, 0.142962917072, 0.199998506781, 0.333333336688),
		float64s: constants(0.078210566874033449747, 0.037428719610706891147, 0.054233435831002723329, 0.058670410874358209437,
			0.066675970769560504811, 0.076922716038322891889, 0.090909099602204527997, 0.11111111098926833008,
			0.1428571428580170663, 0.19999999999999755697, 0.33333333333333333446),
	}
)

func softplus(m *machine) {
	m.begin("softplus", "y, x", "n int)",
		"\tfor i := range n {",
		"\t\te := exp(-abs(x[i]))",
		"\t\ts := e / (2 + e)",
		"\t\tp := s * s * polynomial(s*s)",
		"\t\ty[i] = max(x[i], 0) + (e + fma(s, p+p, -(s*e)))",
		"\t}")
	m.prepareExp()
	zero := m.zero()
	m.each(func() []result {
		x := m.get("x")
		e := m.expOf(m.or(x, m.constant(sign)), true)
		s := m.over(e, m.plus(e, m.constant(two)))
		z := m.times(s, s)
		p := m.times(z, m.polynomial(z, log1pSeries[m.element]...))
		log := m.plus(e, m.timesMinus(m.plus(p, p), s, m.times(s, e)))
		return []result{{m.plus(m.where(m.compare(x, notLessEqual, zero), x), log), "y"}}
	})
}

func softplusBackward(m *machine) {
	m.begin("softplusBackward", "dx, dy, y", "n int)",
		"\tfor i := range n {",
		"\t\tdx[i] = flush(dy[i] * -expm1(-y[i]))",
		"\t}")
	m.prepareExp()
	m.each(func() []result {
		power, q := m.expParts(m.smaller(m.constant(expm1Lowest), m.get("y")))
		d := m.fusedMinus(power, q, m.minus(m.constant(one), power))
		return []result{{m.flush(m.times(m.get("dy"), d)), "dx"}}
	})
}
