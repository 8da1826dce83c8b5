package kernel

import "fmt"

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

// strides returns how far apart the rows of a lie in Data, and the elements of
// a row.
func (a Matrix[T]) strides() (row, step int) {
	if a.transposed {
		return 1, a.Rows
	}
	return a.Cols, 1
}

// Gemm computes C = A·B; C may not share memory with A or B.
//
// Every element of C starts from 0 and takes its terms in the order of k, each
// by one fused multiply-add; an element that ends as -0 becomes +0. The threads
// share out the elements of C, so their number changes no bit.
func Gemm[T Float](threads int, c, a, b Matrix[T]) {
	gemm(threads, product[T]{c: c, a: a, b: b})
}

// GemmAdd computes C += A·B: as [Gemm], but every element starts from itself.
func GemmAdd[T Float](threads int, c, a, b Matrix[T]) {
	gemm(threads, product[T]{c: c, a: a, b: b, add: true})
}

// GemmBias computes C = A·B + bias, the bias being added to each row: as
// [Gemm], but element (i, j) starts from bias[j].
func GemmBias[T Float](threads int, c, a, b Matrix[T], bias []T) {
	mustMatch("GemmBias", c.Cols, len(bias))
	gemm(threads, product[T]{c: c, a: a, b: b, bias: bias})
}

// GemmBiasReLU computes C = max(A·B + bias, 0): [GemmBias] and [ReLU] in one
// pass, to the same bits.
func GemmBiasReLU[T Float](threads int, c, a, b Matrix[T], bias []T) {
	mustMatch("GemmBiasReLU", c.Cols, len(bias))
	gemm(threads, product[T]{c: c, a: a, b: b, bias: bias, relu: true})
}

// product is one matrix product, ready to be computed in parts of C.
type product[T Float] struct {
	c, a, b Matrix[T]

	// What an element of C starts from: its bias, itself, or 0.
	bias []T
	add  bool

	relu bool // an element below 0 becomes 0 in the end
}

func gemm[T Float](threads int, g product[T]) {
	m, n, k := g.c.Rows, g.c.Cols, g.a.Cols
	if g.a.Rows != m || g.b.Rows != k || g.b.Cols != n || g.c.transposed ||
		len(g.a.Data) != m*k || len(g.b.Data) != k*n || len(g.c.Data) != m*n {
		panic(fmt.Sprintf("kernel.Gemm: (%d, %d) = (%d, %d)·(%d, %d) with %d, %d, %d elements",
			m, n, g.a.Rows, k, g.b.Rows, g.b.Cols, len(g.c.Data), len(g.a.Data), len(g.b.Data)))
	}
	if m == 0 || n == 0 {
		return
	}
	if t := tilingOf[T](); t != nil && k > 0 {
		t.multiply(threads, g)
	} else {
		multiply(threads, g)
	}
}
