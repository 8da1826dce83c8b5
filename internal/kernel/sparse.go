package kernel

import "unsafe"

// Four of five pixels of MNIST are 0, and half of what comes out of a ReLU. With B
// finite, a term in which A is 0 is ±0, which can change nothing but the sign of a
// sum that is 0 itself, and that is + in the end: leaving such terms out changes no
// bit. In small products those are left out in which two rows of A, one below the
// other, are both 0: a bit for each of these terms says which stay. In large products
// each row has a list, and the lists serve many columns.

// A sparse is how terms are left out, with the instructions of one kind of
// processor.
type sparse[T Float] struct {
	// finite reports whether all of n elements are, n being 1 or more.
	finite func(x *T, n int) bool

	// copyFinite does the same for rows that it copies; nil if it does not pay to copy
	// B, as short vectors are seldom on two cache lines.
	copyFinite func(dst *T, dstRow uintptr, src *T, srcRow uintptr, rows, columns int) bool

	// rowPairs and columnPairs mark the terms of every two rows that stay, for A as it
	// lies and for A transposed. next returns the kernel to begin with where C has so
	// many columns, and how many of them it takes.
	rowPairs, columnPairs func(pairs *uint64, a *T, step uintptr, rows, k int)
	next                  func(columns int) (pairs[T], int)

	// rowTerms lists the terms of each row that stay, and terms computes a panel of
	// C, of so many columns, from them and a panel of B.
	rowTerms func(values *T, places, counts *int32, a *T, aRow uintptr, rows, k, step int)
	terms    func(values *T, places, counts *int32, b, c *T, cRow uintptr, from *T, fromRow uintptr, rows int, floor T)
	panel    int
	many     int // of a hundred terms that are 0, it pays to leave them out
}

// pairs is a kernel for a strip of C that computes the terms marked for every two
// rows.
type pairs[T Float] func(pairs *uint64, a *T, aRow, aStep uintptr, b *T, bStep uintptr, c *T, cRow uintptr, from *T, fromRow, ahead uintptr, rows, columns int, floor T)

// Every two rows have so many words of bits, and so many pairs of rows are marked at a
// time, whose terms then stay in the L1 cache.
const (
	pairWords = 2
	somePairs = 16
)

// canSkipPairs reports whether leaving out the terms in which two rows of A are 0, if
// B is finite, seems to pay: for few rows or columns it does not, nor if B is not in a
// cache, nor for half of the terms or less.
func (s *blocked[T]) canSkipPairs() bool {
	m, n, k := s.c.Rows, s.c.Cols, s.a.Cols
	return s.sparse != nil && m >= 8 && n > 2*s.lanes && m*n*k >= thresholds.zeros &&
		k*n*int(unsafe.Sizeof(T(0))) <= blocks.size &&
		s.looksZero(2, 50)
}

// canSkipEach reports whether leaving out the terms of each row in which A is 0
// seems to pay, with B rearranged. (Whether it is right, finite says for each panel
// of B.)
func (s *blocked[T]) canSkipEach() bool {
	return s.sparse != nil && s.c.Cols >= s.sparse.panel && s.looksZero(1, s.sparse.many)
}

// looksZero reports whether A is 0 in more than so many places of a hundred, and in
// so many rows below it too. It looks at 32 places, most of which are not in a cache.
func (s *blocked[T]) looksZero(rows, percent int) bool {
	const looks = 32
	groups, k := s.a.Rows/rows, s.a.Cols
	row, step := s.a.strides()
	zeros := 0
	for i := range looks {
		x := s.a.Data[i*groups/looks*rows*row+i*21%looks*k/looks*step:]
		if x[0] == 0 && x[(rows-1)*row] == 0 {
			zeros++
		}
		if i == looks/4-1 && zeros == 0 {
			return false // the rest would be read from memory for nothing
		}
	}
	return 100*zeros > percent*looks
}

