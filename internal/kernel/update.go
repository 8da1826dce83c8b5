package kernel

import "math"

// Axpy sets y[i] += a·x[i], fused.
func Axpy[T Float](y, x []T, a T) {
	mustMatch("Axpy", len(y), len(x))
	if axpyAsm(y, x, a) {
		return
	}
	for i, v := range x {
		y[i] = fma(a, v, y[i])
	}
}

// SGD sets w[i] -= lr·g[i], fused, and g[i] = 0.
func SGD[T Float](threads int, w, g []T, lr T) {
	mustMatch("SGD", len(w), len(g))
	u := update[T]{rule: bySGD, w: w, g: g, lr: lr}
	u.run(threads)
}

// Momentum sets v[i] = mu·v[i] - lr·g[i], then w[i] += v[i] and g[i] = 0. The
// product mu·v is rounded, and the rest fused. A subnormal v becomes 0: without
// gradients, v decays for ever.
func Momentum[T Float](threads int, w, v, g []T, mu, lr T) {
	mustMatch("Momentum", len(w), len(v), len(g))
	u := update[T]{rule: byMomentum, w: w, v: v, g: g, a1: mu, lr: lr}
	u.run(threads)
}

// Adam is a step of the optimizer of that name (Kingma and Ba, "Adam: A method for
// stochastic optimization", ICLR 2015), in one pass over memory:
//
//	m[i] += a1·(g[i] - m[i])
//	v[i] += a2·(g[i]² - v[i])
//	w[i] -= rate·m[i]/(√v[i] + eps)
//	g[i] = 0
//
// a1 is 1 - β1 and a2 is 1 - β2, both from 0 to 1 and better subtracted in float64:
// as a float32, 1 - 0.999 is off by 5e-5. The correction of the bias at step t is in
// the last two factors, and so is where epsilon stands:
//
//	rate = lr·√(1 - β2^t)/(1 - β1^t), eps = ε              the book and ONNX
//	rate = lr·√(1 - β2^t)/(1 - β1^t), eps = ε·√(1 - β2^t)  the paper and PyTorch
//
// Each line is rounded like this: the first difference; its product added, fused;
// g² - v, fused; its product added, fused; the root; the sum; the quotient; the last
// line, fused. A subnormal m or v is 0. With eps = 0, an element whose gradients have
// all been 0 becomes NaN; a g whose square overflows makes v infinite, and NaN one
// step later.
func Adam[T Float](threads int, w, m, v, g []T, a1, a2, rate, eps T) {
	mustMatch("Adam", len(w), len(m), len(v), len(g))
	u := update[T]{rule: byAdam, w: w, m: m, v: v, g: g, a1: a1, a2: a2, lr: rate, eps: eps}
	u.run(threads)
}

// update is a step of an optimizer.
type update[T Float] struct {
	rule       rule
	w, m, v, g []T
	a1, a2     T // of Momentum a1 alone: mu
	lr, eps    T
}

type rule int

const (
	bySGD rule = iota
	byMomentum
	byAdam
)

// piece is the number of elements in a part of an update. It is small, so that much of
// a part's gradient is still in the cache of the core that computed it, and so that
// the goroutine can be stopped soon.
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
	switch u.rule {
	case bySGD:
		sgd(u.w[lo:hi], u.g[lo:hi], u.lr)
	case byMomentum:
		momentum(u.w[lo:hi], u.v[lo:hi], u.g[lo:hi], u.a1, u.lr)
	case byAdam:
		adam(u.w[lo:hi], u.m[lo:hi], u.v[lo:hi], u.g[lo:hi], u.a1, u.a2, u.lr, u.eps)
	}
}

func sgd[T Float](w, g []T, lr T) {
	if sgdAsm(w, g, -lr) {
		return
	}
	for i, d := range g {
		w[i] = fma(-lr, d, w[i])
		g[i] = 0
	}
}

func momentum[T Float](w, v, g []T, mu, lr T) {
	if momentumAsm(w, v, g, mu, -lr) {
		return
	}
	for i, d := range g {
		v[i] = flush(fma(-lr, d, T(mu*v[i])))
		w[i] += v[i]
		g[i] = 0
	}
}

func adam[T Float](w, m, v, g []T, a1, a2, rate, eps T) {
	if adamAsm(w, m, v, g, a1, a2, rate, eps) {
		return
	}
	for i, d := range g {
		m[i] = flush(fma(a1, d-m[i], m[i]))
		v[i] = flush(fma(a2, fma(d, d, -v[i]), v[i]))
		w[i] = fma(-rate, m[i]/(sqrt(v[i])+eps), w[i])
		g[i] = 0
	}
}

// sqrt returns √x, rounded once: the root of a float32 in float64 has enough bits
// for the second rounding to be right.
func sqrt[T Float](x T) T { return T(math.Sqrt(float64(x))) }
