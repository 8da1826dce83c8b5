package kernel

// A span is results of an axis, lo to hi, for which the same elements of the kernel, first
// to end, lie in the image.
type span struct{ lo, hi, first, end int }

// spans returns the spans of a in the memory of s; none if a result meets only padding.
func (a Axis) spans(s []span) []span {
	s = s[:0]
	for i := range a.Out() {
		at := i*a.Stride - a.Padding
		first := ceil(max(-at, 0), a.Dilation)
		end := min(ceil(max(a.Size-at, 0), a.Dilation), a.Kernel)
		if first >= end {
			return s[:0]
		}
		if last := len(s) - 1; last >= 0 && s[last].first == first && s[last].end == end {
			s[last].hi++
		} else {
			s = append(s, span{i, i + 1, first, end})
		}
	}
	return s
}

// fits reports whether the kernels can compute the stage, and whether that pays: a kernel of
// one row or column saves nothing, as [Convolve] copies little or nothing for it.
func (s *stage[T]) fits(lanes int) bool {
	if g := (geometry{s.Convolution, s.Pool}); s.placed != g {
		s.placed = g
		s.place()
	}
	return len(s.rows) > 0 && len(s.columns) > 0 && s.Groups == 1 && s.Out%lanes == 0 && s.Pool.Rows.Padding == 0 && s.Pool.Columns.Padding == 0 &&
		s.Rows.Kernel > 1 && s.Columns.Kernel > 1
}

// place finds the spans and windows.
func (s *stage[T]) place() {
	s.rows, s.columns = s.Rows.spans(s.rows), s.Columns.spans(s.columns)
	s.windows = s.windows[:0]
	if s.pooled() {
		for a := range s.Pool.Rows.Kernel {
			for b := range s.Pool.Columns.Kernel {
				s.windows = append(s.windows, [2]int{(a*s.Pool.Columns.Size + b) * s.Out * size[T]()})
			}
		}
	}
}

// Result returns how many rows and columns the result has.
func (s *Stage[T]) Result() (rows, columns int) {
	if s.pooled() {
		return s.Pool.Rows.Out(), s.Pool.Columns.Out()
	}
	return s.Rows.Out(), s.Columns.Out()
}

func (s *Stage[T]) pooled() bool { return s.Pool != Pool{} }

func (s *stage[T]) height() int {
	rows, _ := s.Result()
	return rows
}

// row is how many elements a row of the result has, with all channels.
func (s *stage[T]) row() int {
	_, columns := s.Result()
	return columns * s.Out
}

func (s *stage[T]) result() int { return s.height() * s.row() }

// before returns the rows of the convolution that the rows lo to hi of the result need.
func (s *stage[T]) before(lo, hi int) (int, int) {
	if a := s.Pool.Rows; s.pooled() {
		return lo * a.Stride, (hi-1)*a.Stride + a.Kernel
	}
	return lo, hi
}

// compute computes the rows lo to hi of the result, with memory for the rows before a pool.
func (s *stage[T]) compute(k *imageKernels[T], y, x []T, lo, hi int, wide []T) {
	if !s.pooled() {
		s.convolve(k, y[lo*s.row():], x, lo, hi)
		return
	}
	from, to := s.before(lo, hi)
	s.convolve(k, wide, x, from, to)
	line := s.Columns.Out() * s.Out
	for i := lo; i < hi; i++ {
		k.channels.max(&y[i*s.row()], &wide[(i*s.Pool.Rows.Stride-from)*line], uintptr(s.Pool.Columns.Stride*s.Out*size[T]()),
			&s.windows[0], len(s.windows), s.Pool.Columns.Out(), s.Out/k.lanes)
	}
}

// convolve computes the rows lo to hi of the convolution; y begins with the first.
func (s *stage[T]) convolve(k *imageKernels[T], y, x []T, lo, hi int) {
	t := keptOf[T]().triples.borrow(lo)
	t.stage, t.kernels, t.y, t.x, t.lo, t.floor = s, k, y, x, lo, T(negInf)
	if s.ReLU {
		t.floor = 0
	}
	for _, rows := range s.rows {
		if rows.lo, rows.hi = max(rows.lo, lo), min(rows.hi, hi); rows.lo < rows.hi {
			for _, columns := range s.columns {
				t.rectangle(rows, columns)
			}
		}
	}
	t.stage, t.y, t.x = nil, nil, nil // keep no caller's memory alive
	keptOf[T]().triples.giveBack(lo, t)
}
