package data

import (
	"math/bits"

	"github.com/chainrule-go/chainrule/internal/kernel"
)

// marks finds the bytes of a text that mean something in a table: separators, line feeds
// and quotes.
type marks struct {
	text      []byte
	separator byte
	block     int        // where in text the block begins
	found     uint64     // the marks of the block that have not been returned: bit i is for its byte i
	chunk     [32]uint64 // the marks of the block and its neighbours
}

// blockSize is how many bytes are a block. The array of a text must be as much longer.
const blockSize = 64

// reset begins another text.
func (m *marks) reset(text []byte) { m.text, m.block, m.found = text, -blockSize, 0 }

// next returns the place of the next mark. The end of the text is the last one: there must
// be no call after it.
func (m *marks) next() int {
	for m.found == 0 {
		m.look()
	}
	i := m.block + bits.TrailingZeros64(m.found)
	m.found &= m.found - 1
	return i
}

// look moves to the next block.
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
