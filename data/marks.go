package data

import (
	"math/bits"

	"github.com/chainrule-go/chainrule/internal/kernel"
)

// marks finds the bytes in a text that have a meaning in a table: separators, line feeds and
// quotes.
type marks struct {
	text      []byte
	separator byte
	block     int        // where the block begins in text
	found     uint64     // bit i: byte i of the block is a mark that has not been returned
	chunk     [32]uint64 // the marks of the block and its neighbors
}

// blockSize is the length of a block in bytes. The array of a text must be longer than the text
// by this length.
const blockSize = 64

// reset begins a new text.
func (m *marks) reset(text []byte) { m.text, m.block, m.found = text, -blockSize, 0 }

// next returns the place of the next mark. The end of the text counts as the last mark; do not
// call next after it.
func (m *marks) next() int {
	for m.found == 0 {
		m.look()
	}
	i := m.block + bits.TrailingZeros64(m.found)
	m.found &= m.found - 1
	return i
}

// look finds the marks of the next block.
func (m *marks) look() {
	m.block += blockSize
	k := m.block / blockSize % len(m.chunk)
	if rest := len(m.text) - m.block; k == 0 {
		n := min(len(m.chunk), rest/blockSize+1)
		kernel.Marks(m.chunk[:n], m.text[m.block:m.block+n*blockSize], m.separator, '\n', '"')
		if end := rest / blockSize; end < n {
			is := uint64(1) << (rest % blockSize)
			m.chunk[end] = m.chunk[end]&(is-1) | is
		}
	}
	m.found = m.chunk[k]
}
