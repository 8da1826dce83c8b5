package kernel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMarks compares every path with a loop over the bytes, for texts that have each byte
// at each place of a block, and many marks; what lies behind stays.
func TestMarks(t *testing.T) {
	for _, path := range Paths() {
		t.Run(path, func(t *testing.T) {
			defer use(path)()
			rng := rand.New(rand.NewPCG(65, 1))
			for shift := range 256 {
				text := make([]byte, 64*(shift%5))
				for i := range text {
					if text[i] = byte(i + shift); rng.IntN(2) == 0 {
						text[i] = "\n,\""[rng.IntN(3)]
					}
				}
				want := slices.Repeat([]uint64{0}, len(text)/64+1)
				want[len(text)/64] = 7
				for i, b := range text {
					if bytes.IndexByte([]byte("\n,\""), b) >= 0 {
						want[i/64] |= 1 << (i % 64)
					}
				}
				found := slices.Repeat([]uint64{7}, len(want))
				Marks(found[:len(text)/64], text, ',', '\n', '"')
				if !slices.Equal(found, want) {
					t.Fatalf("in %q: got %x, want %x", text, found, want)
				}
			}
		})
	}
	mustPanic(t, "Marks", func() { Marks(make([]uint64, 1), make([]byte, 63), 'a', 'b', 'c') })
}

func BenchmarkMarks(b *testing.B) {
	text := bytes.Repeat([]byte("1.25,-3.5,0.125\n"), 1<<12)
	found := make([]uint64, len(text)/64)
	for _, path := range Paths() {
		b.Run(fmt.Sprintf("path=%s", path), func(b *testing.B) {
			defer use(path)()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Marks(found, text, ',', '\n', '"')
			}
		})
	}
}
