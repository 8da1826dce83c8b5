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
	one := c.rows.length * c.pitch
	for range c.in {
		for i := range c.rows.count {
			row := x[:c.columns.count]
			x = x[c.columns.count:]
			rest, at, ok := c.rows.at(i)
			if !ok {
				continue
			}
			dst := placed[rest*c.columns.split*one+at*c.pitch:]
			if c.columns.split == 1 && c.columns.step == 1 {
				lo, hi := max(0, -c.columns.first), min(c.columns.count, c.columns.length-c.columns.first)
				if lo < hi {
					copy(dst[c.columns.first+lo:], row[lo:hi])
				}
				continue
			}
			for j, v := range row {
				if rest, at, ok := c.columns.at(j); ok {
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
	y = y[lo*rows*columns:]
	for p := lo; p < hi; p++ {
		for i := range rows {
			copy(y[:columns], wide[p*c.wide+i*c.pitch:])
			y = y[columns:]
		}
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
		if t := tilingOf[T](); t != nil && t.taps != nil {
			t.taps.correlate(c, wide, x, w, bias, from, to, floor)
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
				ReLU(s, s)
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

// tapTiles are the kernels of convolutions with the instructions of one kind of
// processor. The strips and products are by the number of vectors they are wide.
type tapTiles[T Float] struct {
	lanes       int
	strips      [4]tapStrip[T]
	products    [4]productTile[T] // of the widths there are
	productRows int
}

// A tapStrip computes a strip of some planes, and a productTile adds to a tile of dwᵀ.
// The generated kernels say how.
type (
	tapStrip[T Float]    func(a *T, aRow uintptr, b *T, taps *int, c *T, cRow uintptr, from *T, fromRow uintptr, rows, k int, floor T)
	productTile[T Float] func(x *T, taps *int, y *T, yStep uintptr, c *T, cRow uintptr, lines int, line, between, pitch uintptr)
)

// next returns how many vectors wide the next strip is, if so many are left: three, unless
// one would be left alone.
func (t *tapTiles[T]) next(left int) int {
	if left == 4 {
		return 2
	}
	return min(left, 3)
}

// nextProduct is the same of the tiles of dwᵀ.
func (t *tapTiles[T]) nextProduct(left int) int {
	if t.products[3] == nil {
		return 2
	}
	return t.next(left)
}

// correlate computes the planes lo to hi of a group.
func (t *tapTiles[T]) correlate(c *correlation, wide, placed, w, bias []T, lo, hi int, floor T) {
	size := unsafe.Sizeof(T(0))
	from, fromRow := zerosOf[T](), uintptr(0)
	if bias != nil {
		from, fromRow = &bias[lo], size
	}
	k, left := len(c.taps), c.wide/t.lanes
	for j, vectors := 0, 0; left > 0; j, left = j+vectors*t.lanes, left-vectors {
		vectors = t.next(left)
		most := max(callSize/(k*vectors*t.lanes*8), 1) * 8
		for p := lo; p < hi; p += most {
			t.strips[vectors](&w[p*k], uintptr(k)*size, &placed[j], &c.taps[0], &wide[p*c.wide+j], uintptr(c.wide)*size,
				below(from, p-lo, fromRow), fromRow, min(most, hi-p), k, floor)
		}
	}
}

// addProducts adds to dwᵀ of a group, of so many rows and columns, the products of lines
// of pixels of x and dyᵀ.
func (t *tapTiles[T]) addProducts(c *correlation, sums, placed, dy []T, rows, columns, lines, line int) {
	size := unsafe.Sizeof(T(0))
	most := max(callSize/(line*t.productRows*3*t.lanes), 1)
	for r := 0; r < rows; r += t.productRows {
		left := columns / t.lanes
		for j, vectors := 0, 0; left > 0; j, left = j+vectors*t.lanes, left-vectors {
			vectors = t.nextProduct(left)
			for i := 0; i < lines; i += most {
				t.products[vectors](&placed[i*c.pitch], &c.taps[r], &dy[i*line*columns+j], uintptr(columns)*size,
					&sums[r*columns+j], uintptr(columns)*size, min(most, lines-i), uintptr(line)*size, uintptr(c.pitch-line)*size, uintptr(c.pitch)*size)
			}
		}
	}
}
