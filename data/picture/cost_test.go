package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/internal/memlimit"
)

// progressive returns a JPEG of so many scans, the first for the mean of each
// block and the others for nothing, at a few bytes each.
func progressive(width, height, components, scans int) []byte {
	segment := func(marker byte, content ...byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(2+len(content))), content...)
	}
	b := []byte{0xff, 0xd8}
	b = append(b, segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...) // quantization by 1
	frame := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(components)}
	for i := range components {
		frame = append(frame, byte(i), 0x11, 0)
	}
	b = append(b, segment(sof2, frame...)...)
	one := make([]byte, 15)                                                           // besides the code of one bit there is none
	b = append(b, segment(0xc4, append(append([]byte{0x00, 1}, one...), 0x00)...)...) // DC: a difference of 0
	b = append(b, segment(0xc4, append(append([]byte{0x10, 1}, one...), 0xe0)...)...) // AC: 16384 blocks of nothing
	blocks := ((width + 7) / 8) * ((height + 7) / 8)

	selection := []byte{byte(components)}
	for i := range components {
		selection = append(selection, byte(i), 0)
	}
	b = append(b, segment(sos, append(selection, 0, 0, 0)...)...)
	b = append(b, make([]byte, blocks*components/8+1)...)
	nothing := make([]byte, (blocks/16384+1)*15/8+1)
	for i := 1; i < scans; i++ {
		b = append(b, segment(sos, 1, byte(i%components), 0, 1, 63, 0)...)
		b = append(b, nothing...)
	}
	return append(b, 0xff, eoi)
}

// chunk is a chunk of a PNG.
func chunk(kind string, content []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	b = append(append(b, kind...), content...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// deflated is a zlib stream of n zeros.
func deflated(n int64) []byte {
	var b bytes.Buffer
	z, _ := zlib.NewWriterLevel(&b, zlib.BestCompression)
	io.CopyN(z, zeros{}, n)
	z.Close()
	return b.Bytes()
}

// blackPNG is a whole picture of zeros, with more chunks before its pixels.
func blackPNG(width, height uint32, depth, kind, interlace byte, bitsPerPixel int64, more ...[]byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	b := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(ihdr, depth, kind, 0, 0, interlace))...)
	for _, c := range more {
		b = append(b, c...)
	}
	passes := [][4]uint32{{0, 0, 1, 1}} // where they begin and how far their pixels are apart
	if interlace != 0 {
		passes = [][4]uint32{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
	}
	var size int64
	for _, p := range passes {
		w, h := int64((width-p[0]+p[2]-1)/p[2]), int64((height-p[1]+p[3]-1)/p[3])
		size += h * (1 + (w*bitsPerPixel+7)/8)
	}
	b = append(b, chunk("IDAT", deflated(size))...)
	return append(b, chunk("IEND", nil)...)
}

// allocated returns how much memory f takes, what it gives back included.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// A picture that would take too much is refused before it does.
func TestCostly(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		says string
	}{
		{"PNG claims 64 million pixels", declared(8000, 8000), "8000 x 8000 pixels would take 244 MB of memory, and a file of 33 bytes may take 64 MB"},
		{"PNG has 64 million pixels", blackPNG(8000, 8000, 8, 6, 0, 32), "would take 244 MB"},
		{"interlaced", blackPNG(3500, 3500, 8, 6, 1, 32), "would take 93 MB"},
		{"16 bits", blackPNG(4000, 3000, 16, 4, 0, 32), "would take 91 MB"},
		{"grey with a transparent grey", blackPNG(5000, 4000, 8, 0, 0, 8, chunk("tEXt", []byte("a\x00b")), chunk("tRNS", []byte{0, 1})), "would take 76 MB"},
		{"one row", blackPNG(32_000_000, 1, 1, 0, 0, 1), "would take 91 MB"},
		{"JPEG claims 64 million pixels", progressive(65535, 1000, 1, 1)[:200], "65535 x 1000 pixels would take 312 MB"},
		{"JPEG of four components", progressive(2000, 2000, 4, 1)[:200], "would take 91 MB"},
		{"20,000 scans", progressive(1000, 1000, 1, 20_000), "the picture has 20000 scans, at most 100; save it again, not progressive"},
		{"scans between comments that look like markers", bytes.ReplaceAll(progressive(100, 100, 1, 150), []byte("\xff\xda"), []byte("\xff\xfe\x00\x06\xff\xd9\xff\xda\xff\xda")), "150 scans"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			got := allocated(func() { _, err = Decode(bytes.NewReader(c.file), "costly") })
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %s", err, c.says)
			}
			if most := 8*int64(len(c.file)) + 1<<20; got > most {
				t.Errorf("a file of %d bytes took %d bytes of memory, want at most %d", len(c.file), got, most)
			}
		})
	}
}

