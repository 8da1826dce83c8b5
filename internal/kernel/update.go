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

// The steps of optimizers, each in one pass over memory, which leaves the gradient g
// zero. The state of each (v, s or m) becomes 0 where it is subnormal: without
// gradients it decays for ever.

// Piece is how many elements of a parameter are updated at a time. So few, so that what
// [Adjust] has written is still in the cache for the step of the optimizer.
const Piece = 1 << 12

// Update does a job whose parts are pieces of parameters, of so many elements in all, on
// up to so many threads.
func Update(threads, elements, parts int, j Job) {
	if threads > 1 && elements >= thresholds.update && run(threads, parts, elements >= thresholds.wakeUpdate, j) {
		return
	}
	for part := range parts {
		j.Do(part)
	}
}

// Adjust makes the gradient that an optimizer goes down of one that was computed, by
// clipping and weight decay:
//
//	g[i] = decay·w[i] + clamp(scale·g[i])   to ±limit, which is above 0 and may be Inf
//	w[i] -= shrink·w[i]
//
// Each line is fused; scale·g is rounded. A NaN stays one.
func Adjust[T Float](w, g []T, scale, limit, decay, shrink T) {
	mustMatch("Adjust", len(w), len(g))
	if adjustAsm(w, g, scale, limit, -limit, decay, shrink) {
		return
	}
	for i, d := range g {
		g[i] = fma(decay, w[i], min(limit, max(-limit, scale*d)))
		w[i] = fma(-shrink, w[i], w[i])
	}
}

// SGD sets w[i] -= lr·g[i], fused, and g[i] = 0.
func SGD[T Float](w, g []T, lr T) {
	mustMatch("SGD", len(w), len(g))
	if sgdAsm(w, g, -lr) {
		return
	}
	for i, d := range g {
		w[i] = fma(-lr, d, w[i])
		g[i] = 0
	}
}

// Momentum sets v[i] = mu·v[i] + gain·g[i], then w[i] += rate·v[i] and g[i] = 0. The
// product mu·v is rounded, and the rest fused. The learning rate is in gain, negative,
// and rate is 1; or it is in rate, negative, and gain is 1.
func Momentum[T Float](w, v, g []T, mu, gain, rate T) {
	mustMatch("Momentum", len(w), len(v), len(g))
	if momentumAsm(w, v, g, mu, gain, rate) {
		return
	}
	for i, d := range g {
		v[i] = flush(fma(gain, d, T(mu*v[i])))
		w[i] = fma(rate, v[i], w[i])
		g[i] = 0
	}
}

// Nesterov sets v[i] = mu·v[i] + gain·g[i], then w[i] += rate·(mu·v[i] + gain·g[i]),
// with the new v, and g[i] = 0. The product gain·g is rounded, and the rest fused. The
// learning rate is in gain or rate, as for [Momentum].
func Nesterov[T Float](w, v, g []T, mu, gain, rate T) {
	mustMatch("Nesterov", len(w), len(v), len(g))
	if nesterovAsm(w, v, g, mu, gain, rate) {
		return
	}
	for i, d := range g {
		d = T(gain * d)
		v[i] = flush(fma(mu, v[i], d))
		w[i] = fma(rate, fma(mu, v[i], d), w[i])
		g[i] = 0
	}
}

// AdaGrad sets s[i] += g[i]², fused, then w[i] -= rate·g[i]/(√s[i] + eps), where root,
// sum and quotient are rounded and the rest is fused, and g[i] = 0. With eps = 0, an
// element whose gradients have all been 0 becomes NaN.
func AdaGrad[T Float](w, s, g []T, rate, eps T) {
	mustMatch("AdaGrad", len(w), len(s), len(g))
	if adaGradAsm(w, s, g, rate, eps) {
		return
	}
	for i, d := range g {
		s[i] = flush(fma(d, d, s[i]))
		w[i] = fma(-rate, d/(sqrt(s[i])+eps), w[i])
		g[i] = 0
	}
}

// RMSProp sets v[i] += a·(g[i]² - v[i]), where the difference is fused and so is the
// sum, and then w and g as [AdaGrad] does.
func RMSProp[T Float](w, v, g []T, a, rate, eps T) {
	mustMatch("RMSProp", len(w), len(v), len(g))
	if rmsPropAsm(w, v, g, a, rate, eps) {
		return
	}
	for i, d := range g {
		v[i] = flush(fma(a, fma(d, d, -v[i]), v[i]))
		w[i] = fma(-rate, d/(sqrt(v[i])+eps), w[i])
		g[i] = 0
	}
}

// Adam is a step of the optimizer of that name (Kingma and Ba, "Adam: A method for
// stochastic optimization", ICLR 2015):
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
// line, fused. With eps = 0, an element whose gradients have all been 0 becomes NaN; a g
// whose square overflows makes v infinite, and NaN one step later.
func Adam[T Float](w, m, v, g []T, a1, a2, rate, eps T) {
	mustMatch("Adam", len(w), len(m), len(v), len(g))
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
