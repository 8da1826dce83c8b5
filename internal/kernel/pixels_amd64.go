//go:build amd64 && !purego

package kernel

// pixels is the part of Pixels that is done here: it returns how many elements.
func pixels[T Float](y []T, x []byte) int {
	n := len(x) &^ 15
	y32, ok := any(y).([]float32)
	if !ok || !hasAVX2 || n == 0 {
		return 0
	}
	pixels256(&y32[0], &x[0], n)
	return n
}

// Prefetch fetches x, which is to be read soon, into the processor's cache
// where it can be asked to.
func Prefetch(x []byte) {
	if len(x) > 0 {
		prefetch(&x[0], len(x))
	}
}

// pixels256 computes y[i] = x[i]/255 for n elements, n being a multiple of 16 and
// 16 or more.
//
//go:noescape
func pixels256(y *float32, x *byte, n int)

// prefetch fetches the cache lines of n bytes from x on; n is 1 or more.
//
//go:noescape
func prefetch(x *byte, n int)
