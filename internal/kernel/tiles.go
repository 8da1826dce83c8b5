package kernel

import (
	"math"
	"unsafe"
)

// A strip of C is as wide as a few vectors. Its kernel computes it from as many
// rows of A and columns of B, in tiles: a few rows, whose sums stay in registers.
// The generated kernels say how.
type strip[T Float] struct {
	rows int // of a tile, or of a few tiles
	run  func(a *T, aRow, aStep uintptr, b *T, bStep uintptr, c *T, cRow uintptr, from *T, fromRow uintptr, rows, k, columns int, floor T)
}

// A call is what the kernel of a strip is called with. (The kernel itself takes
// arguments, not this: go vet checks where assembly expects each of them.)
type call[T Float] struct {
	a             *T
	aRow, aStep   uintptr
	b             *T
	bStep         uintptr
	c             *T
	cRow          uintptr
	from          *T
	fromRow       uintptr
	rows, columns int
	k             int
	floor         T
}

// A call does about callSize multiply-adds at most, because a goroutine cannot stop
// for the garbage collector in assembly; and whole tiles, which callRows is a
// multiple of.
const callSize, callRows = 1 << 22, 24

// of calls the kernel of a strip, with some rows after the other.
func (x call[T]) of(s strip[T]) {
	most := max(callSize/(x.k*x.columns*callRows), 1) * callRows
	for {
		rows := min(most, x.rows)
		s.run(x.a, x.aRow, x.aStep, x.b, x.bStep, x.c, x.cRow, x.from, x.fromRow, rows, x.k, x.columns, x.floor)
		if x.rows -= rows; x.rows == 0 {
			return // below the last row there may be no memory to point to
		}
		x.a = below(x.a, rows, x.aRow)
		x.c = below(x.c, rows, x.cRow)
		x.from = below(x.from, rows, x.fromRow)
	}
}

// below returns the address so many rows below p.
func below[T Float](p *T, rows int, row uintptr) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), uintptr(rows)*row))
}

// A tiling is how products are computed in strips, with the instructions of one
// kind of processor.
type tiling[T Float] struct {
	// next returns the strip to begin with where C has so many columns, and how many
	// of them the strip takes.
	next  func(columns, rows int) (strip[T], int)
	lanes int // elements in a vector
	panel int // columns in a panel of rearranged B

	// transposed says that the last columns of C, if a vector would hold few of
	// them, are better computed as rows of Cᵀ where A is transposed.
	transposed bool

	// addRow is for a product of one row; nil if there is none.
	addRow func(a *T, aStep uintptr, b *T, bStep uintptr, c *T, eights, columns int)

	// squares transposes what B needs rearranged if it is transposed; nil if there is none.
	squares func(dst *T, dstRow uintptr, src *T, srcRow uintptr, squares int)

	// sparse is for products in which A has many zeros; nil if there is none.
	sparse *sparse[T]

	// images is for convolutions and pools; nil if there is none.
	images *imageKernels[T]
}

// The blocks of a product: a block of B, depth rows of it and width columns, stays in
// the L2 cache of a core while all rows of A pass by, height of them at a time for each
// panel. Deep ones read and write C less often. B is rearranged for that if its
// rows are far apart, as each then costs a page and many fall on the same few sets
// of a cache; but not if it is so small, or used so little, that this would not
// pay. A variable, so that tests need no large products.
var blocks = blockSizes{512, 256, 96, 1 << 10, 1 << 18, 112, 1 << 16}

type blockSizes struct {
	depth, width int // rows and columns of B
	height       int // rows of A
	stride, size int // B is rearranged if its rows, and all of it, have more bytes

	// Where B lies, so many of its rows are taken at a time if the part of B that
	// belongs to a strip has more bytes: they stay in the L1 cache.
	shallow, strip int
}

// blocked is a product computed in tiles, a block of it at a time: the rows p0
// to p1 of B, and its columns j0 to j1.
type blocked[T Float] struct {
	product[T]
	*tiling[T]
	p0, p1, j0, j1 int

	packA, packB bool // the blocks of A, of B, are rearranged first
	packed       []T  // the block of B, a panel after the other

	// Terms in which A is 0 are left out: those in which it is in two rows, or
	// those of each row.
	skipPairs, skipEach bool
	parts               []part[T] // of B, for pairs; or nil
	finite              []bool    // which panels of B are

	rows, columns int // of C, in a part of the work
	panel         int // columns of a panel of B

	pipe *pipeline // or nil
}

