package kernel

import "math"

// The products in Go: what every processor without tiles runs,
// and the definition of the bits that tiles give.

// loops is a product computed by them, so many rows of C at a time.
type loops[T Float] struct {
	product[T]
	height int

	// sparse allows leaving out terms in which A is 0, as four of five pixels
	// of MNIST are. With B finite such a term is ±0, which can change nothing
	// but the sign of a sum that is 0 itself, and that is + in the end.
	sparse bool
}

func multiply[T Float](threads int, g product[T]) {
	m := g.c.Rows
	// One pass over B must be little next to the product itself.
	l := loops[T]{g, m, m >= 8 && !g.b.transposed && finite(g.b.Data)}
	if threads > 1 && m*g.c.Cols*g.a.Cols >= thresholds.loops {
		l.height = ceil(m, 4*threads)
		if share(&keptOf[T]().loops, &l, threads, ceil(m, l.height), true) {
			return
		}
	}
	l.rows(0, m)
}

func finite[T Float](x []T) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// Do computes one part of C.
func (g *loops[T]) Do(part int) {
	g.rows(part*g.height, min((part+1)*g.height, g.c.Rows))
}

// rows computes the rows lo to hi of C.
func (g *loops[T]) rows(lo, hi int) {
	n, k := g.c.Cols, g.a.Cols
	row, step := g.a.strides()
	for i := lo; i < hi; i++ {
		c := g.c.Data[i*n : (i+1)*n]
		switch {
		case g.bias != nil:
			copy(c, g.bias)
		case !g.add:
			clear(c)
		}
		switch {
		case k == 0:
		case g.b.transposed:
			addDots(c, g.a.Data[i*row:], step, g.b.Data, k)
		default:
			g.addRows(c, g.a.Data[i*row:], step)
		}
		for j := range c {
			c[j] += 0 // -0 becomes +0
		}
		if g.relu {
			relu(c, c)
		}
	}
}

// addRows adds Σ a[p·step]·(row p of B) to c. Four rows at a time, so that c
// is read and written a quarter as often; each element still takes its terms
// one after another.
func (g *loops[T]) addRows(c, a []T, step int) {
	var (
		v    [4]T
		rows [4][]T
		have int
		n    = len(c)
	)
	for p := range g.b.Rows {
		v[have] = a[p*step]
		if g.sparse && v[have] == 0 {
			continue
		}
		rows[have] = g.b.Data[p*n:][:n]
		if have++; have == 4 {
			axpy4(c, &v, &rows)
			have = 0
		}
	}
	for r := range have {
		for j, w := range rows[r] {
			c[j] = fma(v[r], w, c[j])
		}
	}
}

// addDots adds to each c[j] the product of a (every step-th element) and row j
// of b, which has k columns. Four columns of C at a time keep the processor
// busy while each waits for its own sum.
func addDots[T Float](c, a []T, step int, b []T, k int) {
	j := 0
	for ; j+4 <= len(c); j += 4 {
		dot4(c[j:j+4], a, step, b[j*k:(j+4)*k])
	}
	for ; j < len(c); j++ {
		s := c[j]
		for p, w := range b[j*k:][:k] {
			s = fma(a[p*step], w, s)
		}
		c[j] = s
	}
}

// The four innermost loops are not instrumented for the race detector, which
// would make them many times slower. It sees what else touches these slices, so
// not a lone reader of B in here.

// axpy4 computes c[j] += v[0]·b[0][j] + ... + v[3]·b[3][j], term after term.
func axpy4[T Float](c []T, v *[4]T, b *[4][]T) {
	switch c := any(c).(type) {
	case []float32:
		axpy4f32(c, any(v).(*[4]float32), any(b).(*[4][]float32))
	case []float64:
		axpy4f64(c, any(v).(*[4]float64), any(b).(*[4][]float64))
	}
}

//go:norace
func axpy4f64(c []float64, v *[4]float64, b *[4][]float64) {
	v0, v1, v2, v3 := v[0], v[1], v[2], v[3]
	b0, b1, b2, b3 := b[0][:len(c)], b[1][:len(c)], b[2][:len(c)], b[3][:len(c)]
	for j, s := range c {
		s = math.FMA(v0, b0[j], s)
		s = math.FMA(v1, b1[j], s)
		s = math.FMA(v2, b2[j], s)
		c[j] = math.FMA(v3, b3[j], s)
	}
}

// axpy4f32 has the fast path of fma32 written out: the function is too large
// for the compiler to inline, and a call for each term would double the time.
//
//go:norace
func axpy4f32(c []float32, v *[4]float32, b *[4][]float32) {
	v0, v1, v2, v3 := float64(v[0]), float64(v[1]), float64(v[2]), float64(v[3])
	b0, b1, b2, b3 := b[0][:len(c)], b[1][:len(c)], b[2][:len(c)], b[3][:len(c)]
	for j := range c {
		t0 := v0*float64(b0[j]) + float64(c[j])
		t1 := v1*float64(b1[j]) + float64(float32(t0))
		t2 := v2*float64(b2[j]) + float64(float32(t1))
		t3 := v3*float64(b3[j]) + float64(float32(t2))
		if risky(t0) || risky(t1) || risky(t2) || risky(t3) {
			for i, w := range [4]float32{b0[j], b1[j], b2[j], b3[j]} {
				c[j] = fma32(v[i], w, c[j])
			}
			continue
		}
		c[j] = float32(t3)
	}
}

// dot4 adds to c[0] to c[3] the products of a (every step-th element) with the
// four rows of b.
func dot4[T Float](c, a []T, step int, b []T) {
	switch c := any(c).(type) {
	case []float32:
		dot4f32(c, any(a).([]float32), step, any(b).([]float32))
	case []float64:
		dot4f64(c, any(a).([]float64), step, any(b).([]float64))
	}
}

//go:norace
func dot4f64(c, a []float64, step int, b []float64) {
	k := len(b) / 4
	b0, b1, b2, b3 := b[:k], b[k:][:k], b[2*k:][:k], b[3*k:][:k]
	s0, s1, s2, s3 := c[0], c[1], c[2], c[3]
	for p, w := range b0 {
		v := a[p*step]
		s0 = math.FMA(v, w, s0)
		s1 = math.FMA(v, b1[p], s1)
		s2 = math.FMA(v, b2[p], s2)
		s3 = math.FMA(v, b3[p], s3)
	}
	c[0], c[1], c[2], c[3] = s0, s1, s2, s3
}

// dot4f32 has fma32 written out, as [axpy4f32] has.
//
//go:norace
func dot4f32(c, a []float32, step int, b []float32) {
	k := len(b) / 4
	b0, b1, b2, b3 := b[:k], b[k:][:k], b[2*k:][:k], b[3*k:][:k]
	s0, s1, s2, s3 := c[0], c[1], c[2], c[3]
	for p, w := range b0 {
		v := a[p*step]
		d := float64(v)
		t0 := d*float64(w) + float64(s0)
		t1 := d*float64(b1[p]) + float64(s1)
		t2 := d*float64(b2[p]) + float64(s2)
		t3 := d*float64(b3[p]) + float64(s3)
		if risky(t0) || risky(t1) || risky(t2) || risky(t3) {
			s0, s1, s2, s3 = fma32(v, w, s0), fma32(v, b1[p], s1), fma32(v, b2[p], s2), fma32(v, b3[p], s3)
			continue
		}
		s0, s1, s2, s3 = float32(t0), float32(t1), float32(t2), float32(t3)
	}
	c[0], c[1], c[2], c[3] = s0, s1, s2, s3
}
