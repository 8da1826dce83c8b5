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
	hasAVX512 = hasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasBMI2
)

var (
	avx512f32 = &tiling[float32]{addRow: row512f32, lanes: 16, widest: 4, panel: 4, tiles: [5][]tile[float32]{
		1: {{12, tile512_12x16f32}, {4, tile512_4x16f32}, {2, tile512_2x16f32}, {1, tile512_1x16f32}},
		2: {{12, tile512_12x32f32}, {8, tile512_8x32f32}, {4, tile512_4x32f32}, {2, tile512_2x32f32}, {1, tile512_1x32f32}},
		3: {{8, tile512_8x48f32}, {4, tile512_4x48f32}, {2, tile512_2x48f32}, {1, tile512_1x48f32}},
		4: {{6, tile512_6x64f32}, {4, tile512_4x64f32}, {2, tile512_2x64f32}, {1, tile512_1x64f32}},
	}}
	avx512f64 = &tiling[float64]{addRow: row512f64, lanes: 8, widest: 4, panel: 4, tiles: [5][]tile[float64]{
		1: f64x16,
		2: f64x16,
		3: f64x32,
		4: f64x32,
	}}
	f64x16 = []tile[float64]{{12, tile512_12x16f64}, {4, tile512_4x16f64}, {2, tile512_2x16f64}, {1, tile512_1x16f64}}
	f64x32 = []tile[float64]{{6, tile512_6x32f64}, {3, tile512_3x32f64}, {1, tile512_1x32f64}}

	avx2f32 = &tiling[float32]{addRow: row256f32, lanes: 16, widest: 1, panel: 1, tiles: [5][]tile[float32]{1: {{6, tile256_6x16f32}, {4, tile256_4x16f32}, {2, tile256_2x16f32}, {1, tile256_1x16f32}}}}
	avx2f64 = &tiling[float64]{addRow: row256f64, lanes: 8, widest: 1, panel: 1, tiles: [5][]tile[float64]{1: {{6, tile256_6x8f64}, {4, tile256_4x8f64}, {2, tile256_2x8f64}, {1, tile256_1x8f64}}}}
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
			*t = avx512f32
		} else if hasAVX2 {
			*t = avx2f32
		}
	case **tiling[float64]:
		if hasAVX512 {
			*t = avx512f64
		} else if hasAVX2 {
			*t = avx2f64
		}
	}
	return t
}

// sgd is the part of SGD that is done here: it returns how many elements.
func sgd[T Float](w, g []T, lr T) int {
	n := len(w) &^ 7
	w32, ok := any(w).([]float32)
	if !ok || !hasAVX2 || n == 0 {
		return 0
	}
	sgd256(&w32[0], &any(g).([]float32)[0], n, float32(-lr))
	return n
}
