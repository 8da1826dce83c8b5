package main

func masked(m *machine) {
	m.begin("mask", "dst, a, b", "n int)",
		"\tfor i := range n {",
		"\t\tdst[i] = a[i]",
		"\t\tif b[i] <= 0 {",
		"\t\t\tdst[i] = 0",
		"\t\t}",
		"\t}")
	zero := m.zero()
	m.each(func() []result {
		open := m.compare(m.get("b"), notLessEqual, zero)
		return []result{{m.where(open, m.get("a")), "dst"}}
	})
}

func sigmoidBackward(m *machine) {
	m.begin("sigmoidBackward", "dx, dy, y", "n int)",
		"\tfor i := range n {",
		"\t\tdx[i] = flush(dy[i] * (y[i] * (1 - y[i])))",
		"\t}")
	m.prepare(one, magnitude, smallest)
	m.each(func() []result {
		y := m.get("y")
		slope := m.times(y, m.minus(m.constant(one), y))
		return []result{{m.flush(m.times(m.get("dy"), slope)), "dx"}}
	})
}

func tanhBackward(m *machine) {
	m.begin("tanhBackward", "dx, dy, y", "n int)",
		"\tfor i := range n {",
		"\t\tdx[i] = flush(dy[i] * fma(-y[i], y[i], 1))",
		"\t}")
	m.prepare(one, magnitude, smallest)
	m.each(func() []result {
		y := m.get("y")
		slope := m.fusedMinus(y, y, m.fresh(one))
		return []result{{m.flush(m.times(m.get("dy"), slope)), "dx"}}
	})
}

func softmaxBackward(m *machine) {
	m.begin("softmaxBackward", "dx, dy, y", "n int, s T)",
		"\tfor i := range n {",
		"\t\tdx[i] = flush(y[i] * (dy[i] - s))",
		"\t}")
	s := m.number("s")
	m.prepare(magnitude, smallest)
	m.each(func() []result {
		return []result{{m.flush(m.times(m.get("y"), m.minus(m.get("dy"), s))), "dx"}}
	})
}

func quotient(m *machine) {
	m.begin("quotient", "dst, a", "n int, divisor T)",
		"\tfor i := range n {",
		"\t\tdst[i] = flush(a[i] / divisor)",
		"\t}")
	divisor := m.number("divisor")
	m.prepare(magnitude, smallest)
	m.each(func() []result {
		return []result{{m.flush(m.over(m.get("a"), divisor)), "dst"}}
	})
}

func axpy(m *machine) {
	m.begin("axpy", "y, x", "n int, a T)",
		"\tfor i := range n {",
		"\t\ty[i] = fma(a, x[i], y[i])",
		"\t}")
	a := m.number("a")
	m.each(func() []result {
		return []result{{m.fused(a, m.get("x"), m.get("y")), "y"}}
	})
}

func sgd(m *machine) {
	m.begin("sgd", "w, grad", "n int, minusLR T)",
		"\tfor i := range n {",
		"\t\tw[i] = fma(minusLR, grad[i], w[i])",
		"\t\tgrad[i] = 0",
		"\t}")
	minusLR, zero := m.number("minusLR"), m.zero()
	m.each(func() []result {
		return []result{{m.fused(minusLR, m.get("grad"), m.get("w")), "w"}, {zero, "grad"}}
	})
}

func momentum(m *machine) {
	m.begin("momentum", "w, v, grad", "n int, mu, minusLR T)",
		"\tfor i := range n {",
		"\t\tv[i] = flush(fma(minusLR, grad[i], mu*v[i]))",
		"\t\tw[i] += v[i]",
		"\t\tgrad[i] = 0",
		"\t}")
	mu, minusLR, zero := m.number("mu"), m.number("minusLR"), m.zero()
	m.prepare(magnitude, smallest)
	m.each(func() []result {
		v := m.flush(m.fused(minusLR, m.get("grad"), m.times(mu, m.get("v"))))
		return []result{{v, "v"}, {m.plus(m.get("w"), v), "w"}, {zero, "grad"}}
	})
}

func adam(m *machine) {
	m.begin("adam", "w, m, v, grad", "n int, a1, a2, rate, eps T)",
		"\tfor i := range n {",
		"\t\tm[i] = flush(fma(a1, grad[i]-m[i], m[i]))",
		"\t\tv[i] = flush(fma(a2, fma(grad[i], grad[i], -v[i]), v[i]))",
		"\t\tw[i] = fma(-rate, m[i]/(sqrt(v[i])+eps), w[i])",
		"\t\tgrad[i] = 0",
		"\t}")
	a1, a2, rate, eps, zero := m.number("a1"), m.number("a2"), m.number("rate"), m.number("eps"), m.zero()
	m.prepare(magnitude, smallest)
	m.each(func() []result {
		grad, mean, square := m.get("grad"), m.get("m"), m.get("v")
		mean = m.flush(m.fused(a1, m.minus(grad, mean), mean))
		grown := m.timesMinus(m.copy(grad), grad, square)
		square = m.flush(m.fused(a2, grown, square))
		step := m.over(mean, m.plus(m.root(square), eps))
		return []result{{mean, "m"}, {square, "v"}, {m.fusedMinus(rate, step, m.get("w")), "w"}, {zero, "grad"}}
	})
}
