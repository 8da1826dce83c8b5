package picture

import (
	"bytes"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
)

func TestResize(t *testing.T) {
	img := image.NewNRGBA(image.Rect(3, 5, 7, 7)) // 4 x 2, not at the origin
	for y := range 2 {
		for x := range 4 {
			img.SetNRGBA(3+x, 5+y, color.NRGBA{uint8(10 * x), uint8(100 * y), 200, 255})
		}
	}
	t.Run("same size", func(t *testing.T) {
		got, err := Resize(img, 4, 2, 3)
		want := []byte{0, 10, 20, 30, 0, 10, 20, 30, 0, 0, 0, 0, 100, 100, 100, 100, 200, 200, 200, 200, 200, 200, 200, 200}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %v (%v), want %v", got, err, want)
		}
	})
	t.Run("smaller", func(t *testing.T) {
		got, err := Resize(img, 2, 1, 3) // means of 2 x 2 pixels
		if want := []byte{5, 25, 50, 50, 200, 200}; err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %v (%v), want %v", got, err, want)
		}
	})
	t.Run("parts of pixels", func(t *testing.T) {
		grey := &image.Gray{Pix: []byte{0, 90, 240}, Stride: 3, Rect: image.Rect(0, 0, 3, 1)}
		got, err := Resize(grey, 2, 1, 1) // (2·0 + 90)/3 and (90 + 2·240)/3
		if want := []byte{30, 190}; err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %v (%v), want %v", got, err, want)
		}
	})
	t.Run("larger, in grey", func(t *testing.T) {
		grey := &image.Gray{Pix: []byte{7, 9}, Stride: 2, Rect: image.Rect(0, 0, 2, 1)}
		got, err := Resize(grey, 4, 2, 1)
		if want := []byte{7, 7, 9, 9, 7, 7, 9, 9}; err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v (%v), want %v", got, err, want)
		}
	})
	t.Run("transparent is black", func(t *testing.T) {
		got, err := Resize(image.NewNRGBA(image.Rect(0, 0, 1, 1)), 1, 1, 1)
		if err != nil || got[0] != 0 {
			t.Errorf("got %v (%v), want 0", got, err)
		}
	})
	for name, test := range map[string]struct {
		img  image.Image
		w, h int
		want string
	}{
		"no pixels":    {image.NewGray(image.Rectangle{}), 1, 1, "the picture has no pixels"},
		"no size":      {img, 0, 1, "want 1 pixel or more"},
		"a long strip": {image.NewGray(image.Rect(0, 0, mostWidth+1, 1)), 1, 1, "at most 65536 on a side are scaled"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Resize(test.img, test.w, test.h, 1); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
