package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// The known answers of philox4x32 with 10 rounds, from the file kat_vectors of the
// authors' library Random123.
func TestPhilox(t *testing.T) {
	const ones = 0xffffffff
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0}, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := Philox(c.counter, c.key); got != c.want {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

// TestDropout: every path gives what the numbers of Philox say, of any length.
func TestDropout(t *testing.T) {
	t.Run("float32", testDropout[float32])
	t.Run("float64", testDropout[float64])
}

func testDropout[T Float](t *testing.T) {
	const key, step = 0x0123456789abcdef, 0xfedcba9876543210
	rng := rand.New(rand.NewPCG(47, 0))
	for _, rate := range []float64{0, 0.25, 0.5, 0.9, 1 - 0x1p-53} {
		for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 100, 1000, 3*Piece + 5} {
			x := random[T](rng, n)
			if n > 20 {
				x[3], x[20] = T(math.NaN()), T(math.Inf(-1))
			}
			want := make([]T, n)
			for i := range want {
				words := Philox([4]uint32{uint32(i / 4), 0, 0x76543210, 0xfedcba98}, [2]uint32{0x89abcdef, 0x01234567})
				m := T(0)
				if float64(words[i%4]) >= math.Floor(rate*(1<<32)) {
					m = T(1 / (1 - rate))
				}
				want[i] = x[i] * m
			}
			onAllPaths(t, func(t *testing.T) {
				for _, threads := range []int{1, 2} {
					what := fmt.Sprintf("%d elements at rate %v on %d threads", n, rate, threads)
					y, check := guarded(t, what, make([]T, n))
					Dropout(threads, y, x, key, step, rate)
					sameBits(t, what, y, want)
					check()
				}
			})
		}
	}
}