// multiply computes a product in tiles.
func (t *tiling[T]) multiply(threads int, g product[T]) {
	m, n, k := g.c.Rows, g.c.Cols, g.a.Cols
	if threads < 1 || m*n*k < thresholds.tiles {
		threads = 1
	}
	s := blocked[T]{product: g, tiling: t, p1: k, rows: m, columns: n, panel: t.panel}
	size := int(unsafe.Sizeof(T(0)))
	s.packA = m >= 16 && n*size > blocks.stride && k*n*size > blocks.size
	s.packB = s.packA || g.b.transposed
	if s.packA {
		s.skipEach = s.canSkipEach()
	} else if !s.packB {
		s.skipPairs = s.canSkipPairs()
	}
	// Few parts, which make the shares of the threads alike.
	first, columns := t.next(n-s.remainder(), m)
	if s.canPipeline(threads) {
		buffer := borrow[T](0, 0)
		defer keptOf[T]().buffers.giveBack(0, buffer)
		s.pipe = &buffer.pipe
		s.rows = groupRows
		s.pipe.done.Store(0)
	} else if s.packB {
		s.cutPacked(threads, first.rows)
	} else if threads > 1 && m > first.rows {
		most := 16
		if s.skipPairs || k*n*size > blocks.strip || s.a.transposed {
			// Each of them reads all of B anew, or writes lists; or is rows of a gradient,
			// which should be the same for a core in each step ([pipeline]).
			most = 3
		}
		parts := min(max(m*n*k/threads/callSize, 1), most) * threads
		s.rows = ceil(ceil(m, parts), 4) * 4 // fewer than a tile has are as good by fours
	} else if threads > 1 && !s.skipPairs {
		s.columns = ceil(ceil(n, threads), columns) * columns
	}
	s.share(threads)
}

// remainder returns how many columns of C, the last or all, are computed as a
// product of their own, transposed, because a vector would hold few of them. A must
// be transposed and lie as it is, and moving the columns must be little work next
// to computing them.
func (s *blocked[T]) remainder() int {
	columns, few := s.c.Cols, 16
	if columns > few {
		columns %= s.lanes
	}
	if s.packB || !s.a.transposed || s.c.Rows < few || few*columns > s.a.Cols ||
		s.c.Cols > few && (!s.transposed || 2*columns > s.lanes) {
		return 0
	}
	return columns
}

// ceil returns n/d, rounded up.
func ceil(n, d int) int { return (n + d - 1) / d }

// share does the work at hand on so many threads.
func (s *blocked[T]) share(threads int) {
	parts := ceil(s.c.Rows, s.rows) * ceil(s.c.Cols, s.columns)
	if s.pipe != nil {
		parts = 2
	}
	if threads > 1 && parts > 1 && share(&keptOf[T]().blocked, s, threads, parts, s.c.Rows*s.c.Cols*s.a.Cols >= thresholds.wake) {
		return
	}
	for part := range parts {
		s.Do(part)
	}
}

func (s *blocked[T]) Do(part int) {
	if s.pipe != nil {
		s.stage(part)
		return
	}
	across := ceil(s.c.Cols, s.columns)
	lo, j0 := part/across*s.rows, part%across*s.columns
	hi, j1 := min(lo+s.rows, s.c.Rows), min(j0+s.columns, s.c.Cols)
	if s.packB {
		s.computePacked(lo, hi, j0, j1)
	} else {
		s.compute(lo, hi, j0, j1)
	}
}

// place is where to look for memory for the rows from lo on: the caller begins in
// front and workers at the back ([doParts]), and each gets back what it has had.
func (s *blocked[T]) place(lo int) int {
	front := 2*lo < s.c.Rows
	switch {
	case s.pipe != nil:
		front = s.p0 == 0
	case s.packB && s.rows == s.c.Rows:
		front = 2*s.j0 < s.c.Cols
	}
	if front {
		return 0
	}
	return slots / 2
}

// compute computes the rows lo to hi of C, and of these the columns j0 to j1.
func (s *blocked[T]) compute(lo, hi, j0, j1 int) {
	row, step := s.a.strides()
	a, p0 := s.a.Data[lo*row+s.p0*step:], s.p0
	switch eights := (s.p1 - 1) / 8; {
	case s.skipPairs:
		s.computePairs(lo, hi)
		return
	case s.packA:
		k := s.p1 - p0
		buffer := borrow[T](s.place(lo), (hi-lo)*(k+apart))
		defer keptOf[T]().buffers.giveBack(s.place(lo), buffer)
		if s.skipEach {
			s.computeEach(lo, hi, a, buffer)
			return
		}
		if s.a.transposed {
			copyPlanes(buffer.data, 0, hi-lo, a, 0, step, 1, k, hi-lo)
			a, row, step = buffer.data, 1, hi-lo
		}
	case s.addRow != nil && s.c.Rows == 1 && !s.packB && j1-j0 > 4*s.lanes && eights > 0:
		s.addEights(eights, j0, j1)
		p0 = 8 * eights
		a = a[p0*step:]
	}
	if columns := s.remainder(); columns > 0 && j1 == s.c.Cols {
		j1 -= columns
		s.computeRemainder(lo, hi, columns)
	}
	depth := s.p1 - p0
	// (One or two rows pass by B once or twice, and so do three where there is a strip for so few.)
	kernel, columns := s.next(j1-j0, hi-lo)
	once := hi-lo <= 2 || hi-lo == 3 && kernel.rows == 3
	if !s.packB && !once && depth*columns*int(unsafe.Sizeof(T(0))) > blocks.strip {
		depth = blocks.shallow
	}
	parts := ceil(s.p1-p0, depth)
	for part := range parts {
		p, end := part*(s.p1-p0)/parts, (part+1)*(s.p1-p0)/parts
		s.computeStrips(lo, hi, j0, j1, p0+p, p0+end, a[p*step:], row, step)
	}
}

