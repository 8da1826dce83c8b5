package nn

import "testing"

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
		if got := philox(c.counter, c.key); got != c.want {
			t.Errorf("philox(%x, %x) = %x, want %x", c.counter, c.key, got, c.want)
		}
	}
}

// Key, step and block each lead to numbers of their own, and the same ones again.
func TestRandomIsAFunction(t *testing.T) {
	at := func(step, key, block uint64) [4]uint32 { return (&Pass[float32]{Step: step}).Random(key, block) }
	const high = 1 << 40
	seen := map[[4]uint32]bool{}
	for _, step := range []uint64{0, 1, high} {
		for _, key := range []uint64{0, 1, high} {
			for _, block := range []uint64{0, 1, high} {
				words := at(step, key, block)
				if seen[words] {
					t.Errorf("step %d, key %d, block %d: the numbers of another place", step, key, block)
				}
				seen[words] = true
				if at(step, key, block) != words {
					t.Errorf("step %d, key %d, block %d: other numbers the second time", step, key, block)
				}
			}
		}
	}
	var none *Pass[float32]
	if none.Random(7, 1) != at(0, 7, 1) {
		t.Error("a nil Pass does not have the step 0")
	}
}
