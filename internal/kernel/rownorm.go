package kernel

// RowNorm normalizes groups of channels, each sample by itself:
//
//	y = gamma·(x - mean)/√(var + eps) + beta
//
// with a gamma and a beta for each column ([Expand]), and moments m for each group of
// each sample, which it sets. Without center it takes 0 in place of the mean, so that
// the variance is the mean of x².
func RowNorm[T Float](threads int, l Layout, groups int, y, x, gamma, beta []T, m Moments[T], eps float64, center bool) {
	mustMatch("RowNorm", l.N*l.C*l.L, len(x), len(y))
	mustMatch("RowNorm", l.Columns(), len(gamma), len(beta))
	mustMatch("RowNorm", l.N*groups, len(m.Mean))
	if len(x) == 0 {
		return
	}
	r := rowNorm[T]{Layout: l, groups: groups, y: y, x: x, gamma: gamma, beta: beta, m: m, eps: eps, center: center}
	r.run(threads)
}

// RowNormBackward is the gradient of [RowNorm]. It sets dx and adds to the dgamma and
// dbeta of each channel. sums is memory for [RowNormSums] elements. Where
// h = (x - mean)/√(var + eps), and a group has M elements,
//
//	dx = (g - Σ g/M - h·Σ g·h/M)/√(var + eps)      g = gamma·dy
//
// Without center Σ g is left out.
func RowNormBackward[T Float](threads int, l Layout, groups int, dx, dy, x, gamma []T, m Moments[T], dgamma, dbeta, sums []T, center bool) {
	mustMatch("RowNormBackward", l.N*l.C*l.L, len(x), len(dy), len(dx))
	mustMatch("RowNormBackward", l.C, len(dgamma), len(dbeta))
	mustMatch("RowNormBackward", l.Columns(), len(gamma))
	mustMatch("RowNormBackward", RowNormSums(l), len(sums))
	mustMatch("RowNormBackward", l.N*groups, len(m.Mean))
	if len(x) == 0 {
		return
	}
	r := rowNorm[T]{Layout: l, groups: groups, y: dx, dy: dy, x: x, gamma: gamma, m: m, sums: sums, center: center}
	r.run(threads)

	// The sums of the parts, in their order, and then of the columns.
	n, w := l.Columns(), l.columns()
	total := sums[:2*n]
	AddColumnSums(total, sums[2*n:])
	for c := range l.C {
		dgamma[c] += T(channelSum(total[:n], c, w))
		dbeta[c] += T(channelSum(total[n:], c, w))
	}
}

// RowNormSums returns the size of the argument sums of [RowNormBackward]: dgamma and
// dbeta of each part.
func RowNormSums(l Layout) int { return 2 * l.Columns() * ceil(l.N, samplesOf(l)) }

// samplesOf is the number of samples in a part. The sums of a part are a fraction of
// what it reads.
func samplesOf(l Layout) int {
	const least, elements, parts = 16, 1 << 15, 64
	return max(least, ceil(elements, max(l.C*l.L, 1)), ceil(l.N, parts))
}

// rowNorm is a direction of a normalization by rows. A part of it is some samples.
type rowNorm[T Float] struct {
	Layout
	groups      int
	y, dy, x    []T // y is dx, if there is a dy
	gamma, beta []T
	sums        []T
	m           Moments[T]
	eps         float64
	center      bool
}

func (r *rowNorm[T]) run(threads int) {
	parts := ceil(r.N, samplesOf(r.Layout))
	if threads > 1 && parts > 1 && len(r.x) >= thresholds.update && share(&keptOf[T]().rowNorms, r, threads, parts, len(r.x) >= thresholds.wakeUpdate) {
		return
	}
	for part := range parts {
		r.Do(part)
	}
}