// computeStrips adds the terms p0 to p1 of the sums.
func (s *blocked[T]) computeStrips(lo, hi, j0, j1, p0, p1 int, a []T, row, step int) {
	n, size := s.c.Cols, unsafe.Sizeof(T(0))
	for columns, j := 0, j0; j < j1; j += columns {
		left := j1 - j
		b, bStep := s.b.Data, n
		if s.packB {
			in := (j - s.j0) % s.panel
			left = min(left, s.panel-in)
			b, bStep = s.packed[(j-s.j0-in)*(p1-p0)+in:], s.panel
		} else {
			b = b[p0*n+j:]
		}
		var kernel strip[T]
		kernel, columns = s.next(left, hi-lo)
		c := &s.c.Data[lo*n+j]
		from, fromRow := s.from(lo, j)
		if p0 > 0 {
			from, fromRow = c, n
		}
		call[T]{
			a: &a[0], aRow: uintptr(row) * size, aStep: uintptr(step) * size, b: &b[0], bStep: uintptr(bStep) * size,
			c: c, cRow: uintptr(n) * size, from: from, fromRow: uintptr(fromRow) * size,
			rows: hi - lo, columns: columns, k: p1 - p0, floor: s.floor(p1),
		}.of(kernel)
	}
}

// from returns what the element (i, j) and those to its right start from, and how
// far it is to what those of the next row start from.
func (s *blocked[T]) from(i, j int) (from *T, row int) {
	switch {
	case s.add:
		return &s.c.Data[i*s.c.Cols+j], s.c.Cols
	case s.bias != nil:
		return &s.bias[j], 0
	}
	return zerosOf[T](), 0
}

// floor returns the least that an element may be after the terms up to p1.
func (s *blocked[T]) floor(p1 int) T {
	if s.relu && p1 == s.a.Cols {
		return 0
	}
	return T(math.Inf(-1))
}

// computeRemainder computes the rows lo to hi of so many last columns of C, as
// the rows of its transpose: Cᵀ = Bᵀ·Aᵀ.
func (s *blocked[T]) computeRemainder(lo, hi, columns int) {
	n, k, m := s.c.Cols, s.a.Cols, hi-lo
	buffer := borrow[T](s.place(lo), columns*m)
	defer keptOf[T]().buffers.giveBack(s.place(lo), buffer)
	t := buffer.data
	for j := range columns {
		row := t[j*m:][:m]
		switch at := n - columns + j; {
		case s.add:
			for i := range row {
				row[i] = s.c.Data[(lo+i)*n+at]
			}
		case s.bias != nil:
			fill(row, s.bias[at])
		default:
			clear(row)
		}
	}
	size := unsafe.Sizeof(T(0))
	for i, width := 0, 0; i < m; i += width {
		var kernel strip[T]
		kernel, width = s.next(m-i, columns)
		call[T]{
			a: &s.b.Data[n-columns], aRow: size, aStep: uintptr(n) * size, b: &s.a.Data[lo+i], bStep: uintptr(s.a.Rows) * size,
			c: &t[i], cRow: uintptr(m) * size, from: &t[i], fromRow: uintptr(m) * size,
			rows: columns, columns: width, k: k, floor: s.floor(k),
		}.of(kernel)
	}
	for i := range m {
		for j := range columns {
			s.c.Data[(lo+i)*n+n-columns+j] = t[j*m+i]
		}
	}
}

func fill[T Float](x []T, v T) {
	n := min(len(x), 32)
	for i := range n {
		x[i] = v
	}
	for ; n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
}

// addEights computes the first terms, so many times eight, of the columns j0 to j1
// of C, which has one row.
func (s *blocked[T]) addEights(eights, j0, j1 int) {
	c := s.c.Data[j0:j1]
	switch {
	case s.add:
	case s.bias != nil:
		copy(c, s.bias[j0:j1])
	default:
		clear(c)
	}
	_, step := s.a.strides()
	bytes := unsafe.Sizeof(T(0))
	s.addRow(&s.a.Data[0], uintptr(step)*bytes, &s.b.Data[j0], uintptr(s.c.Cols)*bytes, &c[0], eights, len(c))
}

// zeros are what a strip starts from; none is wider.
var (
	zeros32 [128]float32
	zeros64 [128]float64
)

func zerosOf[T Float]() *T {
	if z, ok := any(&zeros32[0]).(*T); ok {
		return z
	}
	return any(&zeros64[0]).(*T)
}