// lists are the terms of some rows that are not left out, and memory for making
// them.
type lists struct {
	index  []int32 // the lists, one after the other
	counts []int32 // how long they are
	finite []bool
}

// flags returns n values for finite, whatever they are.
func (l *lists) flags(n int) []bool {
	if len(l.finite) < n {
		l.finite = make([]bool, n)
	}
	return l.finite[:n]
}

// room makes room for so many terms and lists. It makes whole kilobytes: of less, two
// threads could get memory in the same cache line.
func (l *lists) room(terms, counts int) {
	if len(l.index) < terms {
		l.index = make([]int32, ceil(terms, 256)*256)
	}
	if len(l.counts) < counts {
		l.counts = make([]int32, ceil(counts, 256)*256)
	}
}

// A part of B is some of its rows, few enough for the L1 cache. A vector that lies on two
// cache lines takes twice as long to read, so the rows may be a copy, in which each begins
// on a line.
type part[T Float] struct {
	p0, p1 int
	rows   []T
	pitch  int // from one row to the next
	finite bool
}

const cacheLine = 64

// pitch is how many elements a row of B takes in whole cache lines.
func (s *blocked[T]) pitch() int {
	line := cacheLine / int(unsafe.Sizeof(T(0)))
	return ceil(s.c.Cols, line) * line
}

// copyPays is for how many rows of A it pays to copy B.
const copyPays = 48

// partOf returns the rows p0 to p1 of B, or a copy in memory, for so many rows of A.
func (s *blocked[T]) partOf(p0, p1 int, memory []T, rows int) part[T] {
	n, pitch := s.c.Cols, s.pitch()
	b := part[T]{p0, p1, s.b.Data[p0*n : p1*n], n, true}
	if s.sparse.copyFinite == nil || rows < copyPays || pitch == n {
		b.finite = s.sparse.finite(&b.rows[0], len(b.rows))
		return b
	}
	size := unsafe.Sizeof(T(0))
	b.finite = s.sparse.copyFinite(&memory[0], uintptr(pitch)*size, &b.rows[0], uintptr(n)*size, p1-p0, n)
	b.rows, b.pitch = memory, pitch
	return b
}

// onLine returns x without what lies before the first cache line.
func onLine[T Float](x []T) []T {
	before := -uintptr(unsafe.Pointer(&x[0])) % cacheLine
	return x[before/unsafe.Sizeof(T(0)):]
}

// computePairs computes the rows lo to hi of C, some rows of B at a time: where these
// are finite, from the terms that stay of every two rows.
func (s *blocked[T]) computePairs(lo, hi int) {
	k := s.p1 - s.p0
	parts := ceil(k, blocks.shallow)
	buffer := borrow[T](s.place(lo), ceil(k, parts)*s.pitch()+cacheLine)
	defer keptOf[T]().buffers.giveBack(s.place(lo), buffer)
	for i := range parts {
		var b part[T]
		if s.parts != nil {
			b = s.parts[i]
		} else {
			b = s.partOf(s.p0+i*k/parts, s.p0+(i+1)*k/parts, onLine(buffer.data), hi-lo)
		}
		if b.finite {
			s.addPairs(lo, hi, b)
			continue
		}
		row, step := s.a.strides()
		s.computeStrips(lo, hi, 0, s.c.Cols, b.p0, b.p1, s.a.Data[lo*row+b.p0*step:], row, step)
	}
}

// cutB makes all parts of B, for the rows of A that come in groups.
func (s *blocked[T]) cutB(buffer *buffer[T]) {
	k := s.p1 - s.p0
	parts := ceil(k, blocks.shallow)
	buffer.grow(k*s.pitch() + cacheLine)
	memory := onLine(buffer.data)
	buffer.parts = buffer.parts[:0]
	for i := range parts {
		p0, p1 := i*k/parts, (i+1)*k/parts
		buffer.parts = append(buffer.parts, s.partOf(s.p0+p0, s.p0+p1, memory[p0*s.pitch():], s.c.Rows))
	}
	s.parts = buffer.parts
}

