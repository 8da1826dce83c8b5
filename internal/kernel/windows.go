package kernel

import "fmt"

// A Pool says what windows a pool has: those of the kernels of two axes, over each plane
// by itself.
type Pool struct{ Rows, Columns Axis }

func (g Pool) inputs() int  { return g.Rows.Size * g.Columns.Size }
func (g Pool) outputs() int { return g.Rows.Out() * g.Columns.Out() }

// mustFit panics unless the lengths are those of some planes, and returns how many.
func (g Pool) mustFit(op string, x, y, choices int) (planes int) {
	planes = x / max(1, g.inputs())
	if planes*g.inputs() != x || planes*g.outputs() != y || choices != y {
		panic(fmt.Sprintf("kernel.%s: %+v with x, y and choices of %d, %d, %d elements", op, g, x, y, choices))
	}
	return planes
}

// inside returns the first and the last but one place of window i in the image.
func (a Axis) inside(i int) (lo, hi int) {
	lo = i*a.Stride - a.Padding
	return max(lo, 0), min(lo+a.Kernel, a.Size)
}

// moves reports whether the kernel moves as that of b.
func (a Axis) moves(b Axis) bool { b.Size = a.Size; return a == b }

// MaxPool sets each element of y to the largest of its window of x, NaN counting as the
// largest, and choices to where in its plane that is, the first if there are several.
// There is no dilation, and every window has an element of x.
func MaxPool[T Float](g Pool, y, x []T, choices []int32) {
	g.mustFit("MaxPool", len(x), len(y), len(choices))
	maxPlanes(g, y, x, g.inputs(), g.Columns.Size, choices)
}

// squares returns the kernels for windows of 2 by 2, if g has these and there are such
// kernels.
func squares[T Float](g Pool) *imageKernels[T] {
	pairs := Axis{Kernel: 2, Stride: 2, Dilation: 1}
	if k := imageKernelsOf[T](); k != nil && k.maxOfFour != nil && g.Rows.moves(pairs) && g.Columns.moves(pairs) {
		return k
	}
	return nil
}

// maxPlanes is MaxPool of planes that lie plane elements apart, and their rows pitch.
func maxPlanes[T Float](g Pool, y, x []T, plane, pitch int, choices []int32) {
	n, rows, columns := g.outputs(), g.Rows.Out(), g.Columns.Out()
	if k := squares[T](g); k != nil {
		for most := max(callSize/g.inputs(), 1); len(y) > 0; {
			planes := min(most, len(y)/n)
			k.maxOfFour(words(y), &choices[0], words(x), uintptr(4*plane), uintptr(4*pitch), planes, rows, columns, g.Columns.Size)
			y, choices, x = y[planes*n:], choices[planes*n:], x[min(planes*plane, len(x)):]
		}
		return
	}
	for ; len(y) > 0; y, choices, x = y[n:], choices[n:], x[min(plane, len(x)):] {
		for i := range rows {
			best, choices := y[i*columns:][:columns], choices[i*columns:][:columns]
			top, bottom := g.Rows.inside(i)
			for j := range best {
				left, right := g.Columns.inside(j)
				row, column := top, left
				most := x[row*pitch+column]
				for r := top; r < bottom; r++ {
					for c, v := range x[r*pitch:][left:right] {
						if v > most || v != v && most == most {
							most, row, column = v, r, left+c
						}
					}
				}
				best[j], choices[j] = most, int32(row*g.Columns.Size+column)
			}
		}
	}
}

// MaxPoolBackward sets dx to what each element was chosen for: the sum of those elements
// of dy, in their order.
func MaxPoolBackward[T Float](g Pool, dx, dy []T, choices []int32) {
	planes := g.mustFit("MaxPoolBackward", len(dx), len(dy), len(choices))
	clear(dx)
	for range planes {
		n := g.outputs()
		for i, at := range choices[:n] {
			dx[at] += dy[i]
		}
		dx, dy, choices = dx[g.inputs():], dy[n:], choices[n:]
	}
}

// AveragePool sets each element of y to the sum of its window of x, from the first
// element to the last, divided by the size of the window. The padding is 0 and counts.
func AveragePool[T Float](g Pool, y, x []T) {
	planes := g.mustFit("AveragePool", len(x), len(y), len(y))
	size := T(g.Rows.Kernel * g.Columns.Kernel)
	for range planes {
		for i := range g.Rows.Out() {
			top, bottom := g.Rows.inside(i)
			for j := range g.Columns.Out() {
				left, right := g.Columns.inside(j)
				var sum T
				for r := top; r < bottom; r++ {
					for _, v := range x[r*g.Columns.Size+left : r*g.Columns.Size+right] {
						sum += v
					}
				}
				y[0] = sum / size
				y = y[1:]
			}
		}
		x = x[g.inputs():]
	}
}

// AveragePoolBackward sets dx to the sum of the elements of dy in whose windows it is, in
// their order, each divided by the size of the window.
func AveragePoolBackward[T Float](g Pool, dx, dy []T) {
	planes := g.mustFit("AveragePoolBackward", len(dx), len(dy), len(dy))
	size := T(g.Rows.Kernel * g.Columns.Kernel)
	clear(dx)
	for range planes {
		for i := range g.Rows.Out() {
			top, bottom := g.Rows.inside(i)
			for j := range g.Columns.Out() {
				left, right := g.Columns.inside(j)
				v := dy[0] / size
				dy = dy[1:]
				for r := top; r < bottom; r++ {
					row := dx[r*g.Columns.Size+left : r*g.Columns.Size+right]
					for c := range row {
						row[c] += v
					}
				}
			}
		}
		dx = dx[g.inputs():]
	}
}

// Averages sets each element of y to the [Sum] of its part of x divided by the length of
// it; the parts of x are equally long.
func Averages[T Float](y, x []T) {
	if len(y) == 0 {
		return
	}
	mustDivide("Averages", len(x), len(y))
	n := len(x) / len(y)
	for i := range y {
		y[i] = Sum(x[i*n:][:n]) / T(n)
	}
}

// AveragesBackward sets each element of a part of dx to its dy divided by the length of
// the part.
func AveragesBackward[T Float](dx, dy []T) {
	if len(dy) == 0 {
		return
	}
	mustDivide("AveragesBackward", len(dx), len(dy))
	n := len(dx) / len(dy)
	for i, v := range dy {
		fill(dx[i*n:][:n], v/T(n))
	}
}
