//go:build amd64 && !purego

package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate sh -c "cd gen && go run . -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel"

// Which instructions the processor and its operating system offer; variables,
// so that a test can take every path.
var (
	hasAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasFMA
	hasAVX512 = hasAVX2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasBMI2
)

// A tile adds A·B to some rows and to columns of C.
type tile[T Float] struct {
	rows int
	add  func(a *T, aRow, aStep uintptr, b *T, bStep uintptr, c *T, cRow uintptr, k, columns int)
}

// The tiles there are, the highest first: 128 bytes wide with AVX-512, 64 with
// AVX2.
var (
	tiles512f32 = []tile[float32]{{12, tile512x12f32}, {8, tile512x8f32}, {4, tile512x4f32}, {2, tile512x2f32}, {1, tile512x1f32}}
	tiles512f64 = []tile[float64]{{12, tile512x12f64}, {8, tile512x8f64}, {4, tile512x4f64}, {2, tile512x2f64}, {1, tile512x1f64}}
	tiles256f32 = []tile[float32]{{6, tile256x6f32}, {4, tile256x4f32}, {2, tile256x2f32}, {1, tile256x1f32}}
	tiles256f64 = []tile[float64]{{6, tile256x6f64}, {4, tile256x4f64}, {2, tile256x2f64}, {1, tile256x1f64}}
)

// tiled reports whether products are computed in tiles, by assembly.
func tiled() bool { return hasAVX2 }

// addTiles adds A·B to the rows lo to hi of C, B not being transposed and k 1
// or more: the same bits as the loops in Go.
func addTiles[T Float](g *product[T], lo, hi int) {
	switch g := any(g).(type) {
	case *product[float32]:
		if hasAVX512 {
			addTilesOf(tiles512f32, 128, g, lo, hi)
		} else {
			addTilesOf(tiles256f32, 64, g, lo, hi)
		}
	case *product[float64]:
		if hasAVX512 {
			addTilesOf(tiles512f64, 128, g, lo, hi)
		} else {
			addTilesOf(tiles256f64, 64, g, lo, hi)
		}
	}
}

func addTilesOf[T Float](tiles []tile[T], width int, g *product[T], lo, hi int) {
	size := int(unsafe.Sizeof(T(0)))
	n, k := g.c.Cols, g.a.Cols
	row, step := g.a.strides()
	aRow, aStep, bStep, cRow := uintptr(row*size), uintptr(step*size), uintptr(n*size), uintptr(n*size)
	for j := 0; j < n; j += width / size {
		columns := min(width/size, n-j)
		i := lo
		for _, t := range tiles {
			for ; hi-i >= t.rows; i += t.rows {
				t.add(&g.a.Data[i*row], aRow, aStep, &g.b.Data[j], bStep, &g.c.Data[i*n+j], cRow, k, columns)
			}
		}
	}
}
