package main

// The kernels of normalization. In columns, every column has its own mean, and results
// are added to a sum in every column; in rows, a whole row has one.

func addition(m *machine) {
	m.begin("add", "y, a, b", "n int)",
		"\tfor i := range n {",
		"\t\ty[i] = a[i] + b[i]",
		"\t}")
	m.each(func() []result {
		return []result{{m.plus(m.get("a"), m.get("b")), "y"}}
	})
}

func product(m *machine) {
	m.begin("times", "y, a, b", "n int)",
		"\tfor i := range n {",
		"\t\ty[i] = a[i] * b[i]",
		"\t}")
	m.each(func() []result {
		return []result{{m.times(m.get("a"), m.get("b")), "y"}}
	})
}

func center(m *machine) {
	m.begin("center", "y, x", "n, next int, mean T)",
		"\tfor i := range n {",
		"\t\ty[i] = x[i] - mean",
		"\t}")
	mean := m.number("mean")
	m.askNext("x")
	m.each(func() []result {
		return []result{{m.minus(m.get("x"), mean), "y"}}
	})
}

func centeredSums(m *machine) {
	m.begin("centeredSums", "sum, squares, x, mean", "n int)",
		"\tfor i := range n {",
		"\t\td := x[i] - mean[i]",
		"\t\tsum[i] += d",
		"\t\tsquares[i] = fma(d, d, squares[i])",
		"\t}")
	m.each(func() []result {
		d := m.minus(m.get("x"), m.get("mean"))
		return []result{{m.plus(m.get("sum"), d), "sum"}, {m.fused(d, d, m.get("squares")), "squares"}}
	})
}

func normColumns(m *machine) {
	m.begin("normColumns", "y, x, mean, scale, shift", "n int)",
		"\tfor i := range n {",
		"\t\ty[i] = fma(x[i]-mean[i], scale[i], shift[i])",
		"\t}")
	m.each(func() []result {
		d := m.minus(m.get("x"), m.get("mean"))
		return []result{{m.fused(d, m.get("scale"), m.get("shift")), "y"}}
	})
}

func normColumnSums(m *machine) {
	m.begin("normColumnSums", "sum, along, dy, x, mean", "n int)",
		"\tfor i := range n {",
		"\t\tsum[i] += dy[i]",
		"\t\talong[i] = fma(dy[i], x[i]-mean[i], along[i])",
		"\t}")
	m.each(func() []result {
		dy, d := m.get("dy"), m.minus(m.get("x"), m.get("mean"))
		return []result{{m.plus(m.get("sum"), dy), "sum"}, {m.fused(dy, d, m.get("along")), "along"}}
	})
}

func normColumnsBackward(m *machine) {
	m.begin("normColumnsBackward", "dx, dy, x, mean, scale, slope, shift", "n int)",
		"\tfor i := range n {",
		"\t\tdx[i] = fma(scale[i], dy[i], fma(slope[i], x[i]-mean[i], shift[i]))",
		"\t}")
	m.each(func() []result {
		d := m.minus(m.get("x"), m.get("mean"))
		t := m.fused(m.get("slope"), d, m.get("shift"))
		return []result{{m.fused(m.get("scale"), m.get("dy"), t), "dx"}}
	})
}

func normRow(m *machine) {
	m.begin("normRow", "y, d, gamma, beta", "n, next int, inv, offset T)",
		"\tfor i := range n {",
		"\t\ty[i] = fma(fma(d[i], inv, offset), gamma[i], beta[i])",
		"\t}")
	inv, offset := m.number("inv"), m.number("offset")
	m.askNext("y", "d")
	m.each(func() []result {
		h := m.timesPlus(m.get("d"), inv, offset)
		return []result{{m.fused(h, m.get("gamma"), m.get("beta")), "y"}}
	})
}

// dotCentered may add 0·(0 - mean) to the lanes beyond the end, which changes nothing
// while mean is finite.
func dotCentered(m *machine) {
	m.begin("dotCentered", "a, x", "n int, mean T) T",
		"\tvar s [16]T",
		"\tfor i := range n {",
		"\t\ts[i%16] = fma(a[i], x[i]-mean, s[i%16])",
		"\t}",
		"\treturn join(&s)")
	mean := m.number("mean")
	m.reduce(reduction{[]string{"a", "x"}, nought, func(lane vec, e []vec) { m.fused(e[0], m.minus(e[1], mean), lane) }, false, false})
}

func normRowBackward(m *machine) {
	m.begin("normRowBackward", "dx, dgamma, dbeta, dy, x", "n, next int, mean, inv, offset, slope, shift T)",
		"\tfor i := range n {",
		"\t\td := x[i] - mean",
		"\t\tdx[i] = fma(inv, dx[i], fma(slope, d, shift))",
		"\t\tdgamma[i] = fma(dy[i], fma(d, inv, offset), dgamma[i])",
		"\t\tdbeta[i] += dy[i]",
		"\t}")
	m.askNext("dx", "dy", "x")
	mean, inv, offset, slope, shift := m.number("mean"), m.number("inv"), m.number("offset"), m.number("slope"), m.number("shift")
	m.each(func() []result {
		d, dy := m.minus(m.get("x"), mean), m.get("dy")
		dx := m.fused(inv, m.get("dx"), m.timesPlus(m.copy(d), slope, shift))
		dgamma := m.fused(dy, m.timesPlus(d, inv, offset), m.get("dgamma"))
		return []result{{dx, "dx"}, {dgamma, "dgamma"}, {m.plus(m.get("dbeta"), dy), "dbeta"}}
	})
}
