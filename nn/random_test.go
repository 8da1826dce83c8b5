package nn

import "testing"

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
