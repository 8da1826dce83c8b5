//go:build amd64 && !purego

package kernel

import "testing"

// TestOtherPaths runs the tests of what assembly computes on the paths that this
// processor would not take: all give the bits of the triple loop.
func TestOtherPaths(t *testing.T) {
	defer func(avx2, avx512 bool) { hasAVX2, hasAVX512 = avx2, avx512 }(hasAVX2, hasAVX512)
	paths := []struct {
		name         string
		here         bool
		avx2, avx512 bool
	}{
		{"AVX2", hasAVX2, true, false},
		{"Go", true, false, false},
	}
	for _, p := range paths {
		t.Run(p.name, func(t *testing.T) {
			if !p.here {
				t.Skip("this processor does not have it")
			}
			hasAVX2, hasAVX512 = p.avx2, p.avx512
			for name, test := range map[string]func(*testing.T){
				"TripleLoop":     TestGemmIsTheTripleLoop,
				"Blocks":         TestGemmInBlocks,
				"Threads":        TestGemmThreadsChangeNoBit,
				"ZerosInA":       TestGemmZerosInA,
				"ZeroTimesInf":   TestGemmZeroTimesInfIsNaN,
				"NegativeZero":   TestGemmHasNoNegativeZero,
				"NoTerms":        TestGemmWithoutTerms,
				"PoolTaken":      TestGemmWhilePoolIsTaken,
				"ManyGoroutines": TestGemmFromManyGoroutines,
				"Allocations":    TestGemmAllocatesNothing,
				"SGD":            TestSGD,
				"SGDSpecials":    TestSGDSpecials,
				"Bits":           TestBitsAreTheSameEverywhere,
				"Pixels":         TestPixels,
			} {
				t.Run(name, test)
			}
		})
	}
}
