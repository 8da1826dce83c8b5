package kernel

// GemmSGD computes G += A·B and then does with w and G what [SGD] does, to the
// same bits. A part of w is updated by the thread that computed its gradient, and
// at once: while it is in the caches of that core.
func GemmSGD[T Float](threads int, w []T, g, a, b Matrix[T], lr T) {
	mustMatch("GemmSGD", len(w), len(g.Data))
	gemm(threads, product[T]{c: g, a: a, b: b, add: true, w: w, lr: lr})
}

// GemmMomentum computes G += A·B and then does with w, v and G what [Momentum]
// does: as [GemmSGD].
func GemmMomentum[T Float](threads int, w, v []T, g, a, b Matrix[T], mu, lr T) {
	mustMatch("GemmMomentum", len(w), len(v), len(g.Data))
	gemm(threads, product[T]{c: g, a: a, b: b, add: true, w: w, v: v, mu: mu, lr: lr})
}

// update updates what the rows lo to hi of C, and of these the columns j0 to j1,
// are the gradient of, if anything.
func (g *product[T]) update(lo, hi, j0, j1 int) {
	n := g.c.Cols
	if g.w == nil {
		return
	}
	rows, columns := hi-lo, j1-j0
	if columns == n { // one piece of memory
		rows, columns = 1, rows*n
	}
	for i := range rows {
		first := (lo+i)*n + j0
		w, d := g.w[first:][:columns], g.c.Data[first:][:columns]
		if g.v == nil {
			sgd(w, d, g.lr)
		} else {
			momentum(w, g.v[first:][:columns], d, g.mu, g.lr)
		}
	}
}
