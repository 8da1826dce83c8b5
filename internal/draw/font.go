package draw

import (
	"slices"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// The Go fonts, which come with this program, so that a picture is the same
// wherever it is made.
var (
	regularFont = sync.OnceValue(func() *opentype.Font { return mustParse(goregular.TTF) })
	boldFont    = sync.OnceValue(func() *opentype.Font { return mustParse(gobold.TTF) })
)

func mustParse(ttf []byte) *opentype.Font {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(err) // of a font that is built in
	}
	return f
}

func newFace(f *opentype.Font, size float64) font.Face {
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		panic(err) // it fails for no size above 0
	}
	return face
}

// measuring is the face for measuring: of a large size, so that hinting does not matter.
var measuring = sync.OnceValue(func() font.Face { return newFace(regularFont(), 100) })

var measureMu sync.Mutex // a Face is not safe for concurrent use

// measure returns the width of a text. A letter that the font does not have counts as
// a square.
func measure(s string, size float64) float64 {
	measureMu.Lock()
	defer measureMu.Unlock()
	var width fixed.Int26_6
	for _, r := range s {
		advance, ok := measuring().GlyphAdvance(r)
		if !ok || r > 0x2fff {
			advance = fixed.I(100)
		}
		width += advance
	}
	return float64(width) / 64 * size / 100
}

// measure sets the size of an item.
func (it *item) measure() {
	switch it.kind {
	case operation:
		it.h = 36
		it.w = max(36, measure(it.text, textSize)+20)
	case leaf:
		it.w, it.h = measure(it.text, textSize)+8, lineHeight
	case edge:
		it.w = max(36, measure(it.caption, captionSize))
		for _, line := range slices.Concat(it.above, it.below) {
			it.w = max(it.w, measure(line, textSize)+4)
		}
		rows := max(len(it.above), len(it.below))
		it.h = 2 * (gap + float64(rows)*lineHeight)
		if it.caption != "" {
			it.h += 2 * captionHeight // both sides, to keep the line in the middle
		}
	case branch:
		it.w, it.h = 2*branchRadius, 2*branchRadius
	case box:
		it.w = measure(it.text, textSize) * 1.1
		for _, line := range it.below {
			it.w = max(it.w, measure(line, captionSize))
		}
		it.w += 28
		it.h = lineHeight + float64(len(it.below))*captionHeight + 22
	}
}
