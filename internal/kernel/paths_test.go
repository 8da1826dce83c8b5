package kernel

import "testing"

// TestOtherPaths runs the tests of what assembly computes on the paths that this
// processor would not take by itself: all give the bits of the triple loop.
func TestOtherPaths(t *testing.T) {
	for _, path := range Paths()[1:] {
		t.Run(path, func(t *testing.T) {
			restore, err := Use(path)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
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
				"Steps":          TestSteps,
				"SGDSpecials":    TestSGDSpecials,
				"Bits":           TestBitsAreTheSameEverywhere,
				"Pixels":         TestPixels,
				"Updates":        TestUpdateDoesEachPartOnce,
			} {
				t.Run(name, test)
			}
		})
	}
}

// Each path is taken, by the tiles it has: a path that silently is another would
// be tested by nothing.
func TestUse(t *testing.T) {
	before := tilingOf[float32]()
	taken := map[*tiling[float32]]string{}
	for i, path := range Paths() {
		restore, err := Use(path)
		if err != nil {
			t.Fatal(err)
		}
		with := tilingOf[float32]()
		if i == 0 && with != before {
			t.Errorf("%s is the first path, and not the one that is taken", path)
		}
		if (with == nil) != (path == "go") {
			t.Errorf("the path %s has tiles: %t", path, with != nil)
		}
		if other, ok := taken[with]; ok {
			t.Errorf("the path %s is the path %s", path, other)
		}
		taken[with] = path
		restore()
		if tilingOf[float32]() != before {
			t.Errorf("%s stays after restore", path)
		}
	}
	for _, path := range []string{"", "AVX2", "sse"} {
		if _, err := Use(path); err == nil {
			t.Errorf("Use(%q): no error", path)
		}
	}
}

// A strip that starts from zeros reads as many as it is wide.
func TestNoStripIsWiderThanTheZeros(t *testing.T) {
	for _, path := range assembly {
		restore, err := Use(path)
		if err != nil {
			t.Fatal(err)
		}
		defer restore()
		for _, rows := range []int{1, 100} {
			if _, columns := tilingOf[float32]().next(1<<20, rows); columns > len(zeros32) {
				t.Errorf("%s: a strip of %d float32 is wider than %d zeros", path, columns, len(zeros32))
			}
			if _, columns := tilingOf[float64]().next(1<<20, rows); columns > len(zeros64) {
				t.Errorf("%s: a strip of %d float64 is wider than %d zeros", path, columns, len(zeros64))
			}
		}
		if s := tilingOf[float32]().sparse; s != nil && s.panel > len(zeros32) {
			t.Errorf("%s: a panel of %d is wider than %d zeros", path, s.panel, len(zeros32))
		}
	}
}