// addPairs adds the terms of a part of B.
func (s *blocked[T]) addPairs(lo, hi int, b part[T]) {
	p0, p1 := b.p0, b.p1
	n, k, size := s.c.Cols, p1-p0, unsafe.Sizeof(T(0))
	row, step := s.a.strides()
	var marks [somePairs * pairWords]uint64
	ahead := uintptr(k) * size // the terms that come next, in the same rows
	if s.a.transposed || p1 == s.p1 {
		ahead = 0
	}
	for ; lo < hi; lo += 2 * somePairs {
		rows := min(2*somePairs, hi-lo)
		a := &s.a.Data[lo*row+p0*step]
		if s.a.transposed {
			s.sparse.columnPairs(&marks[0], a, uintptr(step)*size, rows, k)
		} else {
			s.sparse.rowPairs(&marks[0], a, uintptr(row)*size, rows, k)
		}
		ahead := ahead
		for j, columns := 0, 0; j < n; j += columns {
			var run pairs[T]
			run, columns = s.sparse.next(n - j)
			c := &s.c.Data[lo*n+j]
			from, fromRow := s.from(lo, j)
			if p0 > 0 {
				from, fromRow = c, n
			}
			run(&marks[0], a, uintptr(row)*size, uintptr(step)*size, &b.rows[j], uintptr(b.pitch)*size,
				c, uintptr(n)*size, from, uintptr(fromRow)*size, ahead, rows, columns, s.floor(p1))
			ahead = 0
		}
	}
}

// computeEach adds to the rows lo to hi of C the terms that stay of each row, for
// the block of B that is rearranged. The rows of A begin at a; the buffer has room
// for them.
func (s *blocked[T]) computeEach(lo, hi int, a []T, buffer *buffer[T]) {
	// A piece of a panel of B stays in the L1 cache while the rows pass by.
	const pieceSize, mostPieces = 24 << 10, 8
	n, k, m, size := s.c.Cols, s.p1-s.p0, hi-lo, int(unsafe.Sizeof(T(0)))
	row, step := s.a.strides()
	if step != 1 {
		row = k + apart
		s.transpose(buffer.data, row, a, step, k, m)
		a = buffer.data
	}
	pieces := min(ceil(k*s.panel*size, pieceSize), mostPieces)
	terms := borrow[T](s.place(lo), m*k+8)
	defer keptOf[T]().buffers.giveBack(s.place(lo), terms)
	l := &terms.lists
	l.room(m*k+8, pieces*m)
	var starts [mostPieces]int
	start := 0
	for piece := range pieces {
		p, end := piece*k/pieces, (piece+1)*k/pieces
		counts := l.counts[piece*m:][:m]
		s.sparse.rowTerms(&terms.data[start], &l.index[start], &counts[0], &a[p], uintptr(row*size), m, end-p, s.panel*size)
		starts[piece] = start
		for _, count := range counts {
			start += int(count)
		}
	}
	for j := s.j0; j < s.j1; j += s.panel {
		panel := (j - s.j0) / s.panel
		if !s.finite[panel] {
			s.computeStrips(lo, hi, j, min(j+s.panel, s.j1), s.p0, s.p1, a, row, 1)
			continue
		}
		b := s.packed[panel*s.panel*k:]
		c := &s.c.Data[lo*n+j]
		for piece := range pieces {
			p, end := piece*k/pieces, (piece+1)*k/pieces
			from, fromRow := s.from(lo, j)
			if s.p0+p > 0 {
				from, fromRow = c, n
			}
			s.sparse.terms(&terms.data[starts[piece]], &l.index[starts[piece]], &l.counts[piece*m], &b[p*s.panel],
				c, uintptr(n*size), from, uintptr(fromRow*size), m, s.floor(s.p0+end))
		}
	}
}
