package data

import (
	"encoding/binary"
	"math/bits"
)

// marks finds the bytes of a text that mean something in a table: separators, line feeds
// and quotes. It looks at blockSize bytes at a time, without a branch that depends on
// them.
type marks struct {
	text      []byte
	separator uint64 // in each byte
	block     int    // where in text the block begins
	found     uint64 // the marks of the block that have not been returned: bit i is for its byte i
}

// blockSize is how many bytes marks looks at together. The array of its text must be as
// much longer than the text.
const blockSize = 64

const (
	each  = 0x0101010101010101 // 1 in each byte of a word
	upper = each << 7          // the upper bit of each byte
)

func marksOf(separator byte) marks { return marks{separator: each * uint64(separator)} }

// reset begins another text.
func (m *marks) reset(text []byte) {
	m.text, m.block, m.found = text, -blockSize, 0
}

// next returns the place of the next mark, or the length of the text if there is none.
func (m *marks) next() int {
	if m.found == 0 && !m.look() {
		return len(m.text)
	}
	i := m.block + bits.TrailingZeros64(m.found)
	m.found &= m.found - 1
	return i
}

// look moves to the next block that has marks, and reports whether there is one.
func (m *marks) look() bool {
	for m.block+blockSize < len(m.text) {
		m.block += blockSize
		b := m.text[m.block : m.block+blockSize]
		found, separator := uint64(0), m.separator
		for len(b) >= 8 {
			w := binary.LittleEndian.Uint64(b)
			b = b[8:]
			// The upper bit of each byte that is no mark: it was set before, or
			// something but 0 is left of the others without each of the marks.
			low := w & (each * 0x7f)
			other := ((low^separator)+each*0x7f)&((low^each*'\n')+each*0x7f)&((low^each*'"')+each*0x7f) | w
			found = found>>8 | (^other&upper)*0x0002040810204081&(0xff<<56)
		}
		if rest := len(m.text) - m.block; rest < blockSize {
			found &= 1<<rest - 1
		}
		if m.found = found; found != 0 {
			return true
		}
	}
	return false
}
