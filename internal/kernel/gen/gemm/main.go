// Command gemm writes the tiles of matrix products for package kernel:
//
//	cd internal/kernel/gen && go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	strip{element: float32s, bits: 512, vectors: 1, edge: masked512, heights: []int{12, 4, 1}, unroll: 8}.write()
	strip{element: float32s, bits: 512, vectors: 2, edge: overlapped, heights: []int{12, 4, 1}, unroll: 8}.write()
	strip{element: float32s, bits: 512, vectors: 3, edge: overlapped, heights: []int{8, 4, 2, 1}, unroll: 4}.write()
	strip{element: float32s, bits: 512, vectors: 4, edge: overlapped, heights: []int{6, 4, 2, 1}, unroll: 4}.write()
	strip{element: float32s, bits: 256, vectors: 1, edge: masked512, heights: []int{12, 1}, unroll: 8}.write()
	strip{element: float64s, bits: 512, vectors: 4, edge: masked512, heights: []int{6, 3, 1}}.write()
	for vectors := 5; vectors <= 7; vectors++ {
		strip{element: float64s, bits: 512, vectors: vectors, edge: overlapped, heights: []int{3, 2, 1}}.write()
	}
	for _, e := range []element{float32s, float64s} {
		strip{element: e, bits: 256, vectors: 1, edge: masked256, heights: []int{8, 2}, unroll: 8}.write()
		strip{element: e, bits: 256, vectors: 1, edge: overlapped, heights: []int{8, 4, 2}, unroll: 8}.write()
		strip{element: e, bits: 256, vectors: 1, edge: half, heights: []int{8, 4, 2}, unroll: 8}.write()
		strip{element: e, bits: 256, vectors: 2, edge: overlapped, heights: []int{6, 3, 2}, unroll: 4}.write()
		strip{element: e, bits: 256, vectors: 3, edge: overlapped, heights: []int{4, 3, 2}, unroll: 4}.write()
		strip{element: e, bits: 256, vectors: 6, edge: half, heights: []int{2}, unroll: 8}.write()
	}
	convolutions()
	for _, bits := range []int{512, 256} {
		copyPlanes(bits)
		maxOfFour(bits)
		spreadToFour(bits)
		maxOfPixels(bits)
		patches{bits}.write()
		nonzeros(bits)
	}
	row(512)
	row(256)
	transpose()
	finite()
	copyFinite()
	for _, bits := range []int{512, 256} {
		rowPairs(bits)
		columnPairs(bits)
	}
	rowTerms()
	terms(512, 8)
	terms(256, 8)
	for _, vectors := range []int{2, 3, 6} {
		strip{element: float32s, bits: 256, vectors: vectors, edge: overlapped, pairs: true}.write()
	}
	strip{element: float32s, bits: 256, vectors: 6, edge: half, pairs: true}.write()
	strip{element: float32s, bits: 512, vectors: 2, edge: masked512, pairs: true}.write()
	for _, vectors := range []int{3, 4} {
		strip{element: float32s, bits: 512, vectors: vectors, edge: overlapped, pairs: true}.write()
	}
	peak(512, 12)
	peak(256, 12)
	pause()
	Generate()
}

func pause() {
	TEXT("pause", NOSPLIT, "func()")
	Doc("pause tells the processor that it is in a loop that waits.")
	for range 8 {
		PAUSE()
	}
	RET()
}

// An element is a type of the elements of a matrix, with the instructions for it.
type element struct {
	name, short                   string
	size                          int    // bytes
	shift                         uint64 // a size is one bit, shifted by so many
	broadcast, add, max, fma, xor func(...Op)
	moveMasked                    func(x, y, z Op)    // AVX-512, zeros where the mask has none
	maskedMove                    func(x, y, z Op)    // AVX2
	blend                         func(i, x, y, z Op) // where i has a bit x, else y
	highHalf                      uint64              // such bits of the high half of a YMM
}

var (
	float32s = element{"float32", "f32", 4, 2, VBROADCASTSS, VADDPS, VMAXPS, VFMADD231PS, VXORPS, VMOVUPS_Z, VMASKMOVPS, VBLENDPS, 0xF0}
	float64s = element{"float64", "f64", 8, 3, VBROADCASTSD, VADDPD, VMAXPD, VFMADD231PD, VXORPD, VMOVUPD_Z, VMASKMOVPD, VBLENDPD, 0xC}
)

// peak writes nothing but multiply-adds, with so many sums in registers.
func peak(bits, sums int) {
	TEXT(fmt.Sprintf("peak%d", bits), NOSPLIT, "func(n int)")
	Doc(
		fmt.Sprintf("peak%d computes n times %d vectors of %d float32, none waiting for another:", bits, sums, bits/32),
		"",
		"\tfor range n {",
		"\t\tfor i := range s {",
		"\t\t\ts[i] = fma(x, y, s[i])",
		"\t\t}",
		"\t}",
	)
	vector := map[int]func() reg.VecVirtual{512: ZMM, 256: YMM}[bits]
	n, x, y := load("n"), vector(), vector()
	VXORPS(x, x, x)
	VXORPS(y, y, y)
	s := make([]reg.VecVirtual, sums)
	for i := range s {
		s[i] = vector()
		VXORPS(s[i], s[i], s[i])
	}
	Label("loop")
	for i := range s {
		VFMADD231PS(x, y, s[i])
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
