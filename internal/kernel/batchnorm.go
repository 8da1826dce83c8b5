package kernel

import "math"

// BatchNorm normalizes each channel over all samples:
//
//	y = gamma·(x - mean)/√(var + eps) + beta
//
// With train it sets m to the moments of x, one set for each channel. Otherwise m has
// Mean, Rest and Var, and it sets Inv.
func BatchNorm[T Float](threads int, l Layout, y, x, gamma, beta []T, m Moments[T], eps float64, train bool) {
	mustMatch("BatchNorm", l.N*l.C*l.L, len(x), len(y))
	mustMatch("BatchNorm", l.C, len(gamma), len(beta), len(m.Mean))
	b := batchNorm[T]{Layout: l, y: y, x: x, gamma: gamma, beta: beta, m: m, eps: eps, train: train}
	b.run(threads)
}

// BatchNormBackward is the gradient of [BatchNorm]. It sets dx and adds to dgamma and
// dbeta. With train, where h = (x - mean)/√(var + eps) and M = N·L,
//
//	dx = gamma/√(var + eps)·(dy - Σ dy/M - h·Σ dy·h/M)
//
// and otherwise the sums are left out.
func BatchNormBackward[T Float](threads int, l Layout, dx, dy, x, gamma []T, m Moments[T], dgamma, dbeta []T, train bool) {
	mustMatch("BatchNormBackward", l.N*l.C*l.L, len(x), len(dy), len(dx))
	mustMatch("BatchNormBackward", l.C, len(gamma), len(dgamma), len(dbeta), len(m.Mean))
	b := batchNorm[T]{Layout: l, y: dx, dy: dy, x: x, gamma: gamma, m: m, dgamma: dgamma, dbeta: dbeta, train: train}
	b.run(threads)
}

// batchNorm is a direction of a batch normalization. A part of it is some channels: few
// enough to stay in the cache from one pass over them to the next, if they can, and else
// many, so that a row of them is long. No result depends on how many.
type batchNorm[T Float] struct {
	Layout
	y, dy, x       []T // y is dx, if there is a dy
	gamma, beta    []T
	dgamma, dbeta  []T
	m              Moments[T]
	eps            float64
	train          bool
	channels, each int // of a part, and columns of a channel
	sampled        int // the first samples, whose mean Moments.Mean is
}

func (b *batchNorm[T]) run(threads int) {
	if len(b.x) == 0 {
		return
	}
	const elements, columns, least = 1 << 17, 1 << 10, 256 // a short piece of a row is slow to come from memory
	w := b.columns()
	most := max(min(elements/(b.N*b.L), columns/w), ceil(least, w))
	b.sampled = b.N
	if fit := elements / (min(ceil(least, w), b.C) * b.L); fit < b.N {
		b.sampled = max(1, fit)
		most = max(most, min(ceil(b.C, threads), ceil(4*columns, w)))
	}
	b.channels, b.each = min(most, b.C), w
	parts := ceil(b.C, b.channels)
	if threads > 1 && len(b.x) >= thresholds.update && share(&keptOf[T]().batchNorms, b, threads, parts, len(b.x) >= thresholds.wakeUpdate) {
		return
	}
	for part := range parts {
		b.Do(part)
	}
}

func (b *batchNorm[T]) Do(part int) {
	first := part * b.channels
	channels := min(b.channels, b.C-first)
	n := channels * b.each
	buffer := borrow[T](part, 4*n)
	d := buffer.data
	p := batchPart[T]{b, first, channels, d[:n], d[n : 2*n], d[2*n : 3*n], d[3*n : 4*n]}
	if b.dy == nil {
		p.forward()
	} else {
		p.backward()
	}
	keptOf[T]().buffers.giveBack(part, buffer)
}

// batchPart is a part of a batchNorm, with four numbers for each of its columns.
type batchPart[T Float] struct {
	*batchNorm[T]
	first, channels  int
	mean, s1, s2, s3 []T
}

func (p *batchPart[T]) forward() {
	count := float64(p.N * p.L)
	if p.train {
		clear(p.s1)
		p.rows(p.sampled, func(at, column, n int) {
			s := p.s1[column:][:n]
			add(s, s, p.x[at:][:n])
		}, p.x)
		p.means(float64(p.sampled * p.L))
	}
	p.expandMean()
	if p.train {
		clear(p.s1)
		clear(p.s2)
		p.rows(p.N, func(at, column, n int) {
			centeredSums(p.s1[column:][:n], p.s2[column:][:n], p.x[at:][:n], p.mean[column:][:n])
		})
	}
	p.scales(count)
	p.rows(p.N, func(at, column, n int) {
		normColumns(p.y[at:][:n], p.x[at:][:n], p.mean[column:][:n], p.s1[column:][:n], p.s2[column:][:n])
	}, p.y)
}

func (p *batchPart[T]) backward() {
	count := float64(p.N * p.L)
	p.expandMean()
	clear(p.s1)
	clear(p.s2)
	p.rows(p.N, func(at, column, n int) {
		normColumnSums(p.s1[column:][:n], p.s2[column:][:n], p.dy[at:][:n], p.x[at:][:n], p.mean[column:][:n])
	})
	p.slopes(count)
	p.rows(p.N, func(at, column, n int) {
		dx, dy, scale := p.y[at:][:n], p.dy[at:][:n], p.s1[column:][:n]
		if p.train {
			normColumnsBackward(dx, dy, p.x[at:][:n], p.mean[column:][:n], scale, p.s2[column:][:n], p.s3[column:][:n])
		} else {
			times(dx, dy, scale)
		}
	})
}

