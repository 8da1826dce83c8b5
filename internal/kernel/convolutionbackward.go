package kernel

// rowsOfSums is what the rows of dwᵀ are rounded up to, so that tiles of 9 or of 6 rows
// need no others.
const rowsOfSums = 18

// eight is how many planes of dy are transposed together, and while they are in the L1
// cache taken for dbias and dx.
const eight = 8

// dwᵀ of a group has a row for each tap and a column for each plane of y.
func (c *convolution[T]) sumRows() int    { return ceil(c.terms(), rowsOfSums) * rowsOfSums }
func (c *convolution[T]) sumColumns() int { return ceil(c.Out/c.Groups, vectors) * vectors }

// sumSize is the length of dwᵀ of all groups, and dbias.
func (c *convolution[T]) sumSize() int {
	if c.skip {
		return len(c.w) + c.Out
	}
	return c.Groups*c.sumRows()*c.sumColumns() + c.Out
}

// backward prepares what all parts need.
func (c *convolution[T]) backward() {
	size := sumParts(c.n) * c.sumSize()
	if cap(c.sums) < size {
		c.sums = make([]T, size)
	}
	c.sums = c.sums[:size]
	if c.dx != nil {
		if cap(c.flipped) < len(c.w) {
			c.flipped = make([]T, len(c.w))
		}
		c.flipped = c.flipped[:len(c.w)]
	}
	if c.skip {
		if c.dx != nil {
			c.weightsOfPatches()
		}
		return
	}
	taps := c.forward.taps
	for len(taps) < c.sumRows() {
		taps = append(taps, 0) // whose sums mean nothing
	}
	c.forward.taps = taps
	if c.dx == nil {
		return
	}
	c.back.ofGradient(c.Convolution)
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
	if c.skip {
		c.patchesPart(part, first, end)
		return
	}
	f, pixels, columns := &c.forward, c.pixels(), c.sumColumns()
	sizes := [5]int{f.size(), c.Groups * pixels * columns, eight * pixels}
	if c.dx != nil {
		sizes[3], sizes[4] = c.back.size(), c.back.wideSize()
	}
	memory, buffers := cleared[T](part, sizes)
	defer keptOf[T]().buffers.giveBack(part, memory)
	placed, transposed, planes, placedY, wide := buffers[0], buffers[1], buffers[2], buffers[3], buffers[4]
	sums := c.sums[part*c.sumSize():][:c.sumSize()]
	clear(sums)
	dbias := sums[len(sums)-c.Out:]

	out := c.Out / c.Groups
	for n := first; n < end; n++ {
		place(f, placed, c.ofImage(c.x, n), 0, c.In)
		for g := range c.Groups {
			transposed := transposed[g*pixels*columns:][:pixels*columns]
			for p, last := g*out, (g+1)*out; p < last; p += eight {
				have := min(eight, last-p)
				dy := c.gradient(planes, n, p, have)
				for i := range have {
					dbias[p+i] += Sum(dy[i*pixels:][:pixels])
				}
				// Eight at once, if there are, though some mean nothing.
				transpose(transposed[p-g*out:], columns, dy, pixels, min(eight, len(dy)/pixels), pixels)
				if c.dx != nil {
					place(&c.back, placedY, dy, p, have)
				}
			}
			c.addProducts(sums[g*c.sumRows()*columns:], placed[g*c.In/c.Groups*f.plane:], transposed)
		}
		if c.dx != nil {
			correlateTo(&c.back, c.ofImage(c.dx, n), c.Rows.Size*c.Columns.Size, wide, placedY, c.flipped, nil, 0, c.In, T(negInf))
		}
	}
}

// cleared borrows memory for a few things, all 0, each from the start of a cache line on.
func cleared[T Float](place int, sizes [5]int) (memory *buffer[T], parts [5][]T) {
	total := 0
	for _, n := range sizes {
		total += whole(n)
	}
	memory = borrow[T](place, total)
	clear(memory.data)
	rest := memory.data
	for i, n := range sizes {
		parts[i], rest = rest[:n], rest[whole(n):]
	}
	return memory, parts
}

// gradient returns the gradient of some planes of image n, before ReLU and pool: those of
// dy itself, or set in planes, of which what no window has is 0 before. Behind them may be
// others.
func (c *convolution[T]) gradient(planes []T, n, first, have int) []T {
	size := c.pixels()
	if c.choices != nil {
		size = c.pool.outputs()
	}
	dy := c.ofImage(c.dy, n)[first*size:]
	if c.y == nil {
		return dy
	}
	at := n*c.Out*size + first*size
	dy, y := dy[:have*size], c.y[at:][:have*size]
	if c.choices == nil {
		ReLUBackward(1, planes[:len(dy)], dy, y)
	} else {
		c.spread(planes[:have*c.pixels()], dy, y, c.choices[at:][:len(dy)])
	}
	return planes
}

// spread sets planes to the gradients of the maxima, each where it was chosen, but 0 for
// those that a ReLU made 0.
func (c *convolution[T]) spread(planes, dy, y []T, choices []int32) {
	size, pixels := c.pool.outputs(), c.pixels()
	if k := squares[T](c.pool); k != nil {
		row := c.pool.Columns.Size
		k.spreadToFour(words(planes), words(dy), words(y), &choices[0], uintptr(4*pixels), uintptr(4*row), len(dy)/size, c.pool.Rows.Out(), c.pool.Columns.Out(), row)
		return
	}
	clear(planes)
	for i, at := range choices {
		if v := dy[i]; !(y[i] <= 0) {
			planes[i/size*pixels+int(at)] += v
		}
	}
}

// transpose sets dst to the transpose of src, which has so many rows and columns. Rows lie
// dstRow and srcRow elements apart.
func transpose[T Float](dst []T, dstRow int, src []T, srcRow, rows, columns int) {
	if t := tilingOf[T](); t != nil {
		t.transpose(dst, dstRow, src, srcRow, rows, columns)
		return
	}
	for i := range rows {
		for j, v := range src[i*srcRow:][:columns] {
			dst[j*dstRow+i] = v
		}
	}
}

// addProducts adds to dwᵀ of a group what an image gives, pixel after pixel: to each row
// the elements of x at its tap, times dy.
func (c *convolution[T]) addProducts(sums, placed, transposed []T) {
	columns, out, pixels, width := c.sumColumns(), c.Out/c.Groups, c.pixels(), c.Columns.Out()
	if k := imageKernelsOf[T](); k != nil {
		k.addProducts(&c.forward, sums, placed, transposed, c.terms(), columns, c.Rows.Out(), width)
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
	size, rows, columns, out, terms := c.sumSize(), c.sumRows(), c.sumColumns(), c.Out/c.Groups, c.terms()
	memory := borrow[T](0, size+out*terms)
	defer keptOf[T]().buffers.giveBack(0, memory)
	total, dw := memory.data[:size], memory.data[size:]
	clear(total)
	AddColumnSums(total, c.sums)
	if c.skip {
		c.addSumsOfPatches(total, dw)
	} else {
		for g := range c.Groups {
			transpose(dw, terms, total[g*rows*columns:], columns, terms, out)
			for i, v := range dw {
				c.dw[g*len(dw)+i] += v + 0
			}
		}
	}
	for p, v := range total[size-c.Out:] {
		c.bias[p] += v + 0
	}
}
