package kernel

// rowsOfSums is what the rows of dwᵀ are rounded up to, so that tiles of 9 or of 6 rows
// need no others.
const rowsOfSums = 18

// dwᵀ of a group has a row for each tap and a column for each plane of y.
func (c *convolution[T]) sumRows() int    { return ceil(c.terms(), rowsOfSums) * rowsOfSums }
func (c *convolution[T]) sumColumns() int { return ceil(c.Out/c.Groups, vectors) * vectors }

// sumSize is the length of dwᵀ of all groups, and dbias.
func (c *convolution[T]) sumSize() int { return c.Groups*c.sumRows()*c.sumColumns() + c.Out }

// backward prepares what all parts need.
func (c *convolution[T]) backward() {
	size := sumParts(c.n) * c.sumSize()
	if cap(c.sums) < size {
		c.sums = make([]T, size)
	}
	c.sums = c.sums[:size]
	taps := c.forward.taps
	for len(taps) < c.sumRows() {
		taps = append(taps, 0) // whose sums mean nothing
	}
	c.forward.taps = taps
	if c.dx == nil {
		return
	}
	c.back.ofGradient(c.Convolution)
	if cap(c.flipped) < len(c.w) {
		c.flipped = make([]T, len(c.w))
	}
	c.flipped = c.flipped[:len(c.w)]
	in, out, taps1 := c.In/c.Groups, c.Out/c.Groups, c.Rows.Kernel*c.Columns.Kernel
	for p := range c.Out {
		for q := range in {
			w := c.w[(p*in+q)*taps1:][:taps1]
			plane := p/out*in + q // of x
			flipped := c.flipped[(plane*out+p%out)*taps1:][:taps1]
			for t, v := range w {
				flipped[taps1-1-t] = v
			}
		}
	}
}

// backwardPart computes dx of some images, and the sums of their dw and dbias.
func (c *convolution[T]) backwardPart(part, first, end int) {
	f, pixels := &c.forward, c.pixels()
	// Planes up to a multiple of 8, so that they are transposed by eights.
	sizes := [5]int{f.size(), c.Groups * pixels * c.sumColumns(), c.outputs() + 7*pixels}
	if c.dx != nil {
		sizes[3] = c.back.size()
		if !c.back.exact() {
			sizes[4] = c.In * c.back.wide
		}
	}
	total := 0
	for i, n := range sizes {
		sizes[i] = whole(n) // so that each begins at the start of a cache line
		total += sizes[i]
	}
	memory := borrow[T](part, total)
	defer keptOf[T]().buffers.giveBack(part, memory)
	var buffers [5][]T
	rest := memory.data
	for i, n := range sizes {
		buffers[i], rest = rest[:n], rest[n:]
	}
	placed, transposed, masked, placedY, wide := buffers[0], buffers[1], buffers[2], buffers[3], buffers[4]
	clear(placed)
	clear(transposed)
	clear(placedY)
	clear(masked)
	sums := c.sums[part*c.sumSize():][:c.sumSize()]
	clear(sums)
	dbias := sums[len(sums)-c.Out:]

	for n := first; n < end; n++ {
		place(f, placed, c.ofImage(c.x, n))
		dy := c.ofImage(c.dy, n)
		if c.choices != nil {
			c.spread(masked[:c.outputs()], dy, n)
			dy = masked
		} else if c.y != nil {
			ReLUBackward(1, masked[:len(dy)], dy, c.ofImage(c.y, n))
			dy = masked
		}
		for p := range dbias {
			dbias[p] += Sum(dy[p*pixels:][:pixels])
		}
		for g := range c.Groups {
			c.addProducts(sums[g*c.sumRows()*c.sumColumns():], placed[g*c.In/c.Groups*f.plane:], transposed[g*pixels*c.sumColumns():], dy[g*c.Out/c.Groups*pixels:])
		}
		if c.dx == nil {
			continue
		}
		place(&c.back, placedY, dy)
		if dx := c.ofImage(c.dx, n); c.back.exact() {
			correlate(&c.back, dx, placedY, c.flipped, nil, 0, c.In, T(negInf))
		} else {
			correlate(&c.back, wide, placedY, c.flipped, nil, 0, c.In, T(negInf))
			narrow(&c.back, dx, wide, 0, c.In)
		}
	}
}

// spread sets planes to the gradients of the maxima, each where it was chosen, but 0 for
// those that a ReLU made 0. What no window has is 0 before.
func (c *convolution[T]) spread(planes, dy []T, n int) {
	y, size, pixels := c.ofImage(c.y, n), c.pool.outputs(), c.pixels()
	choices := c.choices[n*len(dy):][:len(dy)]
	if k := squares[T](c.pool); k != nil {
		row := c.pool.Columns.Size
		k.spreadToFour(words(planes), words(dy), words(y), &choices[0], uintptr(4*pixels), uintptr(4*row), c.Out, c.pool.Rows.Out(), c.pool.Columns.Out(), row)
		return
	}
	passed := borrow[T](n, len(dy))
	defer keptOf[T]().buffers.giveBack(n, passed)
	ReLUBackward(1, passed.data, dy, y)
	clear(planes)
	for p := range c.Out {
		plane := planes[p*pixels:][:pixels]
		for i, v := range passed.data[p*size:][:size] {
			plane[choices[p*size+i]] += v
		}
	}
}

// addProducts adds to dwᵀ of a group what an image gives, pixel after pixel: to each row
// the elements of x at its tap, times dy.
func (c *convolution[T]) addProducts(sums, placed, transposed, dy []T) {
	columns, out, pixels := c.sumColumns(), c.Out/c.Groups, c.pixels()
	if t := tilingOf[T](); t != nil {
		t.transpose(transposed, columns, dy, pixels, min(ceil(out, 8)*8, len(dy)/pixels), pixels)
	} else {
		for p := range out {
			for i, v := range dy[p*pixels:][:pixels] {
				transposed[i*columns+p] = v
			}
		}
	}
	width := c.Columns.Out()
	if k := imageKernelsOf[T](); k != nil {
		k.addProducts(&c.forward, sums, placed, transposed, c.sumRows(), columns, c.Rows.Out(), width)
		return
	}
	for r, tap := range c.forward.taps[:c.terms()] {
		row := sums[r*columns:][:out]
		var v [4]T
		var rows [4][]T
		have := 0
		for i := range pixels {
			v[have], rows[have] = placed[tap+i/width*c.forward.pitch+i%width], transposed[i*columns:][:out]
			if have++; have == 4 {
				axpy4(row, &v, &rows)
				have = 0
			}
		}
		for q := range have {
			for j, y := range rows[q] {
				row[j] = fma(v[q], y, row[j])
			}
		}
	}
}

// addSums adds the sums of all parts to dw and dbias.
func (c *convolution[T]) addSums() {
	size, rows, columns, out := c.sumSize(), c.sumRows(), c.sumColumns(), c.Out/c.Groups
	total := borrow[T](0, size)
	defer keptOf[T]().buffers.giveBack(0, total)
	clear(total.data)
	AddColumnSums(total.data, c.sums)
	for p := range c.Out {
		sums := total.data[p/out*rows*columns+p%out:]
		for r := range c.terms() {
			c.dw[p*c.terms()+r] += sums[r*columns] + 0
		}
		c.bias[p] += total.data[size-c.Out+p] + 0
	}
}
