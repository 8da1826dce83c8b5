package kernel

import "unsafe"

// Four of five pixels of MNIST are 0. With B finite, a term in which A is 0 is
// ±0, which can change nothing but the sign of a sum that is 0 itself, and that
// is + in the end: leaving such terms out changes no bit.

// worthSkipping reports whether leaving out the terms in which A is 0 is right,
// and seems to pay: if most of some elements that are looked at are. It does not
// for few rows or columns, nor unless B is in a cache.
func (s *blocked[T]) worthSkipping() bool {
	const looks = 64
	x := s.a.Data
	if s.tiling.sparse == nil || s.a.transposed || s.c.Rows < 8 || s.c.Cols <= 2*s.lanes || s.a.Cols < 2*looks ||
		len(s.b.Data)*int(unsafe.Sizeof(T(0))) > blocks.size {
		return false
	}
	zeros := 0
	for i := range looks {
		if x[i*len(x)/looks+i%16] == 0 {
			zeros++
		}
	}
	return zeros > looks*3/5 && s.finite(&s.b.Data[0], len(s.b.Data))
}

// computeSparse computes the rows lo to hi of C.
func (s *blocked[T]) computeSparse(lo, hi int) {
	n, k, size := s.c.Cols, s.a.Cols, unsafe.Sizeof(T(0))
	buffer := borrow[T](0)
	defer keptOf[T]().buffers.giveBack(buffer)
	if len(buffer.index) < k+16 {
		buffer.index = make([]int32, k+16)
	}
	index := &buffer.index[0]
	for i := lo; i < hi; i++ {
		a := &s.a.Data[i*k]
		count := s.nonzeros(index, a, k)
		if count == 0 {
			*index, count = 0, 1
		}
		for j := 0; j < n; j += 64 {
			from, _ := s.from(i, j)
			s.tiling.sparse(index, count, a, &s.b.Data[j], uintptr(n)*size, &s.c.Data[i*n+j], from, min(64, n-j), s.floor(k))
		}
	}
}
