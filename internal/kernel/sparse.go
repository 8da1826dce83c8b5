package kernel

import "unsafe"

// Four of five pixels of MNIST are 0. With B finite, a term in which A is 0 is
// ±0, which can change nothing but the sign of a sum that is 0 itself, and that
// is + in the end: leaving such terms out changes no bit.

// A sparse is how terms are left out: in small products those in which two rows of
// A, one below the other, are both 0; in large ones those of each row.
type sparse[T Float] struct {
	// finite reports whether all of n elements are, n being 1 or more.
	finite func(x *T, n int) bool

	// rowLists and columnLists list the terms that stay, for A as it lies and for
	// A transposed.
	rowLists    func(index, counts *int32, a *T, aRow, ahead uintptr, rows, k int)
	columnLists func(index, counts *int32, a *T, aStep uintptr, rows, k int, bits *byte)

	// next returns the kernel for the first of so many columns, and how many it is for.
	next func(columns int) (listed[T], int)

	// For a large B, rearranged in panels of so many columns: rowTerms lists the
	// elements of each row of A that are not 0, and terms computes with them.
	panel    int
	rowTerms func(values *T, places, counts *int32, a *T, aRow uintptr, rows, k, step int)
	terms    func(values *T, places, counts *int32, b, c *T, cRow uintptr, from *T, fromRow uintptr, rows int, floor T)
}

// listed is a kernel that computes a strip of C from the terms that are listed.
type listed[T Float] func(index, counts *int32, a *T, aRow, aStep uintptr, b *T, bStep uintptr, c *T, cRow uintptr, from *T, fromRow uintptr, rows, columns int, floor T)

// canSkipPairs reports whether leaving out the terms in which A is 0 in two rows
// is right, and seems to pay: if most of some that are looked at would be. It does
// not for few rows or columns, nor unless B is in a cache.
func (s *blocked[T]) canSkipPairs() bool {
	m, n, k := s.c.Rows, s.c.Cols, s.a.Cols
	return s.sparse != nil && m >= 8 && n > 2*s.lanes && m*n*k >= thresholds.zeros &&
		k*n*int(unsafe.Sizeof(T(0))) <= blocks.size &&
		s.looksZero(2, 50) && s.sparse.finite(&s.b.Data[0], k*n)
}

// canSkipEach reports whether leaving out the terms in which A is 0 seems to pay
// in each row, with B rearranged; finite says for which panels of B it is right.
func (s *blocked[T]) canSkipEach() bool {
	return s.sparse != nil && s.c.Cols >= s.sparse.panel && s.looksZero(1, 25)
}

// looksZero reports whether A is 0 in so many rows, one below the other, in more than so
// many of a hundred places. It looks at some.
func (s *blocked[T]) looksZero(rows, percent int) bool {
	const looks = 64
	m, k := s.a.Rows, s.a.Cols
	row, step := s.a.strides()
	zeros := 0
	for i := range looks {
		x := s.a.Data[i*(m/rows)/looks*rows*row+i*37%looks*k/looks*step:] // from all over A
		if x[0] == 0 && x[(rows-1)*row] == 0 {
			zeros++
		}
		if i == looks/4-1 && zeros == 0 {
			return false // the rest would be read from memory for nothing
		}
	}
	return 100*zeros > percent*looks
}

// lists are the terms of some rows that are not left out.
type lists struct {
	index  []int32 // a list for each two rows, one behind the other
	counts []int32 // how long they are
	bits   []byte
	finite []bool
}

// flags returns n flags, whatever they hold.
func (l *lists) flags(n int) []bool {
	if len(l.finite) < n {
		l.finite = make([]bool, n)
	}
	return l.finite[:n]
}

// room makes room for so many terms, lists and bits.
func (l *lists) room(terms, counts, bits int) {
	if len(l.index) < terms {
		l.index = make([]int32, terms)
	}
	if len(l.counts) < counts {
		l.counts = make([]int32, counts)
	}
	if len(l.bits) < bits {
		l.bits = make([]byte, bits)
	}
}

// computePairs computes the rows lo to hi of C from the terms in which A is not 0.
func (s *blocked[T]) computePairs(lo, hi int) {
	k := s.a.Cols
	buffer := borrow[T](0)
	defer keptOf[T]().buffers.giveBack(buffer)
	parts := ceil(k, blocks.shallow)
	for part := range parts {
		s.addPairs(lo, hi, part*k/parts, (part+1)*k/parts, &buffer.lists)
	}
}

// addPairs adds the terms p0 to p1 of the sums.
func (s *blocked[T]) addPairs(lo, hi, p0, p1 int, l *lists) {
	n, k, size := s.c.Cols, p1-p0, unsafe.Sizeof(T(0))
	row, step := s.a.strides()
	most := min(max(4096/k, 8), 64) &^ 7 // rows whose lists stay there as well
	l.room(most/2*k+8, most/2, k+32)
	index, counts := &l.index[0], &l.counts[0]
	for ; lo < hi; lo += most {
		rows := min(most, hi-lo)
		a := &s.a.Data[lo*row+p0*step]
		if s.a.transposed {
			s.sparse.columnLists(index, counts, a, uintptr(step)*size, rows, k, &l.bits[0])
		} else {
			s.sparse.rowLists(index, counts, a, uintptr(row)*size, uintptr(k)*size, rows, k)
		}
		for j, columns := 0, 0; j < n; j += columns {
			var run listed[T]
			run, columns = s.sparse.next(n - j)
			c := &s.c.Data[lo*n+j]
			from, fromRow := s.from(lo, j)
			if p0 > 0 {
				from, fromRow = c, n
			}
			run(index, counts, a, uintptr(row)*size, uintptr(step)*size, &s.b.Data[p0*n+j], uintptr(n)*size,
				c, uintptr(n)*size, from, uintptr(fromRow)*size, rows, columns, s.floor(p1))
		}
	}
}

// computeEach adds to the rows lo to hi of C the terms of the block of B in which A
// is not 0. The rows of A begin at a; the buffer has room for them.
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
	terms := borrow[T](m*k + 8)
	defer keptOf[T]().buffers.giveBack(terms)
	l := &terms.lists
	l.room(m*k+8, pieces*m, 0)
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
