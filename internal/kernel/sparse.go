package kernel

import "unsafe"

// Four of five pixels of MNIST are 0. With B finite, a term in which A is 0 is
// ±0, which can change nothing but the sign of a sum that is 0 itself, and that
// is + in the end: leaving such terms out changes no bit.

// A sparse is how terms are left out: those in which two rows of A, one below the other,
// are both 0.
type sparse[T Float] struct {
	// finite reports whether all of n elements are, n being 1 or more.
	finite func(x *T, n int) bool

	// rowLists and columnLists list the terms that stay, for A as it lies and for
	// A transposed.
	rowLists    func(index, counts *int32, a *T, aRow, ahead uintptr, rows, k int)
	columnLists func(index, counts *int32, a *T, aStep uintptr, rows, k int, bits *byte)

	// next returns the kernel for the first of so many columns, and how many it is for.
	next func(columns int) (listed[T], int)
}

// listed is a kernel that computes a strip of C from the terms that are listed.
type listed[T Float] func(index, counts *int32, a *T, aRow, aStep uintptr, b *T, bStep uintptr, c *T, cRow uintptr, from *T, fromRow uintptr, rows, columns int, floor T)

// canSkip reports whether leaving out the terms in which A is 0 is right, and
// seems to pay: if most of some that are looked at would be. It does not for few
// rows or columns, nor unless B is in a cache.
func (s *blocked[T]) canSkip() bool {
	m, n, k := s.c.Rows, s.c.Cols, s.a.Cols
	if s.tiling.sparse == nil || m < 8 || n <= 2*s.lanes || m*n*k < thresholds.zeros ||
		k*n*int(unsafe.Sizeof(T(0))) > blocks.size {
		return false
	}
	const looks = 64
	row, step := s.a.strides()
	zeros := 0
	for i := range looks {
		two := i * (m / 2) / looks * 2 * row
		p := i * 37 % looks * k / looks * step // from all over A
		if s.a.Data[two+p] == 0 && s.a.Data[two+row+p] == 0 {
			zeros++
		}
		if i == looks/4-1 && zeros == 0 {
			return false // the rest would be read from memory for nothing
		}
	}
	return zeros > looks/2 && s.tiling.sparse.finite(&s.b.Data[0], k*n)
}

// lists are the terms of some rows that are not left out.
type lists struct {
	index  []int32 // a list for each two rows, one behind the other
	counts []int32 // how long they are
	bits   []byte
}

// room makes room for the lists of so many rows of k terms.
func (l *lists) room(rows, k int) {
	if n := rows/2*k + 8; len(l.index) < n {
		l.index = make([]int32, n)
	}
	if len(l.counts) < rows/2 {
		l.counts = make([]int32, rows/2)
	}
	if len(l.bits) < k+32 {
		l.bits = make([]byte, k+32)
	}
}

// computeListed computes the rows lo to hi of C from the terms in which A is not 0.
func (s *blocked[T]) computeListed(lo, hi int) {
	k := s.a.Cols
	buffer := borrow[T](0)
	defer keptOf[T]().buffers.giveBack(buffer)
	parts := ceil(k, blocks.shallow)
	for part := range parts {
		s.addListed(lo, hi, part*k/parts, (part+1)*k/parts, &buffer.lists)
	}
}

// addListed adds the terms p0 to p1 of the sums.
func (s *blocked[T]) addListed(lo, hi, p0, p1 int, l *lists) {
	n, k, size := s.c.Cols, p1-p0, unsafe.Sizeof(T(0))
	row, step := s.a.strides()
	most := min(max(4096/k, 8), 64) &^ 7 // rows whose lists stay there as well
	l.room(most, k)
	index, counts := &l.index[0], &l.counts[0]
	for ; lo < hi; lo += most {
		rows := min(most, hi-lo)
		a := &s.a.Data[lo*row+p0*step]
		if s.a.transposed {
			s.tiling.sparse.columnLists(index, counts, a, uintptr(step)*size, rows, k, &l.bits[0])
		} else {
			s.tiling.sparse.rowLists(index, counts, a, uintptr(row)*size, uintptr(k)*size, rows, k)
		}
		for j, columns := 0, 0; j < n; j += columns {
			var run listed[T]
			run, columns = s.tiling.sparse.next(n - j)
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
