package kernel

import (
	"slices"
	"unsafe"
)

// A correlation computes a convolution as one whose kernel moves by 1. For this the images are
// placed in memory first: with their padding, or with zeros between the elements. With a
// stride there are several copies, so that the terms of neighboring elements of a row are
// neighbors in memory and can be read as one vector.
//
// If the rows of a placed image follow each other in the right distance, the result has the
// right shape. Otherwise the rows of the result are as long as the rows of a placed image, and
// only their first elements are used.
type correlation struct {
	groups, in, out int // planes, in all groups
	rows, columns   placing
	pitch           int   // from a row of a placed image to the next
	plane           int   // elements of a plane of it
	wide            int   // elements of a plane of the result
	taps            []int // where the terms of the first element are, of a group
}

// A placing says where the elements of an axis lie.
type placing struct {
	count, first, step int // element i at place first + i·step
	out                int // elements of the result
	split, dilation    int // between their first terms, and from a term to the next, in places

	starts []int // the first place in each copy, which has every split-th place from there on
	length int   // the number of places in a copy
	apart  bool  // each term has a copy of its own
}

// lay lays the copies out. If apart is set, there is one copy for each term of an element;
// otherwise there are only as many copies as needed.
func (p *placing) lay(terms int, apart bool) {
	p.starts, p.length, p.apart = p.starts[:0], p.out, apart
	if !apart {
		p.length += (terms - 1) * p.dilation / p.split
	}
	for t := range terms {
		start := t * p.dilation
		if !apart {
			start %= p.split
		}
		if !slices.Contains(p.starts, start) {
			p.starts = append(p.starts, start)
		}
	}
}

// term returns in which copy term t of the first element is, and where.
func (p *placing) term(t int) (copy, at int) {
	if p.apart {
		return t, 0
	}
	t *= p.dilation
	return slices.Index(p.starts, t%p.split), t / p.split
}

// in returns how many elements lie in a copy, where the first of them does, which it is,
// and how far it is to the next.
func (p *placing) in(copy int) (n, at, atStep, i, iStep int) {
	if before := p.first - p.starts[copy]; p.step == 1 {
		at = ceil(max(before, 0), p.split)
		n = min(ceil(max(p.count+before, 0), p.split), p.length) - at
		return n, at, 1, at*p.split - before, p.split
	} else { // and split is 1
		i = ceil(max(-before, 0), p.step)
		n = min(ceil(max(p.length-before, 0), p.step), p.count) - i
		return n, before + i*p.step, p.step, i, 1
	}
}

// vectors is the least length of a plane of the result: no vector is longer.
const vectors = 16

// mostCopies is of how many columns of a kernel there may be a copy each: of more they
// would take too much memory.
const mostCopies = 8

// of prepares the correlation of a convolution, for the rows lo to hi of its result.
func (c *correlation) of(g Convolution, lo, hi int) {
	axis := func(p *placing, a Axis, lo, hi int) {
		*p = placing{count: a.Size, first: a.Padding - lo*a.Stride, step: 1, out: hi - lo, split: a.Stride, dilation: a.Dilation, starts: p.starts}
	}
	axis(&c.rows, g.Rows, lo, hi)
	axis(&c.columns, g.Columns, 0, g.Columns.Out())
	c.prepare(g, g.In, g.Out)
}

// ofGradient prepares the correlation of dy that gives dx.
func (c *correlation) ofGradient(g Convolution) {
	axis := func(p *placing, a Axis) {
		*p = placing{count: a.Out(), first: a.reach() - a.Padding, step: a.Stride, out: a.Size, split: 1, dilation: a.Dilation, starts: p.starts}
	}
	axis(&c.rows, g.Rows)
	axis(&c.columns, g.Columns)
	c.prepare(g, g.Out, g.In)
}

func (c *correlation) prepare(g Convolution, in, out int) {
	c.groups, c.in, c.out = g.Groups, in, out
	rows, columns := &c.rows, &c.columns
	rows.lay(g.Rows.Kernel, false)
	columns.lay(g.Columns.Kernel, false)
	c.pitch = columns.length
	if len(columns.starts) == 1 && columns.split == 1 {
		// The zeros before a row are also those after the one above.
		last := columns.first + (columns.count-1)*columns.step
		c.pitch = max(columns.length-max(columns.first, 0), min(last+1, columns.length), columns.out)
	}
	// A copy for each column costs less than much that means nothing, or than to leave that
	// out of many planes.
	much := 16*(c.pitch-columns.out) > columns.out || in*(g.Columns.Kernel-1) <= out
	if rows.out > 1 && much && g.Columns.Kernel <= mostCopies {
		columns.lay(g.Columns.Kernel, true)
		c.pitch = columns.out
	}
	one := rows.length * c.pitch
	c.plane = len(rows.starts) * len(columns.starts) * one
	c.wide = max((rows.out-1)*c.pitch+columns.out, vectors)
	c.taps = c.taps[:0]
	for i := range g.Rows.Kernel {
		for j := range g.Columns.Kernel {
			rowCopy, row := rows.term(i)
			copy, column := columns.term(j)
			c.taps = append(c.taps, (rowCopy*len(columns.starts)+copy)*one+row*c.pitch+column)
		}
	}
	for range in/g.Groups - 1 {
		for _, tap := range c.taps[len(c.taps)-g.Rows.Kernel*g.Columns.Kernel:] {
			c.taps = append(c.taps, tap+c.plane)
		}
	}
}

