package kernel

import "unsafe"

// The pools of a plane by kernels in vectors. They compute windows of neighboring columns
// together, from rows that are padded if the windows are. There are kernels for windows that
// lie up to three columns apart. If they lie farther apart, those between them are computed
// too, and left out in the end.

// step is how many columns apart the windows of the kernel lie.
func (a Axis) step() int {
	if a.Stride <= 3 {
		return a.Stride
	}
	return 1
}

// computed is how many columns the kernel computes.
func (a Axis) computed() int { return (a.Out()-1)*(a.Stride/a.step()) + 1 }

// runs calls f for the windows in runs, from one side to the other: those that are inside
// of the image are one run, and each other window is one. It has the first window, the
// first element that this has in the image, how many that are, and how many windows there
// are in the run.
func (a Axis) runs(f func(i, top, height, n int)) {
	for i, n := 0, 0; i < a.Out(); i += n {
		top, bottom := a.inside(i)
		n = 1
		if bottom-top == a.Kernel {
			n = (a.Size+a.Padding-a.Kernel)/a.Stride + 1 - i
		}
		f(i, top, bottom-top, n)
	}
}

// pickColumns copies every stride-th column of x, which has so many, to y.
func pickColumns[T any](y, x []T, columns, stride int) {
	out := (columns-1)/stride + 1
	for ; len(y) > 0; y, x = y[out:], x[columns:] {
		for j := range y[:out] {
			y[j] = x[j*stride]
		}
	}
}

// rowStep is how far apart rows of windows lie, 0 if there is one row. For each row the kernel
// asks for as much of the next plane; if there is one, all of it is asked for beforehand.
func (g Pool) rowStep(pitch int) int {
	if g.Rows.Out() == 1 {
		return 0
	}
	return g.Rows.Stride * pitch
}

// beyond is how many elements the kernels may read beyond the last window.
const beyond = 64

// padded is the number of elements of a plane with its padding.
func (g Pool) padded() int { return g.Rows.Size * (g.Columns.Size + 2*g.Columns.Padding) }

// wide is the number of results with those between the windows, 0 if there are none.
func (g Pool) wide() int {
	if g.Columns.step() < g.Columns.Stride {
		return g.Rows.Out() * g.Columns.computed()
	}
	return 0
}

// memory is how many elements of memory the kernels need for a plane.
func (g Pool) memory() int {
	backward := g.Rows.Out()*(g.Columns.Size+g.Columns.Kernel-1) + g.outputs()
	return max(g.padded()+beyond+2*g.wide(), backward)
}

// padPlane returns a plane for a kernel, and how far apart its rows lie: x, or its copy in memory
// that has the padding, or elements for the kernel to read beyond it.
func padPlane[T Float](g Pool, memory, x []T, pitch int) ([]T, int) {
	padding := g.Columns.Padding
	if padding == 0 && (g.Columns.step() == 1 || len(x) >= (g.Rows.Size-1)*pitch+g.Columns.Size+beyond) {
		return x, pitch
	}
	width := g.Columns.Size + 2*padding
	copyPlanes(memory[padding:], 0, width, x, 0, pitch, 1, g.Rows.Size, g.Columns.Size)
	return memory, width
}

// maxPlaneAsm is maxPlane by a kernel. It reports whether there is one for x.
func maxPlaneAsm[T Float](g Pool, y, x, ahead []T, pitch int, choices []int32, memory []T) bool {
	if unsafe.Sizeof(T(0)) != 4 || !hasWindowKernels() {
		return false
	}
	if m := Max(x[:(g.Rows.Size-1)*pitch+g.Columns.Size]); m != m {
		return false // the kernel finds no NaN
	}
	x, pitch = padPlane(g, memory, x, pitch)
	best, at, wide := y, choices, g.wide()
	if wide > 0 {
		rest := memory[g.padded()+beyond:]
		best, at = rest[:wide], unsafe.Slice((*int32)(unsafe.Pointer(&rest[wide])), wide)
	}
	columns := g.Columns.computed()
	g.Rows.runs(func(i, top, height, n int) {
		maximaOfWindows(g, best[i*columns:], at[i*columns:], x[top*pitch:], after(ahead, top*g.Columns.Size), pitch, n, top, height)
	})
	if wide > 0 {
		pickColumns(y, best, columns, g.Columns.Stride)
		pickColumns(choices, at, columns, g.Columns.Stride)
	}
	return true
}

// maximaOfWindows calls a kernel windowMaxima for n rows of windows of some height. The
// first of them begins in row top.
func maximaOfWindows[T Float](g Pool, y []T, choices []int32, x, ahead []T, pitch, n, top, height int) {
	const size = 4
	columns, width, line := g.Columns.computed(), g.Columns.Kernel, g.Columns.Size
	yStep, xStep, xLine := uintptr(columns*size), uintptr(g.rowStep(pitch)*size), uintptr(pitch*size)
	at := unsafe.Slice((*T)(unsafe.Pointer(&choices[0])), 1)
	first, left, rowPlaces, linePlaces := int32(top*line), int32(-g.Columns.Padding), int32(g.Rows.Stride*line), int32(line)
	switch g.Columns.step() {
	case 2:
		windowMaximaBy2Asm(y, at, x, ahead, yStep, xStep, xLine, n, columns, height, width, first, left, rowPlaces, linePlaces)
	case 3:
		windowMaximaBy3Asm(y, at, x, ahead, yStep, xStep, xLine, n, columns, height, width, first, left, rowPlaces, linePlaces)
	default:
		windowMaximaAsm(y, at, x, ahead, yStep, xStep, xLine, n, columns, height, width, first, left, rowPlaces, linePlaces)
	}
}

