package kernel

import "unsafe"

// A correlation is a convolution whose kernel moves by 1 over images that were placed
// for it: with the padding, or zeros between the elements, and split by the remainder
// of the place if the kernel of the convolution moves by more than 1. Then the terms of
// neighbouring elements of a row are neighbours, in one vector. So are those of the
// next row: the result, too, has rows as long as those of a placed image, of which only
// some elements mean something.
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
	split, length      int // which is place/split of a row of its own, for each remainder
	out                int // elements of the result
}

// at returns where element i lies, and whether any term is there.
func (p placing) at(i int) (rest, at int, ok bool) {
	i = p.first + i*p.step
	return i % p.split, i / p.split, i >= 0 && i/p.split < p.length
}

// vectors is what rows of the result are rounded up to.
const vectors = 16

// of prepares the correlation of a convolution.
func (c *correlation) of(g Convolution) {
	axis := func(a Axis) placing {
		return placing{a.Size, a.Padding, 1, a.Stride, a.Out() + a.reach()/a.Stride, a.Out()}
	}
	c.prepare(g, g.In, g.Out, axis(g.Rows), axis(g.Columns))
}

// ofGradient prepares the correlation of dy that gives dx.
func (c *correlation) ofGradient(g Convolution) {
	axis := func(a Axis) placing {
		return placing{a.Out(), a.reach() - a.Padding, a.Stride, 1, a.Size + a.reach(), a.Size}
	}
	c.prepare(g, g.Out, g.In, axis(g.Rows), axis(g.Columns))
}

func (c *correlation) prepare(g Convolution, in, out int, rows, columns placing) {
	c.groups, c.in, c.out, c.rows, c.columns = g.Groups, in, out, rows, columns
	c.pitch = columns.length
	if columns.split == 1 {
		// The zeros before a row are also those after the one above.
		last := columns.first + (columns.count-1)*columns.step
		c.pitch = max(columns.length-max(columns.first, 0), min(last+1, columns.length), columns.out)
	}
	one := rows.length * c.pitch
	c.plane = rows.split * columns.split * one
	c.wide = ceil((rows.out-1)*c.pitch+columns.out, vectors) * vectors
	c.taps = c.taps[:0]
	for p := range in / g.Groups {
		for i := range g.Rows.Kernel {
			for j := range g.Columns.Kernel {
				i, j := i*g.Rows.Dilation, j*g.Columns.Dilation
				rest := i%rows.split*columns.split + j%columns.split
				c.taps = append(c.taps, p*c.plane+rest*one+i/rows.split*c.pitch+j/columns.split)
			}
		}
	}
}

// size is how many elements a placed image has, and those behind it that are read for
// elements that mean nothing.
func (c *correlation) size() int { return c.in*c.plane + c.pitch + 4*vectors }

// place copies an image to where it belongs among zeros.
func place[T Float](c *correlation, placed, x []T) {
	rows, columns := c.rows, c.columns
	if columns.split == 1 && columns.step == 1 && rows.split == 1 && rows.step == 1 {
		// What lies within the placed rows and columns.
		top, bottom := max(0, -rows.first), min(rows.count, rows.length-rows.first)
		left, right := max(0, -columns.first), min(columns.count, columns.length-columns.first)
		if top < bottom && left < right {
			for p := range c.in {
				at := p*c.plane + (rows.first+top)*c.pitch + columns.first + left
				copyRows(placed[at:], c.pitch, x[(p*rows.count+top)*columns.count+left:], columns.count, bottom-top, right-left)
			}
		}
		return
	}
	one := rows.length * c.pitch
	for range c.in {
		for i := range rows.count {
			row := x[:columns.count]
			x = x[columns.count:]
			rest, at, ok := rows.at(i)
			if !ok {
				continue
			}
			dst := placed[rest*columns.split*one+at*c.pitch:]
			for j, v := range row {
				if rest, at, ok := columns.at(j); ok {
					dst[rest*one+at] = v
				}
			}
		}
		placed = placed[c.plane:]
	}
}

// narrow copies what means something of the planes lo to hi of a result to y.
func narrow[T Float](c *correlation, y, wide []T, lo, hi int) {
	rows, columns := c.rows.out, c.columns.out
	for p := lo; p < hi; p++ {
		copyRows(y[p*rows*columns:], columns, wide[p*c.wide:], c.pitch, rows, columns)
	}
}

// copyRows copies rows that lie apart.
func copyRows[T Float](dst []T, dstRow int, src []T, srcRow, rows, columns int) {
	_, _ = dst[(rows-1)*dstRow+columns-1], src[(rows-1)*srcRow+columns-1]
	if k := imageKernelsOf[T](); k != nil {
		size := int(unsafe.Sizeof(T(0)))
		k.copyRows(words(dst), uintptr(dstRow*size), words(src), uintptr(srcRow*size), rows, columns*size/4)
		return
	}
	for i := range rows {
		copy(dst[i*dstRow:][:columns], src[i*srcRow:])
	}
}

// correlate computes the planes lo to hi of a result. Every element starts from the
// bias of its plane, or from 0 if bias is nil, takes its terms in order, each by one
// fused multiply-add, and is floor at least.
func correlate[T Float](c *correlation, wide, placed, w, bias []T, lo, hi int, floor T) {
	in, out, k := c.in/c.groups, c.out/c.groups, len(c.taps)
	for g := lo / out; g*out < hi; g++ {
		from, to := max(lo, g*out), min(hi, (g+1)*out)
		x := placed[g*in*c.plane:]
		if k := imageKernelsOf[T](); k != nil {
			k.correlate(c, wide, x, w, bias, from, to, floor)
			continue
		}
		for p := from; p < to; p++ {
			s := wide[p*c.wide:][:c.wide]
			if bias != nil {
				fill(s, bias[p])
			} else {
				clear(s)
			}
			addTaps(s, w[p*k:][:k], x, c.taps)
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
