package kernel

// SoftmaxRow sets y[i] = e^(x[i]-m) / s with m the largest x and
// s = Σ e^(x[i]-m), and returns m and s: log s + m is the log-sum-exp of x.
func SoftmaxRow[T Float](y, x []T) (m, s T) {
	mustMatch("SoftmaxRow", len(y), len(x))
	m = Max(x)
	for i, v := range x {
		y[i] = v - m
	}
	Exp(y, y)
	s = Sum(y)
	for i, e := range y {
		y[i] = flush(e / s)
	}
	return m, s
}

// SoftmaxRowBackward sets dx[i] = y[i]·(dy[i] - Σ dy·y), subnormal results 0.
func SoftmaxRowBackward[T Float](dx, dy, y []T) {
	mustMatch("SoftmaxRowBackward", len(dx), len(dy), len(y))
	s := Dot(dy, y)
	for i, v := range y {
		dx[i] = flush(v * (dy[i] - s))
	}
}

// OneHotLossBackward sets dx = (y - t)/n for the one-hot t of a label,
// subnormal results 0.
func OneHotLossBackward[T Float](dx, y []T, label, n int) {
	mustMatch("OneHotLossBackward", len(dx), len(y))
	for i, v := range y {
		if i == label {
			v--
		}
		dx[i] = flush(v / T(n))
	}
}

// SoftmaxLossBackward sets dx = (y - t)/n, subnormal results 0.
func SoftmaxLossBackward[T Float](dx, y, t []T, n int) {
	mustMatch("SoftmaxLossBackward", len(dx), len(y), len(t))
	for i, v := range y {
		dx[i] = flush((v - t[i]) / T(n))
	}
}