// averagePlaneAsm is averagePlane by a kernel, with the size of a window. It reports
// whether there is one.
func averagePlaneAsm[T Float](g Pool, y, x, ahead []T, size T, memory []T) bool {
	if !hasWindowKernels() {
		return false
	}
	x, pitch := padPlane(g, memory, x, g.Columns.Size)
	sums, divisor := y, size
	wide := g.wide()
	if wide > 0 {
		sums, divisor = memory[g.padded()+beyond:][:wide], 1 // those between need no division
	}
	columns := g.Columns.computed()
	g.Rows.runs(func(i, top, height, n int) {
		sumWindows(g.Columns.step(), sums[i*columns:], x[top*pitch:], after(ahead, top*g.Columns.Size), columns, g.rowStep(pitch), pitch, n, columns, height, g.Columns.Kernel, divisor)
	})
	if wide > 0 {
		pickColumns(y, sums, columns, g.Columns.Stride)
		divide(y, y, size)
	}
	return true
}

// sumWindows calls a kernel windowSums, with distances in elements.
func sumWindows[T Float](step int, y, x, ahead []T, yRow, xRow, pitch, rows, columns, height, width int, divisor T) {
	size := unsafe.Sizeof(T(0))
	yStep, xStep, line := uintptr(yRow)*size, uintptr(xRow)*size, uintptr(pitch)*size
	switch step {
	case 2:
		windowSumsBy2Asm(y, x, ahead, yStep, xStep, line, rows, columns, height, width, divisor)
	case 3:
		windowSumsBy3Asm(y, x, ahead, yStep, xStep, line, rows, columns, height, width, divisor)
	default:
		windowSumsAsm(y, x, ahead, yStep, xStep, line, rows, columns, height, width, divisor)
	}
}

// averagePlaneBackwardAsm sets each element of dx to the sum of those of dy, divided by size,
// in whose windows it is. Along a row of dx these are windows too, which move by one: of a
// row of dy, with zeros between its elements if its windows lie apart. Rows of dx that lie
// a stride apart meet rows of dy that are neighbors. It reports whether there is a kernel.
func averagePlaneBackwardAsm[T Float](g Pool, dx, dy, ahead []T, size T, memory []T) bool {
	if !hasWindowKernels() {
		return false
	}
	rows, columns := g.Rows, g.Columns
	out, count := rows.Out(), columns.Out()
	margin, pitch := columns.Kernel-1-columns.Padding, columns.Size+columns.Kernel-1
	placed, quotients := memory[:out*pitch], memory[out*pitch:][:len(dy)]
	divide(quotients, dy, size)
	if columns.Stride == 1 {
		copyPlanes(placed[margin:], 0, pitch, quotients, 0, count, 1, out, count)
	} else {
		for i := range out {
			row := placed[i*pitch+margin:]
			for j, v := range quotients[i*count:][:count] {
				row[j*columns.Stride] = v
			}
		}
	}
	if rows.Stride > 1 { // the rows of a call are not neighbors, and so would be those asked for
		askFor(ahead, len(dx))
		ahead = dx
	}
	for rest := range min(rows.Stride, rows.Size) {
		// Row rest + m·stride of dx meets the rows m + lo to m + hi of dy, as far as there
		// are any.
		lo := (rest+rows.Padding-rows.Kernel+rows.Stride*(rows.Kernel+1))/rows.Stride - rows.Kernel
		hi := (rest + rows.Padding) / rows.Stride
		count := ceil(rows.Size-rest, rows.Stride)
		for m, n := 0, 0; m < count; m += n {
			first, last := max(0, m+lo), min(m+hi, out-1)
			n = 1
			if last-first == hi-lo {
				n = min(count, out-hi) - m
			}
			at := (rest + m*rows.Stride) * columns.Size
			if first <= last {
				sumWindows(1, dx[at:], placed[first*pitch:], after(ahead, at), rows.Stride*columns.Size, pitch, pitch, n, columns.Size, last+1-first, columns.Kernel, 1)
				continue
			}
			for i := range n {
				clear(dx[at+i*rows.Stride*columns.Size:][:columns.Size])
			}
		}
	}
	return true
}

// askFor asks the memory for the first n elements of x, or some of them, which are needed
// soon.
func askFor[T Float](x []T, n int) {
	const most = 1 << 12
	Prefetch(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), min(n, len(x), most)*int(unsafe.Sizeof(T(0)))))
}

// after returns x from element n on, or its last element: what comes after the first n
// elements, which a kernel asks the memory for while it computes.
func after[T Float](x []T, n int) []T { return x[min(n, len(x)-1):] }
