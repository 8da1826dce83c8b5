package kernel

// Philox returns four random numbers for a counter and a key: ten rounds of Philox 4x32
// (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011;
// the constants are those of table 2).
func Philox(c [4]uint32, key [2]uint32) [4]uint32 {
	keys := roundKeys(key)
	return philox(c, &keys)
}

// roundKeys returns the keys of the rounds, two for each.
func roundKeys(key [2]uint32) (keys [20]uint32) {
	for i := range keys {
		keys[i] = key[i%2]
		key[i%2] += [2]uint32{0x9E3779B9, 0xBB67AE85}[i%2]
	}
	return keys
}

func philox(c [4]uint32, keys *[20]uint32) [4]uint32 {
	for i := 0; i < len(keys); i += 2 {
		low0, high0 := halves(0xD2511F53 * uint64(c[0]))
		low1, high1 := halves(0xCD9E8D57 * uint64(c[2]))
		c = [4]uint32{high1 ^ c[1] ^ keys[i], low1, high0 ^ c[3] ^ keys[i+1], low0}
	}
	return c
}

// halves returns the lower half of v and the upper.
func halves(v uint64) (low, high uint32) { return uint32(v), uint32(v >> 32) }

// Dropout sets y[i] = x[i]·m, where m is 0 with probability rate, which is below 1, and
// else 1/(1 - rate). It is 0 where the number i%4 of [Philox], for the counter i/4 and
// step and the key, is below rate·2^32.
func Dropout[T Float](threads int, y, x []T, key, step uint64, rate float64) {
	mustMatch("Dropout", len(y), len(x))
	low, high := halves(key)
	d := dropout[T]{
		y: y, x: x, keys: roundKeys([2]uint32{low, high}), step: step,
		drop: uint32(rate * (1 << 32)), scale: T(1 / (1 - rate)),
	}
	parts := ceil(len(y), Piece)
	if threads > 1 && len(y) >= thresholds.update && share(&keptOf[T]().dropouts, &d, threads, parts, len(y) >= thresholds.wakeUpdate) {
		return
	}
	for part := range parts {
		d.Do(part)
	}
}

// dropout is one Dropout. A part of it is a piece, as of an update.
type dropout[T Float] struct {
	y, x  []T
	keys  [20]uint32
	step  uint64
	drop  uint32
	scale T
}

func (d *dropout[T]) Do(part int) {
	lo, hi := part*Piece, min((part+1)*Piece, len(d.y))
	lo += dropouts(d, lo, hi)
	var words [4]uint32
	step0, step1 := halves(d.step)
	for i := lo; i < hi; i++ {
		if i%4 == 0 {
			block0, block1 := halves(uint64(i / 4))
			words = philox([4]uint32{block0, block1, step0, step1}, &d.keys)
		}
		m := T(0)
		if words[i%4] >= d.drop {
			m = d.scale
		}
		d.y[i] = d.x[i] * m // a product, so that a NaN stays one
	}
}
