package kernel

import (
	"slices"
	"testing"
)

// TestPixels tries every byte at every place of a vector, and every length up
// to some vectors; what lies behind stays.
func TestPixels(t *testing.T) {
	testPixels[float32](t)
	testPixels[float64](t)
}

func testPixels[T Float](t *testing.T) {
	for shift := range 256 {
		x := make([]byte, 256+32)
		for i := range x {
			x[i] = byte(i + shift)
		}
		n := len(x) - shift%67
		y := make([]T, len(x))
		for i := range y {
			y[i] = -1
		}
		Pixels(y[:n], x[:n])
		for i, v := range y {
			want := T(-1)
			if i < n {
				want = T(x[i]) / 255 // the definition
			}
			if v != want {
				t.Fatalf("element %d of %d, of byte %d, is %v, want %v", i, n, x[i], v, want)
			}
		}
	}
	for n := range 67 {
		y := slices.Repeat([]T{-1}, n+3)
		Pixels(y[:n], slices.Repeat([]byte{51}, n))
		if want := slices.Concat(slices.Repeat([]T{0.2}, n), []T{-1, -1, -1}); !slices.Equal(y, want) {
			t.Errorf("%d bytes of 51: %v, want 0.2 each, and -1 behind", n, y)
		}
	}
	mustPanic(t, "Pixels", func() { Pixels(make([]T, 15), make([]byte, 16)) })
}
