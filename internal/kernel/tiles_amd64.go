//go:build amd64 && !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate sh -c "cd gen && go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel"

// Which instructions to compute with: those that the processor and its operating
// system offer, unless [Use] says otherwise.
var (
	hasAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasBMI1
	hasAVX512 = hasAVX2 && cpu.X86.HasBMI2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL
)

var (
	tiling512f32 = &tiling[float32]{
		next: next512f32, lanes: 16, panel: 64, transposed: true,
		addRow: row512f32, squares: transpose256f32,
		sparse: &sparse[float32]{
			finite: finite256f32, copyFinite: copyFinite512f32,
			rowPairs: rowPairs512f32, columnPairs: columnPairs512f32, next: nextPairs512,
			rowTerms: rowTerms256f32, terms: terms512_128f32, panel: 128, many: 40,
		},
		images: imageKernels512f32,
	}
	tiling512f64 = &tiling[float64]{next: next512f64, lanes: 8, panel: 32, images: imageKernels512f64}
	tiling256f32 = &tiling[float32]{
		next: next256(strips256f32), lanes: 8, panel: 24,
		addRow: row256f32, squares: transpose256f32,
		sparse: &sparse[float32]{
			finite: finite256f32, rowPairs: rowPairs256f32, columnPairs: columnPairs256f32, next: nextPairs256,
			rowTerms: rowTerms256f32, terms: terms256_64f32, panel: 64, many: 25,
		},
		images: imageKernels256f32,
	}
	tiling256f64 = &tiling[float64]{next: next256(strips256f64), lanes: 4, panel: 12, images: imageKernels256f64}
)

// The strips of AVX-512, by the number of vectors they are wide, the last of which need
// not be whole. (Reading a vector with a mask takes one of the two units for sums.)
var strips512f32 = [5]strip[float32]{
	0: {12, strip512_8f32},
	1: {12, strip512_16f32},
	2: {12, strip512_32f32},
	3: {8, strip512_48f32},
	4: {6, strip512_64f32},
}

func next512f32(columns, rows int) (strip[float32], int) {
	const lanes = 16
	if 2*columns <= lanes {
		return strips512f32[0], columns
	}
	// The columns after the last whole vector are a strip of half a vector, if they
	// are no more, and unless there are few rows.
	left := columns
	if rest := columns % lanes; rows >= 8 && 2*rest <= lanes && rest < columns {
		left -= rest
	}
	vectors := ceil(left, lanes)
	vectors = ceil(vectors, ceil(vectors, 4))
	return strips512f32[vectors], min(left, vectors*lanes)
}

// The strips of float64 in AVX-512 for up to three rows, by the number of vectors they
// are wide. So few rows wait for B, which is read faster in longer pieces of its rows.
var few512f64 = [8]strip[float64]{
	5: {3, strip512_40f64},
	6: {3, strip512_48f64},
	7: {3, strip512_56f64},
}

// The other strip of float64 in AVX-512 is of four vectors; those of AVX2 are better
// for a few columns.
func next512f64(columns, rows int) (strip[float64], int) {
	const lanes = 8
	if columns <= 12 {
		return tiling256f64.next(columns, rows)
	}
	vectors := ceil(columns, lanes)
	vectors = ceil(vectors, ceil(vectors, 7))
	if rows <= 3 && vectors > 4 {
		return few512f64[vectors], min(columns, vectors*lanes)
	}
	return strip[float64]{6, strip512_32f64}, min(columns, 4*lanes)
}

// The strips of AVX2.
type strips256[T Float] struct {
	narrow strip[T]    // for fewer columns than a vector has
	whole  [4]strip[T] // by the number of vectors, the last of which need not be whole
	half   strip[T]    // for one vector and up to half of one
	wide   strip[T]    // for six vectors and up to half of one
}

