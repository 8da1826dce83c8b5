//go:build amd64 && !purego

package kernel

import (
	"golang.org/x/sys/cpu"
)

//go:generate sh -c "cd gen && go run ./gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel"

// Which instructions to compute with: those that the processor and its operating
// system offer, unless [Use] says otherwise.
var (
	hasAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasFMA
	hasAVX512 = hasAVX2 && cpu.X86.HasBMI2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL
)

var (
	tiling512f32 = &tiling[float32]{
		lanes: 16, widest: 4, panel: 4,
		tiles: [5][]tile[float32]{
			0: {{12, tile256_12x8f32}, {1, tile256_1x8f32}},
			1: {{12, tile512_12x16f32}, {4, tile512_4x16f32}, {1, tile512_1x16f32}},
			2: {{12, tile512_12x32f32}, {4, tile512_4x32f32}, {1, tile512_1x32f32}},
			3: {{8, tile512_8x48f32}, {2, tile512_2x48f32}, {1, tile512_1x48f32}},
			4: {{6, tile512_6x64f32}, {2, tile512_2x64f32}, {1, tile512_1x64f32}},
		},
		addRow: row512f32, squares: transpose256f32,
		finite: finite512f32, nonzeros: nonzeros512f32, sparse: sparse512f32,
	}
	// A "vector" is two or four registers where there are no narrower tiles.
	tiling512f64 = &tiling[float64]{
		lanes: 32, widest: 1, panel: 1,
		tiles: [5][]tile[float64]{1: {{6, tile512_6x32f64}, {3, tile512_3x32f64}, {1, tile512_1x32f64}}},
	}
	tiling256f32 = &tiling[float32]{
		lanes: 16, widest: 1, panel: 1,
		tiles:   [5][]tile[float32]{1: {{6, tile256_6x16f32}, {2, tile256_2x16f32}, {1, tile256_1x16f32}}},
		squares: transpose256f32,
	}
	tiling256f64 = &tiling[float64]{
		lanes: 8, widest: 1, panel: 1,
		tiles: [5][]tile[float64]{1: {{6, tile256_6x8f64}, {1, tile256_1x8f64}}},
	}
)

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
