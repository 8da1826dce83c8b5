//go:build unix

package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestGemmStaysInItsSlices computes products of slices that end where a page
// begins that nobody may touch, and of slices that begin where one ends: to read
// or write one byte too many is a fault.
func TestGemmStaysInItsSlices(t *testing.T) {
	t.Run("float32", testGemmFenced[float32])
	t.Run("float64", testGemmFenced[float64])
}

func testGemmFenced[T Float](t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var memory [4][]byte
	for i := range memory {
		memory[i] = fenced(t, 1<<14)
	}
	var what string
	defer func() {
		if fault := recover(); fault != nil {
			t.Fatalf("%s: %v", what, fault)
		}
	}()
	rng := rand.New(rand.NewPCG(21, 22))
	for _, path := range Paths() {
		restore, err := Use(path)
		if err != nil {
			t.Fatal(err)
		}
		defer restore()
		for _, m := range []int{1, 2, 3, 15} {
			for n := range 68 {
				for _, k := range []int{1, 9} {
					for option := range 8 {
						ta, tb, end := option&1 > 0, option&2 > 0, option&4 > 0
						place := func(i int, x []T) []T {
							bytes := memory[i]
							if end {
								bytes = bytes[len(bytes)-len(x)*int(unsafe.Sizeof(T(0))):]
							}
							there := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), len(x))
							copy(there, x)
							return there
						}
						a, b := operand(rng, random[T], m, k, ta), operand(rng, random[T], k, n, tb)
						c, bias := random[T](rng, m*n), random[T](rng, n)
						a.Data, b.Data = place(0, a.Data), place(1, b.Data)
						for _, f := range flavours[T]() {
							what = fmt.Sprintf("%s: %s (%d, %d)·(%d, %d), transposed %t and %t, at the end of memory %t", path, f.name, m, k, k, n, ta, tb, end)
							want := naive(f, c, a, b, bias)
							got := place(2, c)
							f.run(1, Mat(got, m, n), a, b, place(3, bias))
							sameBits(t, what, got, want)
						}
					}
				}
			}
		}
	}
}

// fenced returns memory between two pages that nobody may touch.
func fenced(t *testing.T, size int) []byte {
	page := unix.Getpagesize()
	size = (size + page - 1) / page * page
	all, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(all); err != nil {
			t.Error(err)
		}
	})
	for _, fence := range [][]byte{all[:page], all[page+size:]} {
		if err := unix.Mprotect(fence, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return all[page : page+size]
}
