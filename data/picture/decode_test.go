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

func TestDecode(t *testing.T) {
	ring := paint(shapes[2], 150, 150, 25, 25, 100, color.Black, color.White)
	want := mustDigit(t, ring)
	for _, kind := range []struct {
		name string
		img  draw.Image
	}{
		{"NRGBA", image.NewNRGBA(ring.Rect)},
		{"NRGBA64", image.NewNRGBA64(ring.Rect)},
		{"grey", image.NewGray(ring.Rect)},
		{"grey 16", image.NewGray16(ring.Rect)},
		{"palette", image.NewPaletted(ring.Rect, color.Palette{color.White, color.Black})},
		{"palette with transparent", image.NewPaletted(ring.Rect, color.Palette{color.Transparent, color.Black, color.White})},
	} {
		t.Run(kind.name, func(t *testing.T) {
			draw.Draw(kind.img, kind.img.Bounds(), ring, image.Point{}, draw.Src)
			got, err := Decode(iotest.OneByteReader(bytes.NewReader(pngOf(t, kind.img))), "ring.png")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(mustDigit(t, got), want) {
				t.Error("not the same digit")
			}
		})
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
	for _, name := range []string{"interlaced.png", "cmyk.jpg"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			img, err := Decode(bytes.NewReader(b), name)
			if err != nil {
				t.Fatal(err)
			}
			if _, most := distance(mustDigit(t, img), want); most > 8 {
				t.Errorf("not the L: differs by %d", most)
			}
		})
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
		{"text", strings.NewReader("seven"), `neither a PNG nor a JPEG nor a GIF picture (it begins with "seven"); convert`},
		{"GIF that is cut off", strings.NewReader("GIF89a\x01\x00\x01\x00"), "cannot be decoded"},
		{"large GIF", strings.NewReader("GIF89a\xff\xff\xff\xff\x00\x00\x00"), "the picture is too large: 65535 x 65535"},
		{"GIF of much memory", strings.NewReader("GIF89a\x00\x20\x00\x1f\x00\x00\x00"), "would take 124 MB of memory"},
		{"PNG magic", bytes.NewReader(whole[:8]), "truncated"},
		{"PNG half", bytes.NewReader(whole[:len(whole)/2]), "truncated"},
		{"JPEG magic", bytes.NewReader(j.Bytes()[:3]), "truncated"},
		{"JPEG half", bytes.NewReader(j.Bytes()[:j.Len()/2]), "truncated"},
		{"damaged", bytes.NewReader(damaged), "cannot be decoded"},
		{"too large", bytes.NewReader(declared(20_000, 10_000)), "too large: 20000 x 10000 pixels, at most 67 million; scale it down"},
		{"overflow", bytes.NewReader(declared(1<<31-1, 1<<31-1)), "cannot be decoded"},
		{"no pixels", bytes.NewReader(declared(0, 28)), "non-positive dimension"},
		{"tiny body", bytes.NewReader(declared(1_000, 7_000)), "truncated"},
		{"endless", io.MultiReader(bytes.NewReader(whole[:8]), zeros{}), "the file is larger than 64 MB; scale the picture down"},
		{"fault at once", iotest.ErrReader(fault), fault.Error()},
		{"fault later", io.MultiReader(bytes.NewReader(whole[:50]), iotest.ErrReader(fault)), fault.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			img, err := Decode(c.file, "some.file")
			if err == nil {
				t.Fatalf("no error, but a picture of %v", img.Bounds())
			}
			if !strings.HasPrefix(err.Error(), "some.file: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want the name and %q", err, c.want)
			}
		})
	}
}

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
