//go:build arm64 && !purego

package kernel

import "unsafe"

// onlyGo is set by [Use] alone: every arm64 processor has NEON.
var onlyGo bool

func assemblyPaths() []string { return []string{"neon"} }

func use(path string) (restore func()) {
	old := onlyGo
	onlyGo = path == goPath
	return func() { onlyGo = old }
}

var (
	tiling128f32 = &tiling[float32]{lanes: 4, panel: 8, next: strips128[float32]{
		one: stack(tile128[float32]{4, tile128_4x4f32}, tile128[float32]{1, tile128_1x4f32}),
		two: stack(tile128[float32]{8, tile128_8x8f32}, tile128[float32]{4, tile128_4x8f32}, tile128[float32]{1, tile128_1x8f32}),
	}.next}
	tiling128f64 = &tiling[float64]{lanes: 2, panel: 4, next: strips128[float64]{
		one: stack(tile128[float64]{1, tile128_1x2f64}),
		two: stack(tile128[float64]{8, tile128_8x4f64}, tile128[float64]{1, tile128_1x4f64}),
	}.next}
)

// The strips of NEON are one vector wide, or two.
type strips128[T Float] struct{ one, two strip[T] }

func (s strips128[T]) next(columns, _ int) (strip[T], int) {
	lanes := 16 / int(unsafe.Sizeof(T(0)))
	if columns <= lanes {
		return s.one, columns
	}
	return s.two, min(columns, 2*lanes)
}

// A tile128 computes so many rows of a strip.
type tile128[T Float] struct {
	rows int
	run  func(a *T, aRow, aStep uintptr, b *T, bStep uintptr, c *T, cRow uintptr, from *T, fromRow uintptr, k, columns int, floor T)
}

// stack returns the strip that is computed by tiles one below the other, the
// highest first.
func stack[T Float](tiles ...tile128[T]) strip[T] {
	return strip[T]{tiles[0].rows, func(a *T, aRow, aStep uintptr, b *T, bStep uintptr, c *T, cRow uintptr, from *T, fromRow uintptr, rows, k, columns int, floor T) {
		for _, t := range tiles {
			for rows >= t.rows {
				t.run(a, aRow, aStep, b, bStep, c, cRow, from, fromRow, k, columns, floor)
				if rows -= t.rows; rows == 0 {
					return // below the last there may be no memory to point to
				}
				a, c, from = below(a, t.rows, aRow), below(c, t.rows, cRow), below(from, t.rows, fromRow)
			}
		}
	}}
}

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
