//go:build unix && (amd64 || arm64) && !purego

package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"unsafe"
)

// TestVectorsStayInTheirSlices runs every operation on slices that end where a
// page without access begins, and on slices that begin where one ends: to read
// or write a byte too much is a fault.
func TestVectorsStayInTheirSlices(t *testing.T) {
	t.Run("float32", testGuardPages[float32])
	t.Run("float64", testGuardPages[float64])
}

func testGuardPages[T Float](t *testing.T) {
	defer use(goPath)()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	size := int(unsafe.Sizeof(T(0)))
	pages := make([][]byte, 8)
	for i := range pages {
		pages[i] = fenced(t, 4096)
	}
	rng := rand.New(rand.NewPCG(55, 1))
	for _, op := range vectorOps[T]() {
		for n := range 68 {
			start := make([][]T, len(op.slices))
			for i, times := range op.slices {
				start[i] = mixture[T](rng, n*times, n)
			}
			want := clones(start)
			for _, path := range assembly {
				for _, end := range []bool{true, false} {
					what := fmt.Sprintf("%s of %d, %s, at the end: %t", op.name, n, path, end)
					got := make([][]T, len(start))
					for i := range start {
						bytes := pages[i]
						if end {
							bytes = bytes[len(bytes)-len(start[i])*size:]
						}
						got[i] = unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), len(start[i]))
						copy(got[i], start[i])
						want[i] = append(want[i][:0], start[i]...)
					}
					use(goPath)
					result := op.run(want, n)
					use(path)
					sameBits(t, what+", result", []float64{withoutFault(t, what, func() float64 { return op.run(got, n) })}, []float64{result})
					for i := range got {
						sameBits(t, what, got[i], want[i])
					}
				}
			}
		}
	}
}

func withoutFault(t *testing.T, what string, run func() float64) float64 {
	defer func() {
		if fault := recover(); fault != nil {
			t.Fatalf("%s: %v", what, fault)
		}
	}()
	return run()
}