// What decoding takes is no more than was foreseen.
func TestCost(t *testing.T) {
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewRGBA(image.Rect(0, 0, 500, 700)), nil); err != nil {
		t.Fatal(err)
	}
	cmyk, err := os.ReadFile("testdata/cmyk.jpg")
	if err != nil {
		t.Fatal(err)
	}
	grey := append([]byte{}, blackPNG(800, 600, 8, 0, 0, 8)...)
	for _, c := range []struct {
		name    string
		file    []byte
		measure func([]byte) cost
		want    int64 // about
		scans   int
	}{
		{"grey", grey, pngCost, 800 * 600, 1},
		{"one bit", blackPNG(800, 600, 1, 0, 0, 1), pngCost, 800 * 600, 1},
		{"16 bits", blackPNG(800, 600, 16, 0, 0, 16), pngCost, 800 * 600 * 2, 1},
		{"colour", blackPNG(800, 600, 8, 2, 0, 24), pngCost, 800 * 600 * 4, 1},
		{"colour 16", blackPNG(800, 600, 16, 2, 0, 48), pngCost, 800 * 600 * 8, 1},
		{"grey with a transparent grey", blackPNG(800, 600, 8, 0, 0, 8, chunk("tRNS", []byte{0, 1})), pngCost, 800 * 600 * 4, 1},
		{"interlaced", blackPNG(800, 600, 8, 6, 1, 32), pngCost, 800 * 600 * 8, 1},
		{"palette", blackPNG(800, 600, 4, 3, 0, 4, chunk("PLTE", []byte("abcdef"))), pngCost, 800 * 600, 1},
		{"JPEG", photo.Bytes(), jpegCost, 512 * 704 * 3 / 2, 1},
		{"progressive", progressive(800, 600, 1, 7), jpegCost, 800 * 600 * 5, 7},
		{"progressive in colour", progressive(800, 600, 3, 10), jpegCost, 800 * 600 * 15, 10},
		{"four components", cmyk, jpegCost, 32*32*4 + 28*28*4, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			foreseen := c.measure(c.file)
			if foreseen.memory < c.want || foreseen.memory > c.want*102/100+32<<10 {
				t.Errorf("%d bytes are foreseen, want about %d", foreseen.memory, c.want)
			}
			if foreseen.scans != c.scans {
				t.Errorf("%d scans, want %d", foreseen.scans, c.scans)
			}
			taken := allocated(func() {
				if _, err := Decode(bytes.NewReader(c.file), "file"); err != nil {
					t.Error(err)
				}
			})
			if most := foreseen.memory + 8*int64(len(c.file)) + 256<<10; taken > most {
				t.Errorf("%d bytes were taken, want at most %d", taken, most)
			}
			if taken < foreseen.memory/3 {
				t.Errorf("%d bytes were taken, and %d foreseen: more than need be refused", taken, foreseen.memory)
			}
		})
	}
}

// Text and profiles of a PNG are skipped, not decompressed.
func TestBombsBesidesThePixels(t *testing.T) {
	bomb := deflated(1 << 28)
	ring := paint(shapes[2], 40, 30, 5, 5, 20, color.Black, color.White)
	plain := pngOf(t, ring)
	const header = 8 + 25
	for _, kind := range []struct{ name, prefix string }{
		{"zTXt", "a\x00\x00"}, {"iCCP", "a\x00\x00"}, {"iTXt", "a\x00\x01\x00\x00\x00"},
	} {
		t.Run(kind.name, func(t *testing.T) {
			file := bytes.Join([][]byte{plain[:header], chunk(kind.name, append([]byte(kind.prefix), bomb...)), plain[header:]}, nil)
			var err error
			got := allocated(func() { _, err = Decode(bytes.NewReader(file), "bomb.png") })
			if err != nil {
				t.Fatal(err)
			}
			if most := 8*int64(len(file)) + 1<<20; got > most {
				t.Errorf("a file of %d bytes took %d bytes of memory, want at most %d", len(file), got, most)
			}
		})
	}
}

// The most that is allowed, from the file to the digit, in a process that has
// the memory that is promised and no more.
func TestAllowedMemory(t *testing.T) {
	for _, c := range []struct {
		name string
		file func() []byte
	}{
		{"grey PNG", func() []byte { return blackPNG(8000, 8000, 8, 0, 0, 8) }},
		{"wide PNG", func() []byte { return blackPNG(22_000_000, 1, 8, 0, 0, 8) }},
		{"interlaced PNG", func() []byte { return blackPNG(2800, 2800, 8, 6, 1, 32) }},
		{"progressive JPEG", func() []byte { return progressive(3500, 3500, 1, maxScans) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			const (
				pixels = 64 << 20 // Digit's, a byte each
				unit   = 64 << 20 // how Go reserves
			)
			memlimit.Run(t, freeMemory+pixels+2*unit, func(t *testing.T) {
				img, err := Decode(bytes.NewReader(c.file()), c.name)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := Digit(img); err != ErrBlank {
					t.Errorf("error %v, want %v", err, ErrBlank)
				}
			})
		})
	}
}

// BenchmarkScans measures the slowest picture of its size that is allowed.
func BenchmarkScans(b *testing.B) {
	for _, scans := range []int{1, 10, maxScans} {
		b.Run(fmt.Sprint(scans), func(b *testing.B) {
			file := progressive(3500, 3500, 1, scans)
			for b.Loop() {
				if _, err := Decode(bytes.NewReader(file), "scans"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
