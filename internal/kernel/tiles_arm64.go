//go:build arm64 && !purego

package kernel

// inGo is set by [Use] alone: every arm64 processor has NEON.
var inGo bool

func assemblyPaths() []string { return []string{"neon"} }

func use(path string) (restore func()) {
	old := inGo
	inGo = path == goPath
	return func() { inGo = old }
}

var (
	neonf32 = &tiling[float32]{lanes: 4, widest: 2, panel: 2, tiles: [5][]tile[float32]{
		1: {{4, tile128_4x4f32}, {1, tile128_1x4f32}},
		2: {{8, tile128_8x8f32}, {4, tile128_4x8f32}, {1, tile128_1x8f32}},
	}}
	neonf64 = &tiling[float64]{lanes: 2, widest: 2, panel: 2, tiles: [5][]tile[float64]{
		1: {{4, tile128_4x2f64}, {1, tile128_1x2f64}},
		2: {{8, tile128_8x4f64}, {4, tile128_4x4f64}, {1, tile128_1x4f64}},
	}}
)

// tilingOf returns how products are computed here, nil for by loops in Go.
func tilingOf[T Float]() *tiling[T] {
	if inGo {
		return nil
	}
	if t, ok := any(neonf32).(*tiling[T]); ok {
		return t
	}
	return any(neonf64).(*tiling[T])
}

// sgd does no part of SGD here: it leaves all to the loop in Go.
func sgd[T Float]([]T, []T, T) int { return 0 }
