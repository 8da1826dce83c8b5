package kernel

import "encoding/binary"

// Marks finds three bytes in a text, in blocks of 64: bit i%64 of found[i/64] becomes 1 if
// text[i] is a, b or c, which are below 0x80, and 0 if not.
func Marks(found []uint64, text []byte, a, b, c byte) {
	mustMatch("Marks", 64*len(found), len(text))
	for i := marks(found, text, a, b, c); i < len(found); i++ {
		found[i] = marksOf((*[64]byte)(text[64*i:]), a, b, c)
	}
}

const (
	each  = 0x0101010101010101 // 1 in each byte of a word
	lower = each * 0x7f        // the lower bits of each byte
)

// marksOf is Marks for a block. It looks at 8 bytes together.
func marksOf(block *[64]byte, a, b, c byte) (found uint64) {
	wordA, wordB, wordC := each*uint64(a), each*uint64(b), each*uint64(c)
	for k := 0; k < len(block); k += 8 {
		w := binary.LittleEndian.Uint64(block[k:])
		// The upper bit of a byte that is none of them is 1: it was before, or something
		// is left of the lower bits without those of each, to which 0x7f is added.
		low := w & lower
		other := ((low^wordA)+lower)&((low^wordB)+lower)&((low^wordC)+lower) | w
		found = found>>8 | (^other&^lower)*0x0002040810204081&(0xff<<56) // brings the 8 bits together
	}
	return found
}
