//go:build (amd64 || arm64) && !purego

package kernel

import "unsafe"

// A path is what the vector kernels of an element type run on: registers of so many
// bits.
type path int

const (
	inGo path = iota
	on128f32
	on128f64
	on256f32
	on256f64
	on512f32
	on512f64
)

// pathOf returns the path for T. The size of T is known when it is compiled.
func pathOf[T Float]() path {
	p := vectorPath()
	if p != inGo && unsafe.Sizeof(T(0)) == 8 {
		p++
	}
	return p
}

// p32 and p64 are where a slice begins. An empty slice has nothing there, and no
// kernel looks.
func p32[T Float](x []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(x))) }
func p64[T Float](x []T) *float64 { return (*float64)(unsafe.Pointer(unsafe.SliceData(x))) }