// Twelve rows are whole tiles in all of them; the wide one has tiles of two.
var (
	strips256f32 = strips256[float32]{
		narrow: strip[float32]{12, strip256_7f32},
		whole:  [4]strip[float32]{1: {12, strip256_8f32}, 2: {12, strip256_16f32}, 3: {12, strip256_24f32}},
		half:   strip[float32]{12, strip256_12f32},
		wide:   strip[float32]{4, strip256_52f32},
	}
	strips256f64 = strips256[float64]{
		narrow: strip[float64]{12, strip256_3f64},
		whole:  [4]strip[float64]{1: {12, strip256_4f64}, 2: {12, strip256_8f64}, 3: {12, strip256_12f64}},
		half:   strip[float64]{12, strip256_6f64},
		wide:   strip[float64]{4, strip256_26f64},
	}
)

// next256 returns the function that cuts columns into strips.
func next256[T Float](s strips256[T]) func(columns, rows int) (strip[T], int) {
	lanes := 32 / int(unsafe.Sizeof(T(0)))
	return func(columns, _ int) (strip[T], int) {
		vectors, rest := columns/lanes, columns%lanes
		switch {
		case vectors == 0:
			return s.narrow, columns
		case vectors == 1 && 0 < rest && 2*rest <= lanes:
			return s.half, columns
		case vectors == 6 && 0 < rest && 2*rest <= lanes:
			return s.wide, columns
		case 0 < rest && 2*rest <= lanes:
			vectors-- // the last strip takes one more and the rest
		case rest > 0:
			vectors++
		}
		if vectors%3 == 0 { // strips of three, after one or two of two
			vectors = 3
		} else {
			vectors = min(vectors, 2)
		}
		return s.whole[vectors], min(columns, vectors*lanes)
	}
}

func nextPairs512(columns int) (pairs[float32], int) {
	// A masked store would delay the reads behind it, so wide strips have none.
	switch {
	case columns <= 32:
		return pairs512_32f32, columns
	case columns <= 48:
		return pairs512_48f32, columns
	}
	return pairs512_64f32, min(columns, 64)
}

func nextPairs256(columns int) (pairs[float32], int) {
	const lanes = 8
	switch vectors := ceil(columns, lanes); {
	case 6*lanes < columns && columns <= 6*lanes+lanes/2:
		return pairs256_52f32, columns
	case vectors == 6 || vectors > 7:
		return pairs256_48f32, min(columns, 6*lanes)
	case vectors == 2 || vectors == 4:
		return pairs256_16f32, min(columns, 2*lanes)
	}
	return pairs256_24f32, min(columns, 3*lanes)
}

func assemblyPaths() []string {
	switch {
	case hasAVX512:
		return []string{"avx512", "avx2"}
	case hasAVX2:
		return []string{"avx2"}
	}
	return nil
}

func use(path string) (restore func()) {
	avx2, avx512 := hasAVX2, hasAVX512
	hasAVX2, hasAVX512 = path != goPath, path == "avx512"
	return func() { hasAVX2, hasAVX512 = avx2, avx512 }
}

// tilingOf returns how products are computed here, nil for by loops in Go.
func tilingOf[T Float]() *tiling[T] {
	var t *tiling[T]
	switch t := any(&t).(type) {
	case **tiling[float32]:
		if hasAVX512 {
			*t = tiling512f32
		} else if hasAVX2 {
			*t = tiling256f32
		}
	case **tiling[float64]:
		if hasAVX512 {
			*t = tiling512f64
		} else if hasAVX2 {
			*t = tiling256f64
		}
	}
	return t
}

// peak returns a function that does nothing but multiply-adds, n times as many
// as there are registers for, and the operations in it.
func peak(n int) (run func(), flops float64) {
	switch {
	case hasAVX512:
		return func() { peak512(n) }, float64(n) * 12 * 16 * 2
	case hasAVX2:
		return func() { peak256(n) }, float64(n) * 12 * 8 * 2
	}
	return nil, 0
}
