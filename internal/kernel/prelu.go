package kernel

// PReLU is [LeakyReLU] with the slope of each channel.
func PReLU[T Float](threads int, l Layout, y, x, slope []T) {
	p := prelus[T]{Layout: l, dst: y, v: x, x: x, slope: slope}
	p.run("PReLU", threads)
}

// PReLUBackward is the gradient of [PReLU]: it sets dx and adds Σ dy·x over the elements
// where x is not above 0 to the gradient of each slope. Of one element for each sample and
// channel, with several channels, each term is a fused multiply-add, from the first sample
// to the last; else the [PReLUSlope] of each sample is added.
func PReLUBackward[T Float](threads int, l Layout, dx, grad, dy, x, slope []T) {
	mustMatch("PReLUBackward", l.C, len(grad))
	p := prelus[T]{Layout: l, dst: dx, v: dy, x: x, slope: slope, grad: grad}
	p.run("PReLUBackward", threads)
}

// prelus is a direction of a PReLU. A part of it is some channels.
type prelus[T Float] struct {
	Layout
	dst, v, x   []T
	slope, grad []T // grad is nil forward
	each        int // channels of a part
}

func (p *prelus[T]) run(name string, threads int) {
	const least = 512 // elements that lie together
	mustMatch(name, p.N*p.C*p.L, len(p.dst), len(p.v), len(p.x))
	mustMatch(name, p.C, len(p.slope))
	if len(p.x) == 0 {
		return
	}
	if p.C == 1 { // elements that all lie together
		gradient(threads, name, toLeakyReLU, p.dst, p.v, p.x, p.slope[0])
		for n := 0; p.grad != nil && n < len(p.x); n += p.L {
			p.grad[0] += PReLUSlope(p.v[n:][:p.L], p.x[n:][:p.L])
		}
		return
	}
	p.each = p.C
	if threads > 1 && len(p.x) >= thresholds.update {
		p.each = min(max(ceil(least, p.L), ceil(p.C, 4*threads)), p.C)
		if share(&keptOf[T]().prelus, p, threads, ceil(p.C, p.each), len(p.x) >= thresholds.wakeUpdate) {
			return
		}
	}
	for part := range ceil(p.C, p.each) {
		p.Do(part)
	}
}

func (p *prelus[T]) Do(part int) {
	first := part * p.each
	channels := min(p.each, p.C-first)
	for n := range p.N {
		at := (n*p.C + first) * p.L
		if p.L == 1 {
			slope, dst, v, x := p.slope[first:][:channels], p.dst[at:][:channels], p.v[at:][:channels], p.x[at:][:channels]
			prelu(dst, v, x, slope)
			if p.grad != nil {
				addSlopes(p.grad[first:][:channels], v, x)
			}
			continue
		}
		for c := first; c < first+channels; c++ {
			dst, v, x := p.dst[at:][:p.L], p.v[at:][:p.L], p.x[at:][:p.L]
			leakyReLU(dst, v, x, p.slope[c])
			if p.grad != nil {
				p.grad[c] += PReLUSlope(v, x)
			}
			at += p.L
		}
	}
}