// means sets Mean of the channels from the sums s1 over count elements of each.
func (p *batchPart[T]) means(count float64) {
	mean := p.m.Mean[p.first:][:p.channels]
	if p.each == 1 { // the quotient of two T, rounded once
		divide(mean, p.s1, T(count))
		return
	}
	for c := range mean {
		mean[c] = T(channelSum(p.s1, c, p.each) / count)
	}
}

// scales makes of the sums of [centeredSums] the arguments scale and shift of
// [normColumns], and sets the moments of the channels.
func (p *batchPart[T]) scales(count float64) {
	of := func(x []T) []T { return x[p.first:][:p.channels] }
	if p.train && p.each == 1 && channelScalesAsm(of(p.m.Rest), of(p.m.Var), of(p.m.Inv), p.s1, p.s2, of(p.gamma), of(p.beta), count, p.eps) {
		return
	}
	for c := range p.channels {
		i := p.first + c
		if p.train {
			p.m.set(i, channelSum(p.s1, c, p.each), channelSum(p.s2, c, p.each), count, p.eps)
		} else {
			p.m.Inv[i] = T(1 / math.Sqrt(float64(p.m.Var[i])+p.eps))
		}
		scale := p.gamma[i] * p.m.Inv[i]
		p.expand(p.s1, c, scale)
		p.expand(p.s2, c, fma(-p.m.Rest[i], scale, p.beta[i]))
	}
}

// slopes makes of the sums of [normColumnSums] the arguments scale, slope and shift of
// [normColumnsBackward], and adds to the gradients of the channels.
func (p *batchPart[T]) slopes(count float64) {
	of := func(x []T) []T { return x[p.first:][:p.channels] }
	if p.each == 1 && channelSlopesAsm(of(p.dgamma), of(p.dbeta), p.s1, p.s2, p.s3, of(p.gamma), of(p.m.Inv), of(p.m.Rest), count) {
		return
	}
	for c := range p.channels {
		i := p.first + c
		inv, rest := float64(p.m.Inv[i]), float64(p.m.Rest[i])
		sum, along := channelSum(p.s1, c, p.each), channelSum(p.s2, c, p.each)
		along = inv * (along - float64(rest*sum)) // Σ dy·h
		p.dgamma[i] += T(along)
		p.dbeta[i] += T(sum)
		scale := float64(p.gamma[i]) * inv
		slope := -scale * inv * along / count
		p.expand(p.s1, c, T(scale))
		p.expand(p.s2, c, T(slope))
		p.expand(p.s3, c, T(-scale*sum/count-float64(slope*rest)))
	}
}

// rows calls f for the pieces of the part's channels in each of the first samples. Before,
// it asks the memory for those that the slices have of the next sample, which lie far away.
func (p *batchPart[T]) rows(samples int, f func(at, column, n int), ask ...[]T) {
	const beyond = 1 << 18 // elements, from which on they are beyond the nearest caches
	size := p.channels * p.L
	for n := range samples {
		row := (n*p.C + p.first) * p.L
		if n+1 < samples && len(p.x) >= beyond {
			for _, x := range ask {
				askFor(x[row+p.C*p.L:], size)
			}
		}
		p.pieces(p.channels, func(at, column, n int) { f(row+at, column, n) })
	}
}

// expand sets the columns of channel c to v.
func (p *batchPart[T]) expand(columns []T, c int, v T) {
	if p.each == 1 {
		columns[c] = v
		return
	}
	fill(columns[c*p.each:][:p.each], v)
}

func (p *batchPart[T]) expandMean() {
	if p.each == 1 {
		copy(p.mean, p.m.Mean[p.first:])
		return
	}
	for c := range p.channels {
		p.expand(p.mean, c, p.m.Mean[p.first+c])
	}
}

// centeredSums adds x[i] - mean[i] to sum[i] and its square to squares[i].
func centeredSums[T Float](sum, squares, x, mean []T) {
	if centeredSumsAsm(sum, squares, x, mean) {
		return
	}
	for i, v := range x {
		d := v - mean[i]
		sum[i] += d
		squares[i] = fma(d, d, squares[i])
	}
}

// normColumns sets y[i] = (x[i] - mean[i])·scale[i] + shift[i].
func normColumns[T Float](y, x, mean, scale, shift []T) {
	if normColumnsAsm(y, x, mean, scale, shift) {
		return
	}
	for i, v := range x {
		y[i] = fma(v-mean[i], scale[i], shift[i])
	}
}

// normColumnSums adds dy[i] to sum[i] and dy[i]·(x[i] - mean[i]) to along[i].
func normColumnSums[T Float](sum, along, dy, x, mean []T) {
	if normColumnSumsAsm(sum, along, dy, x, mean) {
		return
	}
	for i, d := range dy {
		sum[i] += d
		along[i] = fma(d, x[i]-mean[i], along[i])
	}
}

// normColumnsBackward sets dx[i] = scale[i]·dy[i] + (slope[i]·(x[i] - mean[i]) + shift[i]).
func normColumnsBackward[T Float](dx, dy, x, mean, scale, slope, shift []T) {
	if normColumnsBackwardAsm(dx, dy, x, mean, scale, slope, shift) {
		return
	}
	for i, d := range dy {
		dx[i] = fma(scale[i], d, fma(slope[i], x[i]-mean[i], shift[i]))
	}
}
