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

// mostTwins is the largest number of samples with the same inputs that are kept together. A few
// such samples are copies of one. Many of them are in the nature of the data, as in the answers to
// a few questions.
const mostTwins = 10

// split assigns each of n samples to a part, so that validation and test have their shares of
// each class. classes is nil if there are no classes.
//
// The part of a sample depends on the seed and on its key, a hash of its inputs, and not on its
// place in the file. Samples with the same key are in the same part, even if their classes differ,
// so that no sample that was trained on is also tested. If they are more than mostTwins, or more
// than half of the smaller part, they are divided. keys returns a key for each sample, target a
// hash of what is to be predicted for a sample; if target is nil, this is the class.
func split(n int, seed uint64, validation, test float64, keys func() []uint64, classes []int, target func(i int) uint64) []uint8 {
	part := make([]uint8, n)
	if validation == 0 && test == 0 {
		return part
	}
	if classes == nil {
		classes = make([]int, n)
	}
	if target == nil {
		target = func(i int) uint64 { return uint64(classes[i]) }
	}
	all := keys()
	for i, key := range all {
		all[i] = mix(mix(seed) ^ key)
	}
	share := max(validation, test) // of the smaller part
	if validation > 0 && test > 0 {
		share = min(validation, test)
	}
	some := make([]uint64, n)
	markTwins(part, all, some, classes, target, max(1, min(mostTwins, int(share*float64(n)/2))))
	mixed := 0 // the class of the samples in groups of several classes
	if n > 0 {
		mixed = slices.Max(classes) + 1
	}
	class := func(i int) int {
		if part[i] != 0 {
			return mixed
		}
		return classes[i]
	}
	ends := make([]int, mixed+2) // where the keys of each class begin in some; later, where they end
	for i := range all {
		ends[class(i)+1]++
	}
	for c := range ends[1:] {
		ends[c+1] += ends[c]
	}
	for i, key := range all { // the keys of all samples, class by class
		end := &ends[class(i)]
		some[*end] = key
		*end++
	}
	type limits struct{ test, held uint64 } // the first keys that are no longer in the part
	limit := make([]limits, mixed+1)
	begin := 0
	for c := range limit {
		keys := some[begin:ends[c]]
		begin = ends[c]
		if len(keys) > 0 {
			limit[c].test = shareLimit(keys, test)
			if limit[c].held = limit[c].test; validation > 0 {
				limit[c].held = shareLimit(keys, test+validation)
			}
		}
	}
	for i, key := range all {
		switch l := limit[class(i)]; {
		case key < l.test:
			part[i] = testPart
		case key < l.held:
			part[i] = validationPart
		default:
			part[i] = trainPart
		}
	}
	return part
}

// markTwins finds groups of samples with the same key. It divides those of more than most samples:
// it changes their keys by what is to be predicted, and, where this leaves more than most samples
// together, numbers them. In the other groups it sets mark to 1 for each sample if their classes
// differ. It overwrites some.
func markTwins(mark []uint8, all, some []uint64, classes []int, target func(i int) uint64, most int) {
	copies := map[uint64]uint64{}
	for try, again := 0, true; again; try++ {
		again = false
		found := groups(all, some, classes, most)
		if len(found) == 0 {
			return
		}
		for i, key := range all {
			g, ok := slices.BinarySearch(found, key&keyBits|large)
			switch {
			case ok && try == 0:
				all[i] = mix(key ^ mix(target(i)))
				again = true
			case ok:
				copies[key]++
				all[i] = mix(key + copies[key])
			case g > 0 && found[g-1] == key&keyBits: // its classes are mixed
				mark[i] = 1
			}
		}
	}
}

// The upper bits of a key are enough to tell samples apart. The others have room for the class.
const (
	keyBits = ^uint64(1<<16 - 1)
	large   = 1 // in place of the class: a group of more than most samples
)

// groups returns the keyBits of the groups of several classes and, with the bit large, of those of
// more than most samples, sorted. They are in the memory of some.
func groups(all, some []uint64, classes []int, most int) []uint64 {
	for i, key := range all {
		some[i] = key&keyBits | uint64(classes[i])&^keyBits
	}
	sortKeys(some, 63)
	n := 0
	for begin := 0; begin < len(some); {
		key, end := some[begin]&keyBits, begin+1
		for end < len(some) && some[end]&keyBits == key {
			end++
		}
		switch {
		case end-begin > most:
			some[n] = key | large
			n++
		case some[begin] != some[end-1]:
			some[n] = key
			n++
		}
		begin = end
	}
	return some[:n]
}

// shareLimit returns the first key that is no longer in a share of keys, which is as near to the
// wanted one as equal keys allow. It changes the order of keys.
func shareLimit(keys []uint64, share float64) uint64 {
	n := min(int(math.Round(share*float64(len(keys)))), len(keys)-1)
	limit := smallest(keys, n)
	before, equal := 0, 0
	for _, key := range keys {
		if key < limit {
			before++
		} else if key == limit {
			equal++
		}
	}
	if 2*(n-before) > equal && equal < len(keys) {
		limit++
	}
	return limit
}

// smallest returns the key that n others come before in order. It divides them by one bit
// after another, from the highest on, and goes on with one side. That changes their order.
func smallest(keys []uint64, n int) uint64 {
	for bit := 63; bit >= 0 && len(keys) > 1; bit-- {
		if clear := divide(keys, bit); n < clear {
			keys = keys[:clear]
		} else {
			keys, n = keys[clear:], n-clear
		}
	}
	return keys[0]
}

// divide moves the keys with this bit 0 before the others, and returns their number.
func divide(keys []uint64, bit int) (clear int) {
	for i, key := range keys {
		keys[i], keys[clear] = keys[clear], key
		clear += int(^key >> bit & 1)
	}
	return clear
}

// sortKeys sorts keys, bit by bit from this one down. No branch depends on a key, so it is faster
// than a sort by comparison.
func sortKeys(keys []uint64, bit int) {
	if len(keys) <= 12 || bit < 0 { // so few are sorted by insertion
		slices.Sort(keys)
		return
	}
	clear := divide(keys, bit)
	sortKeys(keys[:clear], bit-1)
	sortKeys(keys[clear:], bit-1)
}

// mix is a step of a hash: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
func mix(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// hashNumbers sets the keys of samples of width numbers each. The distance from one sample to the
// next is step.
func hashNumbers(keys []uint64, values []float64, width, step int) {
	clear(keys)
	const together = 16 // samples that are hashed side by side
	for len(keys) > 0 {
		some := keys[:min(together, len(keys))]
		for k := range width {
			for i, h := range some {
				some[i] = mix(h ^ hashBits(values[i*step+k]))
			}
		}
		keys, values = keys[len(some):], values[len(some)*step:]
	}
}

// hashBits returns the bits of a number, the same for each NaN.
func hashBits(v float64) uint64 {
	if v != v {
		v = math.Inf(1)
	}
	return math.Float64bits(v)
}

// hashRow returns a hash of numbers.
func hashRow(values []float64) (h uint64) {
	for _, v := range values {
		h = mix(h ^ hashBits(v))
	}
	return h
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
