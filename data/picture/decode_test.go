package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func pngOf(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// declared returns a PNG that says how large it is and nothing else.
func declared(w, h uint32) []byte {
	ihdr := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	ihdr = binary.BigEndian.AppendUint32(ihdr, h)
	ihdr = append(ihdr, 8, 6, 0, 0, 0) // 8 bits, RGBA, not interlaced
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr))
}

// endless returns a JPEG of application segments, more of them than anybody reads.
func endless() io.Reader {
	segment := append([]byte("\xff\xe1\xff\xff"), make([]byte, 0xffff-2)...)
	parts := []io.Reader{strings.NewReader("\xff\xd8")}
	for range 2 * maxHead / len(segment) {
		parts = append(parts, bytes.NewReader(segment))
	}
	return io.MultiReader(parts...)
}

func TestDecode(t *testing.T) {
	ring := paint(shapes[2], 150, 150, 25, 25, 100, color.Black, color.White)
	want := mustDigit(t, ring)
	for name, img := range map[string]draw.Image{
		"NRGBA":     image.NewNRGBA(ring.Rect),
		"NRGBA64":   image.NewNRGBA64(ring.Rect),
		"grey":      image.NewGray(ring.Rect),
		"grey 16":   image.NewGray16(ring.Rect),
		"palette":   image.NewPaletted(ring.Rect, color.Palette{color.White, color.Black}),
		"palette 4": image.NewPaletted(ring.Rect, color.Palette{color.Transparent, color.Black, color.White}),
	} {
		draw.Draw(img, img.Bounds(), ring, image.Point{}, draw.Src)
		got, err := Decode(iotest.OneByteReader(bytes.NewReader(pngOf(t, img))), "ring.png")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(mustDigit(t, got), want) {
			t.Errorf("%s: not the same digit", name)
		}
	}
}

// An interlaced PNG and a CMYK JPEG, neither of which the standard library
// writes: a black L of 12 x 20 pixels on 28 x 28 white ones. The first was put
// together from its seven passes in Python, the second is Pillow's.
func TestDecodeRareKinds(t *testing.T) {
	el := image.NewGray(image.Rect(0, 0, 28, 28))
	draw.Draw(el, image.Rect(8, 4, 12, 24), image.White, image.Point{}, draw.Src)
	draw.Draw(el, image.Rect(8, 20, 20, 24), image.White, image.Point{}, draw.Src)
	want := mustDigit(t, el)
	for _, name := range []string{"testdata/interlaced.png", "testdata/cmyk.jpg"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		img, err := Decode(bytes.NewReader(b), name)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, most := distance(mustDigit(t, img), want); most > 8 {
			t.Errorf("%s: not the L: differs by %d", name, most)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	whole := pngOf(t, paint(shapes[2], 150, 150, 25, 25, 100, color.Black, color.White))
	var j bytes.Buffer
	if err := jpeg.Encode(&j, grain(paint(shapes[2], 150, 150, 25, 25, 100, color.Black, color.White)), nil); err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 0xff
	fault := errors.New("the disk is on fire")
	for _, c := range []struct {
		name string
		file io.Reader
		want string
	}{
		{"empty", strings.NewReader(""), "the file is empty"},
		{"text", strings.NewReader("seven"), `neither a PNG nor a JPEG picture (it begins with "seven"); convert`},
		{"GIF", strings.NewReader("GIF89a\x01\x00\x01\x00"), "neither a PNG nor a JPEG picture"},
		{"PNG magic", bytes.NewReader(whole[:8]), "truncated"},
		{"PNG half", bytes.NewReader(whole[:len(whole)/2]), "truncated"},
		{"JPEG magic", bytes.NewReader(j.Bytes()[:3]), "truncated"},
		{"JPEG half", bytes.NewReader(j.Bytes()[:j.Len()/2]), "truncated"},
		{"damaged", bytes.NewReader(damaged), "cannot be decoded"},
		{"too large", bytes.NewReader(declared(20_000, 10_000)), "too large: 20000 x 10000 pixels, at most 64 million"},
		{"overflow", bytes.NewReader(declared(1<<31-1, 1<<31-1)), "cannot be decoded"},
		{"no pixels", bytes.NewReader(declared(0, 28)), "non-positive dimension"},
		{"tiny body", bytes.NewReader(declared(1_000, 7_000)), "truncated"},
		{"endless head", endless(), "the first 16 MB do not say how large the picture is"},
		{"fault at once", iotest.ErrReader(fault), fault.Error()},
		{"fault later", io.MultiReader(bytes.NewReader(whole[:50]), iotest.ErrReader(fault)), fault.Error()},
	} {
		img, err := Decode(c.file, c.name+".png")
		if err == nil {
			t.Errorf("%s: no error, but a picture of %v", c.name, img.Bounds())
			continue
		}
		if !strings.HasPrefix(err.Error(), c.name+".png: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q, want the name and %q", c.name, err, c.want)
		}
	}
}

// Whatever decodes gives a digit or an error, and never a panic.
func FuzzDecode(f *testing.F) {
	ring := paint(shapes[2], 40, 30, 5, 5, 20, color.Black, color.Transparent)
	whole := pngOf(f, ring)
	var j bytes.Buffer
	if err := jpeg.Encode(&j, ring, nil); err != nil {
		f.Fatal(err)
	}
	for _, b := range [][]byte{whole, whole[:40], j.Bytes(), j.Bytes()[:200], pngOf(f, image.NewGray16(image.Rect(0, 0, 1, 1))), declared(1<<31-1, 3)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if size, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil && size.Width*size.Height > 1<<20 && size.Width*size.Height <= maxPixels {
			t.Skip("allowed, but slow")
		}
		img, err := Decode(bytes.NewReader(b), "fuzz")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fuzz: ") {
				t.Errorf("error %q does not name the file", err)
			}
			return
		}
		if d, err := Digit(img); err == nil && len(d) != Side*Side {
			t.Errorf("%d bytes", len(d))
		}
		size := img.Bounds()
		if d, err := Raw(img, size.Dx(), size.Dy()); err != nil || len(d) != size.Dx()*size.Dy() {
			t.Errorf("%v: %d bytes, error %v", size, len(d), err)
		}
	})
}
