package picture

import (
	"image"
	"image/color"
	"testing"
)

// TestGrayIsItself: a grey picture has the brightness of its pixels, whether or not it is
// converted.
func TestGrayIsItself(t *testing.T) {
	g := image.NewGray(image.Rect(0, 0, 16, 16))
	rgba := image.NewRGBA(g.Rect)
	for v := range 256 {
		g.Pix[v] = uint8(v)
		rgba.SetRGBA(v%16, v/16, color.RGBA{uint8(v), uint8(v), uint8(v), 255})
	}
	for name, img := range map[string]image.Image{"grey": g, "in color": rgba, "a part": g.SubImage(image.Rect(0, 0, 16, 15))} {
		for i, v := range gray(img, color.White).Pix[:240] {
			if v != uint8(i) {
				t.Fatalf("%s: brightness %d is %d", name, i, v)
			}
		}
	}
}
