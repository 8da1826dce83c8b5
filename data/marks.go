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

// each is a byte of 1 in each byte of a word.
const each = 0x0101010101010101

func marksOf(separator byte) marks { return marks{separator: each * uint64(separator)} }

// reset begins another text.
func (m *marks) reset(text []byte) {
	m.text, m.block, m.found = text, -blockSize, 0
}

// next returns the place of the next mark, or the length of the text if there is none.
func (m *marks) next() int {
	for m.found == 0 {
		if m.block+blockSize >= len(m.text) {
			return len(m.text)
		}
		m.block += blockSize
		m.look()
	}
	i := m.block + bits.TrailingZeros64(m.found)
	m.found &= m.found - 1
	return i
}

// look finds the marks of the block.
func (m *marks) look() {
	b := m.text[m.block : m.block+blockSize]
	for k := 0; k < blockSize; k += 8 {
		w := binary.LittleEndian.Uint64(b[k:])
		other := others(w^m.separator) & others(w^each*'\n') & others(w^each*'"')
		// The upper bits of 8 bytes become 8 bits in a row.
		m.found = m.found>>8 | (^other&(each<<7)>>7*0x0102040810204080)&(0xff<<56)
	}
	if rest := len(m.text) - m.block; rest < blockSize {
		m.found &= 1<<rest - 1
	}
}

// others sets the upper bit of each byte of w that is not 0.
func others(w uint64) uint64 { return (w&(each*0x7f) + each*0x7f) | w }
