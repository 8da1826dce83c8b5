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