func (r *rowNorm[T]) Do(part int) {
	samples, n := samplesOf(r.Layout), r.Columns()
	var dgamma, dbeta []T
	if r.dy != nil {
		sums := r.sums[part*2*n:][:2*n]
		clear(sums)
		dgamma, dbeta = sums[:n], sums[n:]
	}
	// So many groups at a time that what there is for each column stays in the nearest cache.
	const near = 1 << 12
	columns, size := n/r.groups, r.C/r.groups*r.L
	first, end := part*samples, min((part+1)*samples, r.N)
	for group, each := 0, max(1, near/columns); group < r.groups; group += each {
		last := min(group+each, r.groups) - 1
		for sample := first; sample < end; sample++ {
			for g := group; g <= last; g++ {
				i, column, next := sample*r.groups+g, g*columns, size
				if g == last {
					next = (r.groups - last + group) * size
				}
				at := i * size
				y, x, gamma := r.y[at:][:size], r.x[at:][:size], r.gamma[column:][:columns]
				if r.dy == nil {
					r.forward(i, next, y, x, gamma, r.beta[column:][:columns])
				} else {
					r.backward(i, next, y, r.dy[at:][:size], x, gamma, dgamma[column:][:columns], dbeta[column:][:columns])
				}
			}
		}
	}
}

// forward normalizes set i. The next one is so many elements on.
func (r *rowNorm[T]) forward(i, next int, y, x, gamma, beta []T) {
	count := float64(len(x))
	d, sum := x, 0.0
	r.m.Mean[i] = 0
	if r.center {
		r.m.Mean[i] = T(float64(Sum(x)) / count)
		center(y, x, next, r.m.Mean[i])
		d, sum = y, float64(Sum(y))
	}
	r.m.set(i, sum, float64(Dot(d, d)), count, r.eps)
	inv, offset := r.m.Inv[i], -r.m.Rest[i]*r.m.Inv[i]
	r.pieces(r.C/r.groups, func(at, column, n int) {
		normRow(y[at:][:n], d[at:][:n], gamma[column:][:n], beta[column:][:n], next, inv, offset)
	})
}

func (r *rowNorm[T]) backward(i, next int, dx, dy, x, gamma, dgamma, dbeta []T) {
	count, channels := float64(len(x)), r.C/r.groups
	r.pieces(channels, func(at, column, n int) { times(dx[at:][:n], dy[at:][:n], gamma[column:][:n]) })
	mean, inv, rest, sum := r.m.Mean[i], float64(r.m.Inv[i]), float64(r.m.Rest[i]), 0.0
	if r.center {
		sum = float64(Sum(dx))
	}
	along := inv * (float64(dotCentered(dx, x, mean)) - float64(rest*sum)) // Σ g·h
	slope := -inv * inv * along / count
	shift := -inv*sum/count - float64(slope*rest)
	r.pieces(channels, func(at, column, n int) {
		normRowBackward(dx[at:][:n], dgamma[column:][:n], dbeta[column:][:n], dy[at:][:n], x[at:][:n], next,
			mean, r.m.Inv[i], -r.m.Rest[i]*r.m.Inv[i], T(slope), T(shift))
	})
}

// center sets y[i] = x[i] - mean. It and the next two ask the memory for what is next
// elements on.
func center[T Float](y, x []T, next int, mean T) {
	if centerAsm(y, x, next, mean) {
		return
	}
	for i, v := range x {
		y[i] = v - mean
	}
}

// normRow sets y[i] = (d[i]·inv + offset)·gamma[i] + beta[i].
func normRow[T Float](y, d, gamma, beta []T, next int, inv, offset T) {
	if normRowAsm(y, d, gamma, beta, next, inv, offset) {
		return
	}
	for i, v := range d {
		y[i] = fma(fma(v, inv, offset), gamma[i], beta[i])
	}
}

// dotCentered returns Σ a[i]·(x[i] - mean), in the order of [Sum].
func dotCentered[T Float](a, x []T, mean T) T {
	if s, ok := dotCenteredAsm(a, x, mean); ok {
		return s
	}
	var s [lanes]T
	for i, v := range a {
		s[i%lanes] = fma(v, x[i]-mean, s[i%lanes])
	}
	return join(&s)
}

// normRowBackward makes dx[i], which is gamma[i]·dy[i], the gradient of x[i], and adds
// that of gamma[i] and beta[i].
func normRowBackward[T Float](dx, dgamma, dbeta, dy, x []T, next int, mean, inv, offset, slope, shift T) {
	if normRowBackwardAsm(dx, dgamma, dbeta, dy, x, next, mean, inv, offset, slope, shift) {
		return
	}
	for i, v := range x {
		d := v - mean
		dx[i] = fma(inv, dx[i], fma(slope, d, shift))
		dgamma[i] = fma(dy[i], fma(d, inv, offset), dgamma[i])
		dbeta[i] += dy[i]
	}
}
