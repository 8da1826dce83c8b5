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
func SGD[T Float](threads int, w, g []T, lr T) {
	mustMatch("SGD", len(w), len(g))
	u := update[T]{w: w, g: g, lr: lr}
	u.run(threads)
}

// Momentum sets v[i] = mu·v[i] - lr·g[i], then w[i] += v[i] and g[i] = 0. The
// product mu·v is rounded, and the rest fused. A subnormal v is 0: where the
// gradient stays away, v decays for ever.
func Momentum[T Float](threads int, w, v, g []T, mu, lr T) {
	mustMatch("Momentum", len(w), len(v), len(g))
	u := update[T]{w, v, g, mu, lr}
	u.run(threads)
}

// update is a step of an optimizer, of Momentum if there is a v.
type update[T Float] struct {
	w, v, g []T
	mu, lr  T
}

// piece is how many elements are a part of an update: few, so that whoever
// computed a part of a gradient finds much of it in its cache, and a goroutine
// that shall stop is not kept.
const piece = 1 << 12

func (u *update[T]) run(threads int) {
	parts := ceil(len(u.w), piece)
	if threads > 1 && parts >= thresholds.pieces && share(&keptOf[T]().updates, u, threads, parts, parts >= thresholds.wakePieces) {
		return
	}
	for part := range parts {
		u.Do(part)
	}
}

func (u *update[T]) Do(part int) {
	lo, hi := part*piece, min((part+1)*piece, len(u.w))
	if u.v == nil {
		sgd(u.w[lo:hi], u.g[lo:hi], u.lr)
	} else {
		momentum(u.w[lo:hi], u.v[lo:hi], u.g[lo:hi], u.mu, u.lr)
	}
}

func sgd[T Float](w, g []T, lr T) {
	if asmSGD(w, g, lr) {
		return
	}
	for i, d := range g {
		w[i] = fma(-lr, d, w[i])
		g[i] = 0
	}
}

func momentum[T Float](w, v, g []T, mu, lr T) {
	if asmMomentum(w, v, g, mu, lr) {
		return
	}
	for i, d := range g {
		v[i] = flush(fma(-lr, d, T(mu*v[i])))
		w[i] += v[i]
		g[i] = 0
	}
}
