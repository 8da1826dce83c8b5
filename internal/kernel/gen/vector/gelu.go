package main

// The constants of SiLU and GELU in package kernel.
var (
	siluHighest     = both(100, 750) // where e^-t is 0
	geluHighest     = both(16, 40)
	geluTanhHighest = both(11, 22)

	four       = constantOf(4)
	minusHalf  = constantOf(-0.5)
	invSqrt2Pi = constantOf(0.398942280401432677940)
	geluLine   = constantOf(1.59576912160573071176)
	geluCube   = constantOf(1.59576912160573071176 * 0.044715)
	geluSlope  = constantOf(3 * 1.59576912160573071176 * 0.044715)

	normalSeries = map[element][]constant{
		float32s: constants(-5.25467303816e-5, -0.000234905953271, 0.000168242043538, 0.00164557559771, -0.00348769981258,
			-0.00754485787708, 0.0603972831883, -0.186521368661, 0.387137378993, -0.607896655503, 0.755285130557),
		float64s: constants(-6.9936490813801975101e-10, -2.4642485156317370644e-9, 1.8497148543182144072e-9, 1.9406351523162195676e-8,
			1.3328023601560369508e-8, -8.506836136987202929e-8, -1.5493515148469642789e-7, 2.7149728878546062607e-7,
			1.0214839051626772854e-6, -6.2952352074702785862e-7, -5.9201219854820232164e-6, 7.1660337491484051256e-7,
			0.000035144665692154787841, -1.9082436627951035825e-6, -0.00023109493041949211296, 0.00013334431021398158475,
			0.001630818456944624348, -0.0034796923672014142262, -0.0075401889666797843247, 0.060396574890927802914,
			-0.18652185795965879612, 0.38713740074221469939, -0.60789664197189209274, 0.75528513041575149279),
	}
)

// A gate is a function G of x with G(-t) = e·g, where t is |x|, and e·k the derivative
// of t·e·g.
type gate struct {
	kernel, formula string
	highest         constant                                             // which bounds t
	of              func(m *machine, t vec, backward bool) (e, g, k vec) // k for backward alone
}

var (
	siluGate = gate{"silu", "sigmoid(x[i])", siluHighest, func(m *machine, t vec, backward bool) (e, g, k vec) {
		e, g = m.logistic(m.or(t, m.constant(sign)))
		if backward {
			k = m.times(g, m.fusedMinus(t, g, m.fresh(one)))
		}
		return e, g, k
	}}
	geluGate = gate{"gelu", "Φ(x[i])", geluHighest, func(m *machine, t vec, backward bool) (e, g, k vec) {
		h := m.times(t, t)
		e = m.expOf(m.times(h, m.constant(minusHalf)), true)
		lost := m.times(m.timesMinus(m.copy(t), t, h), m.constant(minusHalf))
		e = m.fused(e, lost, m.copy(e))
		u := m.over(m.constant(one), m.plus(t, m.constant(four)))
		w := m.times(m.minus(t, m.constant(four)), u)
		g = m.times(u, m.polynomial(w, normalSeries[m.element]...))
		if backward {
			k = m.fusedMinus(t, m.constant(invSqrt2Pi), m.copy(g))
		}
		return e, g, k
	}}
	geluTanhGate = gate{"geluTanh", "sigmoid(2*u), u = √(2/π)·(x + 0.044715·x³),", geluTanhHighest, func(m *machine, t vec, backward bool) (e, g, k vec) {
		square := m.times(t, t)
		v := m.times(t, m.fused(square, m.constant(geluCube), m.fresh(geluLine)))
		e, g = m.logistic(m.or(v, m.constant(sign)))
		if backward {
			slope := m.times(t, m.fused(square, m.constant(geluSlope), m.fresh(geluLine)))
			k = m.times(g, m.fusedMinus(slope, g, m.fresh(one)))
		}
		return e, g, k
	}}
)

// logistic returns e = e^x and g = 1/(1 + e), for x at most 0. It writes to the register
// of x.
func (m *machine) logistic(x vec) (e, g vec) {
	e = m.expOf(x, true)
	return e, m.over(m.constant(one), m.plus(e, m.constant(one)))
}

// forward is the kernel of y = x·G(x).
func (g gate) forward(m *machine) {
	m.begin(g.kernel, "y, x", "n int)",
		"\tfor i := range n {",
		"\t\ty[i] = flush(x[i] * G)",
		"\t}",
		"",
		"with G = "+g.formula+" in the parts of package kernel.")
	m.prepareExp()
	zero := m.zero()
	m.each(func() []result {
		x := m.get("x")
		t := m.smaller(m.constant(g.highest), m.and(x, m.constant(magnitude)))
		e, rest, _ := g.of(m, t, false)
		open := m.compare(x, notLessEqual, zero)
		return []result{{m.flush(m.fusedMinus(m.times(t, rest), e, m.where(open, x))), "y"}}
	})
}

func (g gate) backward(m *machine) {
	m.begin(g.kernel+"Backward", "dx, dy, x", "n int)",
		"\tfor i := range n {",
		"\t\tdx[i] = flush(dy[i] * d(x*G)/dx)",
		"\t}",
		"",
		"with G = "+g.formula+" in the parts of package kernel.")
	m.prepareExp()
	zero := m.zero()
	m.each(func() []result {
		x := m.get("x")
		t := m.smaller(m.constant(g.highest), m.and(x, m.constant(magnitude)))
		e, _, k := g.of(m, t, true)
		open := m.compare(x, notLessEqual, zero)
		d := m.choose(open, m.fusedMinus(e, k, m.fresh(one)), m.times(e, k))
		return []result{{m.flush(m.times(m.get("dy"), d)), "dx"}}
	})
}
