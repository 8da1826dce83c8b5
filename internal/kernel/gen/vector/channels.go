package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// The kernels of what batch normalization computes once for each channel, in float64.

// inDoubles runs f for both halves of some vectors of float32 as vectors of float64, and
// returns what it returns as vectors of float32.
func (a *avx) inDoubles(inputs []vec, f func(in []vec) []vec) []vec {
	var lower, upper []vec
	for _, x := range inputs {
		low, high := a.widen(x)
		lower, upper = append(lower, low), append(upper, high)
	}
	a.as(float64s, func() { lower, upper = f(lower), f(upper) })
	var results []vec
	for i := range lower {
		low, high := a.reg(), YMM()
		if a.wide() {
			VCVTPD2PS(lower[i].(Op), low.AsY())
			VCVTPD2PS(upper[i].(Op), high)
			VINSERTF64X4(Imm(1), high, low, low)
		} else {
			VCVTPD2PSY(lower[i].(Op), low.AsX())
			VCVTPD2PSY(upper[i].(Op), high.AsX())
			VINSERTF128(Imm(1), high.AsX(), low, low)
		}
		results = append(results, low)
	}
	return results
}

func channelScales(m *machine) {
	a, ok := m.target.(*avx)
	if !ok || m.size == 8 {
		return
	}
	m.begin("channelScales", "rest, variance, inv, sum, squares, gamma, beta", "n int, count, eps float64)",
		"\tfor i := range n {",
		"\t\tr := float64(sum[i]+0) / count",
		"\t\tv := max(float64(squares[i]+0)/count-r*r, 0)",
		"\t\trest[i], variance[i], inv[i] = T(r), T(v), T(1/sqrt(v+eps))",
		"\t\tsum[i] = gamma[i] * inv[i]",
		"\t\tsquares[i] = fma(-rest[i], sum[i], beta[i])",
		"\t}")
	var count, eps, unit vec
	a.as(float64s, func() { count, eps, unit = m.number("count"), m.number("eps"), m.broadcast(one) })
	m.each(func() []result {
		r := a.inDoubles([]vec{m.plus(m.get("sum"), m.zero()), m.plus(m.get("squares"), m.zero())}, func(in []vec) []vec {
			rest := m.over(in[0], count)
			variance := m.larger(m.zero(), m.minus(m.over(in[1], count), m.times(rest, rest)))
			return []vec{rest, variance, m.over(unit, m.root(m.plus(variance, eps)))}
		})
		scale := m.times(m.get("gamma"), r[2])
		return []result{{r[0], "rest"}, {r[1], "variance"}, {r[2], "inv"}, {scale, "sum"}, {m.fusedMinus(r[0], scale, m.get("beta")), "squares"}}
	})
}

func channelSlopes(m *machine) {
	a, ok := m.target.(*avx)
	if !ok || m.size == 8 {
		return
	}
	m.begin("channelSlopes", "dgamma, dbeta, sum, along, shift, gamma, inv, rest", "n int, count float64)",
		"\tfor i := range n {",
		"\t\ts, v, r := float64(sum[i]+0), float64(inv[i]), float64(rest[i])",
		"\t\tt := v * (float64(along[i]+0) - r*s)",
		"\t\tdgamma[i] += T(t)",
		"\t\tdbeta[i] += T(s)",
		"\t\tscale := float64(gamma[i]) * v",
		"\t\tslope := -scale * v * t / count",
		"\t\tsum[i], along[i], shift[i] = T(scale), T(slope), T(-scale*s/count-slope*r)",
		"\t}")
	var count, negative vec
	a.as(float64s, func() { count, negative = m.number("count"), m.broadcast(constantOf(-1)) })
	m.each(func() []result {
		sum, along := m.plus(m.get("sum"), m.zero()), m.plus(m.get("along"), m.zero())
		dbeta := m.plus(m.get("dbeta"), sum)
		r := a.inDoubles([]vec{sum, along, m.get("gamma"), m.get("inv"), m.get("rest")}, func(in []vec) []vec {
			sum, inv, rest := in[0], in[3], in[4]
			along := m.times(inv, m.minus(in[1], m.times(rest, sum)))
			scale := m.times(in[2], inv)
			minus := m.times(negative, scale)
			slope := m.over(m.times(m.times(minus, inv), along), count)
			return []vec{along, scale, slope, m.minus(m.over(m.times(minus, sum), count), m.times(slope, rest))}
		})
		return []result{{m.plus(m.get("dgamma"), r[0]), "dgamma"}, {dbeta, "dbeta"}, {r[1], "sum"}, {r[2], "along"}, {r[3], "shift"}}
	})
}
