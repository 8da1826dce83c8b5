package kernel

import (
	"fmt"
)

// A Matrix is a dense matrix in row-major order, or the transpose of one.
type Matrix[T Float] struct {
	Data       []T
	Rows, Cols int
	transposed bool // Data holds the Cols x Rows matrix whose transpose this is
}

// Mat returns data as a matrix.
func Mat[T Float](data []T, rows, cols int) Matrix[T] {
	return Matrix[T]{Data: data, Rows: rows, Cols: cols}
}

// T returns the transpose; nothing is moved.
func (a Matrix[T]) T() Matrix[T] {
	return Matrix[T]{a.Data, a.Cols, a.Rows, !a.transposed}
}

// Gemm computes C = A·B; C may not share memory with A or B.
//
// Every element of C starts from 0 and takes its terms in the order of k, each
// by one fused multiply-add; an element that ends as -0 becomes +0. The threads
// share out the rows of C, so their number changes no bit.
func Gemm[T Float](threads int, c, a, b Matrix[T]) {
	gemm(threads, c, a, b, start[T]{})
}

// GemmAdd computes C += A·B: as [Gemm], but every element starts from itself.
func GemmAdd[T Float](threads int, c, a, b Matrix[T]) {
	gemm(threads, c, a, b, start[T]{fromC: true})
}

// GemmBias computes C = A·B + bias, the bias being added to each row: as
// [Gemm], but element (i, j) starts from bias[j].
func GemmBias[T Float](threads int, c, a, b Matrix[T], bias []T) {
	if len(bias) != c.Cols {
		panic(fmt.Sprintf("kernel.GemmBias: %d biases for %d columns", len(bias), c.Cols))
	}
	gemm(threads, c, a, b, start[T]{bias: bias})
}

// start says what an element of C starts from: its bias, itself, or 0.
type start[T Float] struct {
	bias  []T
	fromC bool
}

// minWork is the number of multiply-adds below which waking a second thread
// costs more than it saves, in Go and in tiles.
var minWork = struct{ loops, tiles int }{1 << 16, 1 << 25}

func worthSharing(m, n, k int) bool {
	least := minWork.loops
	if tiled() {
		least = minWork.tiles
	}
	return m > 1 && m*n*k >= least
}

func gemm[T Float](threads int, c, a, b Matrix[T], from start[T]) {
	m, n, k := c.Rows, c.Cols, a.Cols
	if a.Rows != m || b.Rows != k || b.Cols != n || c.transposed ||
		len(a.Data) != m*k || len(b.Data) != k*n || len(c.Data) != m*n {
		panic(fmt.Sprintf("kernel.Gemm: (%d, %d) = (%d, %d)·(%d, %d) with %d, %d, %d elements",
			m, n, a.Rows, k, b.Rows, b.Cols, len(c.Data), len(a.Data), len(b.Data)))
	}
	g := product[T]{c, a, b, from, false}
	if !tiled() {
		// One pass over B must be little next to the product itself.
		g.sparse = m >= 8 && !b.transposed && finite(b.Data)
	} else if b.transposed {
		// Tiles take B in row-major order.
		packs := packsOf[T]()
		packed := packs.borrow(k * n)
		defer packs.giveBack(packed)
		transpose(packed, b.Data, n, k)
		g.b = Mat(packed, k, n)
	}
	if threads > 1 && worthSharing(m, n, k) && parallel(min(threads, m), g) {
		return
	}
	g.rows(0, m)
}

func finite[T Float](x []T) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// product is one matrix product, ready to be computed in ranges of rows.
type product[T Float] struct {
	c, a, b Matrix[T]
	from    start[T]
	// sparse allows leaving out terms in which A is 0, as four of five pixels
	// of MNIST are. With B finite such a term is ±0, which can change nothing
	// but the sign of a sum that is 0 itself, and that is + in the end.
	sparse bool
}

// share computes part p of n.
func (g *product[T]) share(p, n int) {
	g.rows(p*g.c.Rows/n, (p+1)*g.c.Rows/n)
}

// strides returns how far apart the rows of a lie in Data, and the elements of
// a row.
func (a Matrix[T]) strides() (row, step int) {
	if a.transposed {
		return 1, a.Rows
	}
	return a.Cols, 1
}

// rows computes the rows lo to hi of C.
func (g *product[T]) rows(lo, hi int) {
	n, k := g.c.Cols, g.a.Cols
	row, step := g.a.strides()
	tiles := k > 0 && tiled()
	for i := lo; i < hi; i++ {
		c := g.c.Data[i*n : (i+1)*n]
		switch {
		case g.from.bias != nil:
			copy(c, g.from.bias)
		case !g.from.fromC:
			clear(c)
		}
		if tiles {
			continue
		}
		if k > 0 && g.b.transposed {
			addDots(c, g.a.Data[i*row:], step, g.b.Data, k)
		} else if k > 0 {
			g.addRows(c, g.a.Data[i*row:], step)
		}
		for j := range c {
			c[j] += 0 // -0 becomes +0
		}
	}
	if tiles {
		addTiles(g, lo, hi)
	}
}
