package kernel

import "fmt"

// A Pool says what windows a pool has: those of the kernels of two axes, over each plane
// by itself.
type Pool struct{ Rows, Columns Axis }

func (g Pool) inputs() int  { return g.Rows.Size * g.Columns.Size }
func (g Pool) outputs() int { return g.Rows.Out() * g.Columns.Out() }

// size is the number of elements of a window.
func (g Pool) size() int { return g.Rows.Kernel * g.Columns.Kernel }

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
func MaxPool[T Float](threads int, g Pool, y, x []T, choices []int32) {
	p := pooling[T]{Pool: g, op: toMaxima, x: x, y: y, choices: choices}
	p.run("MaxPool", threads)
}

// MaxPoolBackward sets dx to what each element was chosen for: the sum of those elements
// of dy, in their order.
func MaxPoolBackward[T Float](threads int, g Pool, dx, dy []T, choices []int32) {
	p := pooling[T]{Pool: g, op: fromMaxima, x: dx, y: dy, choices: choices}
	p.run("MaxPoolBackward", threads)
}

// AveragePool sets each element of y to the sum of its window of x, from the first
// element to the last, divided by the size of the window. The padding is 0 and counts.
func AveragePool[T Float](threads int, g Pool, y, x []T) {
	p := pooling[T]{Pool: g, op: toAverages, x: x, y: y}
	p.run("AveragePool", threads)
}

// AveragePoolBackward sets dx to the sum of the elements of dy in whose windows it is, in
// their order, each divided by the size of the window.
func AveragePoolBackward[T Float](threads int, g Pool, dx, dy []T) {
	p := pooling[T]{Pool: g, op: fromAverages, x: dx, y: dy}
	p.run("AveragePoolBackward", threads)
}

// Averages sets each element of y to the [Sum] of its part of x divided by the length of
// it; the parts of x are equally long.
func Averages[T Float](threads int, y, x []T) { averages("Averages", threads, toMeans, y, x) }

// AveragesBackward sets each element of a part of dx to its dy divided by the length of
// the part.
func AveragesBackward[T Float](threads int, dx, dy []T) {
	averages("AveragesBackward", threads, fromMeans, dy, dx)
}

func averages[T Float](name string, threads int, op poolOperation, y, x []T) {
	if len(y) == 0 {
		return
	}
	mustDivide(name, len(x), len(y))
	n := len(x) / len(y)
	p := pooling[T]{Pool: Pool{Axis{1, 1, 1, 0, 1}, Axis{n, n, 1, 0, 1}}, op: op, x: x, y: y}
	p.run(name, threads)
}

// pooling is a direction of a pool, from or to the planes x. A part of it is some planes.
type pooling[T Float] struct {
	Pool
	op      poolOperation
	x, y    []T
	choices []int32
	each    int // planes of a part
}

type poolOperation int

const (
	toMaxima poolOperation = iota
	fromMaxima
	toAverages
	fromAverages
	toMeans
	fromMeans
)

// run computes it. It panics unless the lengths are those of some planes.
func (p *pooling[T]) run(name string, threads int) {
	const elements = 1 << 14
	planes, maxima := len(p.x)/max(1, p.inputs()), p.op <= fromMaxima
	if planes*p.inputs() != len(p.x) || planes*p.outputs() != len(p.y) || maxima && len(p.choices) != len(p.y) {
		panic(fmt.Sprintf("kernel.%s: %+v with x, y and choices of %d, %d, %d elements", name, p.Pool, len(p.x), len(p.y), len(p.choices)))
	}
	p.each = max(1, elements/max(1, p.inputs()))
	parts := ceil(planes, p.each)
	if threads > 1 && len(p.x) >= thresholds.update && share(&keptOf[T]().poolings, p, threads, parts, len(p.x) >= thresholds.wakeUpdate) {
		return
	}
	for part := range parts {
		p.Do(part)
	}
}

