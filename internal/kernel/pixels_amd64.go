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

// marks is the part of Marks that is done here: it returns how many blocks.
func marks(found []uint64, text []byte, a, b, c byte) int {
	if !hasAVX2 || len(found) == 0 {
		return 0
	}
	marks256(&found[0], &text[0], len(found), a, b, c)
	return len(found)
}

// Prefetch fetches x, which is to be read soon, into the processor's cache
// where it can be asked to.
func Prefetch(x []byte) {
	if len(x) > 0 {
		prefetch(&x[0], len(x))
	}
}
