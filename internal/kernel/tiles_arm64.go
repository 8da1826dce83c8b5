//go:build arm64 && !purego

package kernel

// onlyGo is set by [Use] alone: every arm64 processor has NEON.
var onlyGo bool

func assemblyPaths() []string { return []string{"neon"} }

func use(path string) (restore func()) {
	old := onlyGo
	onlyGo = path == goPath
	return func() { onlyGo = old }
}

var (
	tiling128f32 = &tiling[float32]{lanes: 4, widest: 2, panel: 2, tiles: [5][]tile[float32]{
		1: {{4, tile128_4x4f32}, {1, tile128_1x4f32}},
		2: {{8, tile128_8x8f32}, {4, tile128_4x8f32}, {1, tile128_1x8f32}},
	}}
	tiling128f64 = &tiling[float64]{lanes: 2, widest: 2, panel: 2, tiles: [5][]tile[float64]{
		1: {{1, tile128_1x2f64}},
		2: {{8, tile128_8x4f64}, {1, tile128_1x4f64}},
	}}
)

// tilingOf returns how products are computed here, nil for by loops in Go.
func tilingOf[T Float]() *tiling[T] {
	if onlyGo {
		return nil
	}
	if t, ok := any(tiling128f32).(*tiling[T]); ok {
		return t
	}
	return any(tiling128f64).(*tiling[T])
}

// peak returns a function that does nothing but multiply-adds, and the operations
// in it.
func peak(n int) (run func(), flops float64) {
	if onlyGo {
		return nil, 0
	}
	return func() { peak128(n) }, float64(n) * 16 * 4 * 2
}
