package data

import (
	"math"
	"math/bits"
)

// The parts of data.
const (
	trainPart = iota
	validationPart
	testPart
	parts
)

// split assigns each of n samples to a part, so that validation and test have their shares of
// each class. classes is nil if there are no classes.
//
// The part of a sample depends on the seed and on its key, a hash of its contents, and not
// on its place in the file. Samples with the same key are in the same part, so that no
// sample that was trained on is also tested. keys returns a key for each sample.
func split(n int, seed uint64, validation, test float64, keys func() []uint64, classes []int) []uint8 {
	part := make([]uint8, n)
	if validation == 0 && test == 0 {
		return part
	}
	if classes == nil {
		classes = make([]int, n)
	}
	all := keys()
	ends := []int{0} // where the keys of each class begin in some; later, where they end
	for i, key := range all {
		all[i] = mix(mix(seed) ^ key)
		for classes[i]+1 >= len(ends) {
			ends = append(ends, 0)
		}
		ends[classes[i]+1]++
	}
	for c := range ends[1:] {
		ends[c+1] += ends[c]
	}
	some := make([]uint64, n) // the keys of all samples, class by class
	for i, key := range all {
		end := &ends[classes[i]]
		some[*end] = key
		*end++
	}
	type limits struct{ test, held uint64 } // the first keys that are no longer in the part
	limit := make([]limits, len(ends)-1)
	begin := 0
	for c := range limit {
		keys := some[begin:ends[c]]
		begin = ends[c]
		at := func(share float64) uint64 {
			return smallest(keys, min(int(math.Round(share*float64(len(keys)))), len(keys)-1))
		}
		if len(keys) > 0 {
			limit[c].test = at(test)
			if limit[c].held = limit[c].test; validation > 0 {
				limit[c].held = at(test + validation)
			}
		}
	}
	for i, key := range all {
		switch l := limit[classes[i]]; {
		case key < l.test:
			part[i] = testPart
		case key < l.held:
			part[i] = validationPart
		}
	}
	return part
}

// smallest returns the key that has n keys before it in order. It divides the keys by one bit
// after another, from the highest, and continues with one side. It changes the order of keys.
func smallest(keys []uint64, n int) uint64 {
	for bit := 63; bit >= 0 && len(keys) > 1; bit-- {
		clear := 0 // keys whose bit is 0: they come first
		for i, key := range keys {
			keys[i], keys[clear] = keys[clear], key
			clear += int(^key >> bit & 1)
		}
		if n < clear {
			keys = keys[:clear]
		} else {
			keys, n = keys[clear:], n-clear
		}
	}
	return keys[0]
}

// mix is a step of a hash: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// hashNumbers sets the keys of samples. Each has len(values)/len(keys) numbers.
func hashNumbers(keys []uint64, values []float64) {
	width := len(values) / max(len(keys), 1)
	clear(keys)
	const together = 16 // samples that are hashed side by side
	for len(keys) > 0 {
		some := keys[:min(together, len(keys))]
		for k := range width {
			for i, h := range some {
				v := values[i*width+k]
				if v != v {
					v = math.Inf(1) // so that every NaN has the same hash
				}
				some[i] = mix(h ^ math.Float64bits(v))
			}
		}
		keys, values = keys[len(some):], values[len(some)*width:]
	}
}

// hashPixels returns the keys of n images.
func hashPixels(n int, pixels []byte) []uint64 {
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = hashBytes(pixels[i*len(pixels)/n : (i+1)*len(pixels)/n])
	}
	return keys
}

func hashBytes(p []byte) uint64 {
	var h uint64
	for ; len(p) >= 8; p = p[8:] {
		h = mix(h ^ (uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56))
	}
	for _, b := range p {
		h = mix(h ^ bits.RotateLeft64(uint64(b), 56))
	}
	return h
}
