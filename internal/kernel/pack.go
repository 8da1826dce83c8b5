package kernel

import "sync"

// packs are the buffers for matrices that are rearranged for a product. They
// are kept, as many as there ever were products at a time: unlike a sync.Pool,
// which empties itself, this makes a training step allocate nothing.
var packs struct {
	f32 buffers[float32]
	f64 buffers[float64]
}

func packsOf[T Float]() *buffers[T] {
	if b, ok := any(&packs.f32).(*buffers[T]); ok {
		return b
	}
	return any(&packs.f64).(*buffers[T])
}

type buffers[T Float] struct {
	sync.Mutex
	free [][]T
}

// borrow returns n elements, whatever they hold, until giveBack.
func (b *buffers[T]) borrow(n int) []T {
	b.Lock()
	defer b.Unlock()
	if last := len(b.free) - 1; last >= 0 {
		buffer := b.free[last]
		b.free = b.free[:last]
		if cap(buffer) >= n {
			return buffer[:n]
		}
	}
	return make([]T, n)
}

func (b *buffers[T]) giveBack(buffer []T) {
	b.Lock()
	defer b.Unlock()
	b.free = append(b.free, buffer)
}

// transpose sets dst to the transpose of src, which has rows times cols
// elements in row-major order.
func transpose[T Float](dst, src []T, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*cols:][:cols] {
			dst[j*rows+i] = v
		}
	}
}
