package kernel

// Axpy sets y[i] += a·x[i], fused.
func Axpy[T Float](y, x []T, a T) {
	mustMatch("Axpy", len(y), len(x))
	if asmAxpy(y, x, a) {
		return
	}
	for i, v := range x {
		y[i] = fma(a, v, y[i])
	}
}

// SGD sets w[i] -= lr·g[i], fused, and g[i] = 0.
func SGD[T Float](w, g []T, lr T) {
	mustMatch("SGD", len(w), len(g))
	if asmSGD(w, g, lr) {
		return
	}
	for i, d := range g {
		w[i] = fma(-lr, d, w[i])
		g[i] = 0
	}
}

// Momentum sets v[i] = mu·v[i] - lr·g[i], then w[i] += v[i] and g[i] = 0. The
// product mu·v is rounded, and the rest fused. A subnormal v is 0: where the
// gradient stays away, v decays for ever.
func Momentum[T Float](w, v, g []T, mu, lr T) {
	mustMatch("Momentum", len(w), len(v), len(g))
	if asmMomentum(w, v, g, mu, lr) {
		return
	}
	for i, d := range g {
		v[i] = flush(fma(-lr, d, T(mu*v[i])))
		w[i] += v[i]
		g[i] = 0
	}
}
