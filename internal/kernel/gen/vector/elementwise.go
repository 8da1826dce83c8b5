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

func divide(m *machine) {
	m.begin("divide", "dst, a", "n int, divisor T)",
		"\tfor i := range n {",
		"\t\tdst[i] = a[i] / divisor",
		"\t}")
	divisor := m.number("divisor")
	m.each(func() []result {
		return []result{{m.over(m.get("a"), divisor), "dst"}}
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

func adjust(m *machine) {
	m.begin("adjust", "w, grad", "n int, scale, limit, minusLimit, decay, shrink T)",
		"\tfor i := range n {",
		"\t\tgrad[i] = fma(decay, w[i], min(limit, max(minusLimit, scale*grad[i])))",
		"\t\tw[i] = fma(-shrink, w[i], w[i])",
		"\t}")
	scale, limit, minusLimit := m.number("scale"), m.number("limit"), m.number("minusLimit")
	decay, shrink := m.number("decay"), m.number("shrink")
	m.each(func() []result {
		w := m.get("w")
		grad := m.smaller(limit, m.larger(minusLimit, m.times(scale, m.get("grad"))))
		return []result{{m.fused(decay, w, grad), "grad"}, {m.fusedMinus(shrink, w, m.copy(w)), "w"}}
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
	m.begin("momentum", "w, v, grad", "n int, mu, gain, rate T)",
		"\tfor i := range n {",
		"\t\tv[i] = flush(fma(gain, grad[i], mu*v[i]))",
		"\t\tw[i] = fma(rate, v[i], w[i])",
		"\t\tgrad[i] = 0",
		"\t}")
	mu, gain, rate, zero := m.number("mu"), m.number("gain"), m.number("rate"), m.zero()
	m.prepare(magnitude, smallest)
	m.each(func() []result {
		v := m.flush(m.fused(gain, m.get("grad"), m.times(mu, m.get("v"))))
		return []result{{v, "v"}, {m.fused(rate, v, m.get("w")), "w"}, {zero, "grad"}}
	})
}

func nesterov(m *machine) {
	m.begin("nesterov", "w, v, grad", "n int, mu, gain, rate T)",
		"\tfor i := range n {",
		"\t\tgrad[i] *= gain",
		"\t\tv[i] = flush(fma(mu, v[i], grad[i]))",
		"\t\tw[i] = fma(rate, fma(mu, v[i], grad[i]), w[i])",
		"\t\tgrad[i] = 0",
		"\t}")
	mu, gain, rate, zero := m.number("mu"), m.number("gain"), m.number("rate"), m.zero()
	m.prepare(magnitude, smallest)
	m.each(func() []result {
		grad := m.times(gain, m.get("grad"))
		v := m.flush(m.fused(mu, m.get("v"), m.copy(grad)))
		return []result{{v, "v"}, {m.fused(rate, m.fused(mu, v, grad), m.get("w")), "w"}, {zero, "grad"}}
	})
}

func adaGrad(m *machine) {
	m.begin("adaGrad", "w, s, grad", "n int, rate, eps T)",
		"\tfor i := range n {",
		"\t\ts[i] = flush(fma(grad[i], grad[i], s[i]))",
		"\t\tw[i] = fma(-rate, grad[i]/(sqrt(s[i])+eps), w[i])",
		"\t\tgrad[i] = 0",
		"\t}")
	rate, eps, zero := m.number("rate"), m.number("eps"), m.zero()
	m.prepare(magnitude, smallest)
	m.each(func() []result {
		grad := m.get("grad")
		sum := m.flush(m.fused(grad, grad, m.get("s")))
		step := m.over(grad, m.plus(m.root(sum), eps))
		return []result{{sum, "s"}, {m.fusedMinus(rate, step, m.get("w")), "w"}, {zero, "grad"}}
	})
}

func rmsProp(m *machine) {
	m.begin("rmsProp", "w, v, grad", "n int, a, rate, eps T)",
		"\tfor i := range n {",
		"\t\tv[i] = flush(fma(a, fma(grad[i], grad[i], -v[i]), v[i]))",
		"\t\tw[i] = fma(-rate, grad[i]/(sqrt(v[i])+eps), w[i])",
		"\t\tgrad[i] = 0",
		"\t}")
	a, rate, eps, zero := m.number("a"), m.number("rate"), m.number("eps"), m.zero()
	m.prepare(magnitude, smallest)
	m.each(func() []result {
		grad, square := m.get("grad"), m.get("v")
		grown := m.timesMinus(m.copy(grad), grad, square)
		square = m.flush(m.fused(a, grown, square))
		step := m.over(grad, m.plus(m.root(square), eps))
		return []result{{square, "v"}, {m.fusedMinus(rate, step, m.get("w")), "w"}, {zero, "grad"}}
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
