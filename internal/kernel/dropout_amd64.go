//go:build amd64 && !purego

package kernel

// dropouts does the elements from lo on as far as the kernel can, and returns how many.
func dropouts[T Float](d *dropout[T], lo, hi int) int {
	f, ok := any(d).(*dropout[float32])
	switch n := hi - lo; {
	case !ok:
	case hasAVX512 && n >= 32:
		n &^= 31
		dropout512f32(&f.y[lo], &f.x[lo], &f.keys, uint64(lo/4), f.step, n, f.drop, f.scale)
		return n
	case hasAVX2 && n >= 16:
		n &^= 15
		dropout256f32(&f.y[lo], &f.x[lo], &f.keys, uint64(lo/4), f.step, n, f.drop, f.scale)
		return n
	}
	return 0
}