func (p *pooling[T]) Do(part int) {
	inputs, outputs := p.inputs(), p.outputs()
	size := 0
	if p.op <= fromAverages {
		size = p.memory()
	}
	memory := borrow[T](part, size)
	defer keptOf[T]().buffers.giveBack(part, memory)
	first, end := part*p.each, min((part+1)*p.each, len(p.x)/inputs)
	if p.op == toMaxima {
		fill(memory.data, T(negInf))
		maxPlanes(p.Pool, p.y[first*outputs:end*outputs], p.choices[first*outputs:end*outputs], outputs, 0, p.x[first*inputs:], inputs, p.Columns.Size, memory.data)
		return
	}
	clear(memory.data)
	for plane := first; plane < end; plane++ {
		x, y := p.x[plane*inputs:][:inputs], p.y[plane*outputs:][:outputs]
		if p.op != toAverages && p.op != fromAverages || p.Rows.Out() == 1 {
			askFor(p.x[(plane+1)*inputs:], inputs)
		}
		switch p.op {
		case fromMaxima:
			clear(x)
			for i, at := range p.choices[plane*outputs:][:outputs] {
				x[at] += y[i]
			}
		case toAverages:
			averagePlane(p.Pool, y, p.x[plane*inputs:], memory.data)
		case fromAverages:
			averagePlaneBackward(p.Pool, p.x[plane*inputs:], y, memory.data)
		case toMeans:
			y[0] = Sum(x) / T(len(x))
		case fromMeans:
			fill(x, y[0]/T(len(x)))
		}
	}
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
// memory has as many elements as [Pool.memory] says, all -Inf. For windows of [squares] they
// may be parts of planes, whose results lie next elements apart and the first of whose
// elements is at place first.
func maxPlanes[T Float](g Pool, y []T, choices []int32, next, first int, x []T, plane, pitch int, memory []T) {
	n, rows, columns := g.outputs(), g.Rows.Out(), g.Columns.Out()
	if k := squares[T](g); k != nil {
		for most := max(callSize/g.inputs(), 1); len(y) > 0; {
			planes := min(most, ceil(len(y), next))
			k.maxOfFour(words(y), &choices[0], uintptr(4*(next-n)), words(x), uintptr(4*plane), uintptr(4*pitch), planes, rows, columns, g.Columns.Size, first)
			done := min(planes*next, len(y))
			y, choices, x = y[done:], choices[done:], x[min(planes*plane, len(x)):]
		}
		return
	}
	for ; len(y) > 0; y, choices, x = y[n:], choices[n:], x[min(plane, len(x)):] {
		if !maxPlaneAsm(g, y[:n], x, after(x, plane), pitch, choices[:n], memory) {
			maxPlane(g, y[:n], x, pitch, choices[:n])
		}
	}
}

// maxPlane is MaxPool of a plane whose rows lie pitch apart.
func maxPlane[T Float](g Pool, y, x []T, pitch int, choices []int32) {
	columns := g.Columns.Out()
	for i := range g.Rows.Out() {
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

// averagePlane is AveragePool of the first plane of x. memory is 0 before the first.
func averagePlane[T Float](g Pool, y, x, memory []T) {
	size := T(g.size())
	if averagePlaneAsm(g, y, x, after(x, g.inputs()), size, memory) {
		return
	}
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
}

// averagePlaneBackward is AveragePoolBackward of the first plane of dx. memory is 0 before
// the first.
func averagePlaneBackward[T Float](g Pool, dx, dy, memory []T) {
	size := T(g.size())
	if averagePlaneBackwardAsm(g, dx[:g.inputs()], dy, after(dx, g.inputs()), size, memory) {
		return
	}
	clear(dx[:g.inputs()])
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
}

// divide sets y[i] = x[i]/divisor.
func divide[T Float](y, x []T, divisor T) {
	if divideAsm(y, x, divisor) {
		return
	}
	for i, v := range x {
		y[i] = v / divisor
	}
}
