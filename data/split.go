package data

import (
	"math"
	"math/bits"
	"slices"
)

// The parts of data.
const (
	trainPart = iota
	validationPart
	testPart
	parts
)

// split assigns each of n samples to a part, so that validation and test have their
// shares of each class; class returns the same for all samples if there are none.
//
// Which part a sample is in depends on the seed and on its key, a hash of what it holds,
// and not on where it stands in a file. Samples of the same key are in the same part, so
// that none that was trained on is tested.
func split(n int, seed uint64, validation, test float64, key func(int) uint64, class func(int) int) []uint8 {
	part := make([]uint8, n)
	if validation == 0 && test == 0 {
		return part
	}
	keys, sorted := make([]uint64, n), map[int][]uint64{}
	for i := range keys {
		keys[i] = mix(mix(seed) ^ key(i))
		sorted[class(i)] = append(sorted[class(i)], keys[i])
	}
	type limits struct{ test, held uint64 } // the first keys that are beyond them
	limit := map[int]limits{}
	for class, keys := range sorted {
		slices.Sort(keys)
		at := func(share float64) uint64 {
			return keys[min(int(math.Round(share*float64(len(keys)))), len(keys)-1)]
		}
		limit[class] = limits{at(test), at(test + validation)}
	}
	for i, key := range keys {
		switch l := limit[class(i)]; {
		case key < l.test:
			part[i] = testPart
		case key < l.held:
			part[i] = validationPart
		}
	}
	return part
}

// mix is a step of a hash: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// hashNumbers and hashBytes are the keys of samples.
func hashNumbers(values []float64) uint64 {
	var h uint64
	for _, v := range values {
		if v != v {
			v = math.Inf(1) // every NaN is the same
		}
		h = mix(h ^ math.Float64bits(v))
	}
	return h
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
