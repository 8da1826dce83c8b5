package kernel

import (
	"sync/atomic"
	"unsafe"
)

// A kept is an object that is lent and given back, without locks. Unlike a
// sync.Pool, which empties itself, it keeps as many as were ever lent at a time,
// up to its size, so that a training step allocates nothing.
type kept[O any] [slots]atomic.Pointer[O]

// slots is how many objects a kept keeps.
const slots = 32

// borrow returns an object, whatever it holds, until giveBack. Who looks for it in
// the same place each time is likely to get the same one, with what is in the
// caches of a core.
func (k *kept[O]) borrow(place int) *O {
	for i := range k {
		if slot := &k[(place+i)%len(k)]; slot.Load() != nil {
			if o := slot.Swap(nil); o != nil {
				return o
			}
		}
	}
	return new(O)
}

func (k *kept[O]) giveBack(place int, o *O) {
	for i := range k {
		if k[(place+i)%len(k)].CompareAndSwap(nil, o) {
			return
		}
	}
}

// keeps is what is kept for work on one type.
type keeps[T Float] struct {
	buffers      kept[buffer[T]]
	loops        kept[loops[T]]
	blocked      kept[blocked[T]]
	batchNorms   kept[batchNorm[T]]
	rowNorms     kept[rowNorm[T]]
	activations  kept[activation[T]]
	poolings     kept[pooling[T]]
	prelus       kept[prelus[T]]
	dropouts     kept[dropout[T]]
	convolutions kept[convolution[T]]
	triples      kept[triples[T]]
}

var keeps32, keeps64 = new(keeps[float32]), new(keeps[float64])

func keptOf[T Float]() *keeps[T] {
	if k, ok := any(keeps32).(*keeps[T]); ok {
		return k
	}
	return any(keeps64).(*keeps[T])
}

// A buffer is for a matrix that is rearranged for a product.
type buffer[T Float] struct {
	data  []T
	lists lists
	pipe  pipeline
	parts []part[T]
}

// borrow returns n elements, whatever they hold, until they are given back.
func borrow[T Float](place, n int) *buffer[T] {
	b := keptOf[T]().buffers.borrow(place)
	b.grow(n)
	return b
}

// grow makes a buffer one of n elements, whatever they hold.
func (b *buffer[T]) grow(n int) {
	if cap(b.data) < n {
		b.data = make([]T, n)
	}
	b.data = b.data[:n]
}

// transpose sets dst to the transpose of src, which has so many rows and
// columns. Rows lie dstRow and srcRow elements apart.
func (t *tiling[T]) transpose(dst []T, dstRow int, src []T, srcRow, rows, columns int) {
	if t.squares == nil || rows < 8 || columns < 8 {
		for i := range rows {
			for j, v := range src[i*srcRow:][:columns] {
				dst[j*dstRow+i] = v
			}
		}
		return
	}
	// Squares of 8 by 8, the last of which begin before the end of those before.
	squares, size := columns/8, unsafe.Sizeof(T(0))
	for i := 0; i < rows; i += 8 {
		i := min(i, rows-8)
		t.squares(&dst[i], uintptr(dstRow)*size, &src[i*srcRow], uintptr(srcRow)*size, squares)
		if j := columns - 8; j > 8*squares-8 {
			t.squares(&dst[j*dstRow+i], uintptr(dstRow)*size, &src[i*srcRow+j], uintptr(srcRow)*size, 1)
		}
	}
}

// cutPacked cuts a product whose B is rearranged into parts: columns of C. A part
// rearranges its own columns of B, so no thread reads what another has just written,
// nor waits for it. If the threads would get few columns they share rows, and each
// rearranges all columns.
func (s *blocked[T]) cutPacked(threads, tile int) {
	n, width := s.c.Cols, blocks.width
	if s.skipEach {
		s.panel, width = s.sparse.panel, 16*width // a part makes lists of A
	} else if s.a.transposed {
		width *= 2 // a part rearranges A too
	}
	parts, unit := ceil(n, width), s.panel
	if n < threads*s.panel {
		s.rows = ceil(ceil(s.c.Rows, threads), tile) * tile
	} else if threads > 1 {
		parts = ceil(parts, threads) * threads
		if !s.skipEach {
			unit = s.lanes // for shares that are alike
		}
	}
	s.columns = ceil(ceil(n, parts), unit) * unit
}

// computePacked computes the rows lo to hi of C, and of these the columns j0 to j1,
// with B rearranged.
func (s *blocked[T]) computePacked(lo, hi, j0, j1 int) {
	own, k, panels := *s, s.a.Cols, ceil(j1-j0, s.panel)
	own.j0, own.j1 = j0, j1
	depth := blocks.depth
	if s.skipEach {
		depth /= 2 // as all columns are in the block
	}
	depths, heights := ceil(k, depth), ceil(hi-lo, blocks.height)
	height := ceil(ceil(hi-lo, heights), callRows) * callRows
	buffer := borrow[T](own.place(lo), ceil(k, depths)*panels*s.panel)
	defer keptOf[T]().buffers.giveBack(own.place(lo), buffer)
	own.packed, own.finite = buffer.data, buffer.lists.flags(panels)
	for d := range depths {
		own.p0, own.p1 = d*k/depths, (d+1)*k/depths
		own.pack()
		for i := lo; i < hi; i += height {
			own.compute(i, min(i+height, hi), j0, j1)
		}
	}
}

// pack rearranges the block of B: the columns of each panel become one piece of memory.
func (s *blocked[T]) pack() {
	w, k := s.panel, s.p1-s.p0
	for group := s.j0; group < s.j1; group += 8 * w { // a long piece of each row is read
		j1 := min(group+8*w, s.j1)
		dst := s.packed[(group-s.j0)*k:]
		if s.b.transposed {
			for j := group; j < j1; j += w {
				s.transpose(dst[(j-group)*k:], w, s.b.Data[j*s.b.Rows+s.p0:], s.b.Rows, min(w, j1-j), k)
			}
			continue
		}
		src, n := s.b.Data[s.p0*s.b.Cols+group:], s.b.Cols
		whole := (j1 - group) / w
		if whole > 0 {
			copyPlanes(dst, w, w*k, src, n, w, k, whole, w)
		}
		if rest := (j1 - group) % w; rest > 0 {
			copyPlanes(dst[whole*w*k:], 0, w, src[whole*w:], 0, n, 1, k, rest)
		}
	}
	if s.skipEach {
		for i := range s.finite {
			end := (i + 1) * w
			s.finite[i] = s.j0+end <= s.j1 && s.sparse.finite(&s.packed[i*w*k], w*k)
		}
	}
}

// apart is how many elements lie between two rows of A that were rearranged, so
// that rows of 2^n elements don't fall on the same sets of a cache.
const apart = 16