// size is how many elements a placed image has, and those behind it that are read for
// elements that mean nothing.
func (c *correlation) size() int { return whole(c.in*c.plane + c.pitch + vectors) }

// whole returns n, rounded up to whole vectors.
func whole(n int) int { return ceil(n, vectors) * vectors }

// exact reports whether a plane of the result has no element that means nothing.
func (c *correlation) exact() bool { return c.wide == c.rows.out*c.columns.out }

// place copies some planes of an image, from plane lo on, to where they belong among zeros.
func place[T Float](c *correlation, placed, x []T, lo, planes int) {
	placed = placed[lo*c.plane:]
	size := c.rows.count * c.columns.count
	for i := range c.rows.starts {
		rows, row, rowStep, fromRow, fromRowStep := c.rows.in(i)
		for j := range c.columns.starts {
			columns, column, step, from, fromStep := c.columns.in(j)
			if rows <= 0 || columns <= 0 {
				continue
			}
			dst := placed[((i*len(c.columns.starts)+j)*c.rows.length+row)*c.pitch+column:]
			src := x[fromRow*c.columns.count+from:]
			rowStep, fromRowStep := rowStep*c.pitch, fromRowStep*c.columns.count
			if step == 1 && fromStep == 1 {
				copyPlanes(dst, c.plane, rowStep, src, size, fromRowStep, planes, rows, columns)
				continue
			}
			for p := range planes {
				for r := range rows {
					dst, src := dst[p*c.plane+r*rowStep:], src[p*size+r*fromRowStep:]
					for q := range columns {
						dst[q*step] = src[q*fromStep]
					}
				}
			}
		}
	}
}

// copyPlanes copies rows of planes that lie apart.
func copyPlanes[T Float](dst []T, dstPlane, dstRow int, src []T, srcPlane, srcRow, planes, rows, columns int) {
	_, _ = dst[(planes-1)*dstPlane+(rows-1)*dstRow+columns-1], src[(planes-1)*srcPlane+(rows-1)*srcRow+columns-1]
	if k := imageKernelsOf[T](); k != nil {
		size := int(unsafe.Sizeof(T(0)))
		most := max(callSize/(rows*columns), 1)
		for p := 0; p < planes; p += most {
			k.copyPlanes(words(dst[p*dstPlane:]), uintptr(dstPlane*size), uintptr(dstRow*size), words(src[p*srcPlane:]), uintptr(srcPlane*size), uintptr(srcRow*size),
				min(most, planes-p), rows, columns*size/4)
		}
		return
	}
	for p := range planes {
		for i := range rows {
			copy(dst[p*dstPlane+i*dstRow:][:columns], src[p*srcPlane+i*srcRow:])
		}
	}
}

// together is how many planes are computed one after the other, so that they are still in
// the caches for what is next done with them: whole tiles of the kernels.
const together = 24

// size of the memory that correlateTo needs.
func (c *correlation) wideSize() int {
	if c.exact() {
		return 0
	}
	return whole(together * c.wide)
}

// correlateTo computes the planes lo to hi of y, which begins with lo and where they lie
// next elements apart, with so much memory as wideSize says.
func correlateTo[T Float](c *correlation, y []T, next int, wide, placed, w, bias []T, lo, hi int, floor T) {
	if c.exact() {
		correlate(c, y, next, placed, w, bias, lo, hi, floor)
		return
	}
	rows, columns := c.rows.out, c.columns.out
	for ; lo < hi; lo += together {
		planes := min(together, hi-lo)
		correlate(c, wide, c.wide, placed, w, bias, lo, lo+planes, floor)
		copyPlanes(y, next, columns, wide, c.wide, c.pitch, planes, rows, columns)
		y = y[min(planes*next, len(y)):]
	}
}

// correlate computes the planes lo to hi of y, which begins with lo and where they lie next
// elements apart. Every element starts from the bias of its plane, or from 0 if bias is nil, takes its terms in order,
// each by one fused multiply-add, and is floor at least.
func correlate[T Float](c *correlation, y []T, next int, placed, w, bias []T, lo, hi int, floor T) {
	in, out, k := c.in/c.groups, c.out/c.groups, len(c.taps)
	for lo < hi {
		g := lo / out
		end := min(hi, (g+1)*out)
		x := placed[g*in*c.plane:]
		if k := imageKernelsOf[T](); k != nil {
			k.correlate(c, y, next, x, w, bias, lo, end, floor)
			y, lo = y[min((end-lo)*next, len(y)):], end
			continue
		}
		for ; lo < end; lo++ {
			s := y[:c.wide]
			y = y[min(next, len(y)):]
			if bias != nil {
				fill(s, bias[lo])
			} else {
				clear(s)
			}
			addTaps(s, w[lo*k:][:k], x, c.taps)
			for j := range s {
				s[j] += 0 // -0 becomes +0
			}
			if floor == 0 {
				ReLU(1, s, s)
			}
		}
	}
}

// addTaps adds Σ w[p]·x[taps[p]+j] to each s[j], four terms at a time.
func addTaps[T Float](s, w, x []T, taps []int) {
	var v [4]T
	var rows [4][]T
	have := 0
	for p, tap := range taps {
		v[have], rows[have] = w[p], x[tap:][:len(s)]
		if have++; have == 4 {
			axpy4(s, &v, &rows)
			have = 0
		}
	}
	for r := range have {
		for j, x := range rows[r] {
			s[j] = fma(v[r], x, s[j])
		}
	}
}
