package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"runtime"
	"strings"
	"testing"
)

// Whatever decodes gives a digit or an error, never a panic, and takes no more
// memory than Decode says.
func FuzzDecode(f *testing.F) {
	ring := paint(shapes[2], 40, 30, 5, 5, 20, color.Black, color.Transparent)
	whole := pngOf(f, ring)
	var j bytes.Buffer
	if err := jpeg.Encode(&j, ring, nil); err != nil {
		f.Fatal(err)
	}
	for _, b := range [][]byte{
		whole, whole[:40], j.Bytes(), j.Bytes()[:200], pngOf(f, image.NewGray16(image.Rect(0, 0, 1, 1))), declared(1<<31-1, 3), declared(4000, 4000),
		progressive(64, 64, 1, 5), progressive(64, 64, 1, maxScans+1), progressive(65535, 1000, 1, 3),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if size, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil && size.Width*size.Height > 1<<20 && size.Width*size.Height <= 1<<24 {
			t.Skip("allowed, but slow")
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		img, err := Decode(bytes.NewReader(b), "fuzz")
		runtime.ReadMemStats(&after)
		most := int64(1 << 20) // tables, buffers, what else runs here
		if err == nil {
			most += 24 * int64(img.Bounds().Dx()+64) * int64(img.Bounds().Dy()+64)
		} else if size, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil && size.Width*size.Height <= 1<<20 {
			most += 24 * int64(size.Width+64) * int64(size.Height+64)
		}
		if got := int64(after.TotalAlloc - before.TotalAlloc); got > most+8*int64(len(b)) {
			t.Errorf("a file of %d bytes takes %d bytes of memory, want at most %d", len(b), got, most)
		}
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
