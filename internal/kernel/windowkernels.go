package kernel

import "unsafe"

// The pools of a plane by kernels in vectors. They compute windows of neighbouring columns
// together, from rows that are padded if the windows are. If the windows lie more than one
// column apart, those between them are computed too, and left out in the end: that takes
// less time than to bring elements together that lie apart.

// between is how many columns there are with those between the windows.
func (a Axis) between() int { return (a.Out()-1)*a.Stride + 1 }

// runs calls f for the windows in runs of neighbours of which each has its elements one
// stride behind those of the one before: the first window, the first element that it has
// in the image, how many it has, and how many windows there are in the run.
func (a Axis) runs(f func(i, top, height, n int)) {
	for i, n := 0, 0; i < a.Out(); i += n {
		top, bottom := a.inside(i)
		for n = 1; i+n < a.Out(); n++ {
			t, b := a.inside(i + n)
			if t != top+n*a.Stride || b-t != bottom-top {
				break
			}
		}
		f(i, top, bottom-top, n)
	}
}

// padColumns copies rows of x, which lie pitch apart, to dst, with so many v at both ends
// of each.
func padColumns[T Float](dst, x []T, pitch, rows, columns, padding int, v T) {
	width := columns + 2*padding
	copyRows(dst[padding:], width, x, pitch, rows, columns)
	for r := range rows {
		row := dst[r*width:][:width]
		for i := range padding {
			row[i], row[width-1-i] = v, v
		}
	}
}

// pickColumns copies every stride-th column of x, which has so many, to y.
func pickColumns[E any](y, x []E, columns, stride int) {
	out := (columns-1)/stride + 1
	for ; len(y) > 0; y, x = y[out:], x[columns:] {
		for j := range y[:out] {
			y[j] = x[j*stride]
		}
	}
}

// padded is the number of elements of a plane with its padding, 0 if it has none.
func (g Pool) padded() int {
	if p := g.Columns.Padding; p > 0 {
		return g.Rows.Size * (g.Columns.Size + 2*p)
	}
	return 0
}

// wide is the number of results with those between the windows, 0 if there are none.
func (g Pool) wide() int {
	if g.Columns.Stride > 1 {
		return g.Rows.Out() * g.Columns.between()
	}
	return 0
}

// memory is how many elements of memory the kernels need for a plane.
func (g Pool) memory() int {
	backward := g.Rows.Out()*(g.Columns.Size+g.Columns.Kernel-1) + g.outputs()
	return max(g.padded()+2*g.wide(), backward)
}

// maxPlaneAsm is maxPlane by a kernel. It reports whether there is one.
func maxPlaneAsm[T Float](g Pool, y, x []T, pitch int, choices []int32, memory []T) bool {
	size := unsafe.Sizeof(T(0))
	if size != 4 || !hasWindowKernels() {
		return false
	}
	padded, wide := g.padded(), 2*g.wide()
	if padded > 0 {
		padColumns(memory, x, pitch, g.Rows.Size, g.Columns.Size, g.Columns.Padding, T(negInf))
		x, pitch = memory, g.Columns.Size+2*g.Columns.Padding
	}
	best, at := y, choices
	if wide > 0 {
		best = memory[padded:][:wide/2]
		at = unsafe.Slice((*int32)(unsafe.Pointer(&memory[padded+wide/2])), wide/2)
	}
	columns, line := g.Columns.between(), g.Columns.Size
	g.Rows.runs(func(i, top, height, n int) {
		places := unsafe.Slice((*T)(unsafe.Pointer(&at[i*columns])), 1)
		windowMaximaAsm(best[i*columns:], places, x[top*pitch:], uintptr(columns)*size, uintptr(g.Rows.Stride*pitch)*size, uintptr(pitch)*size,
			n, columns, height, g.Columns.Kernel, int32(top*line), int32(-g.Columns.Padding), int32(g.Rows.Stride*line), int32(line))
	})
	if wide > 0 {
		pickColumns(y, best, columns, g.Columns.Stride)
		pickColumns(choices, at, columns, g.Columns.Stride)
	}
	return true
}

// sumPlaneAsm sets y to the sums of windows by a kernel. It reports whether there is one.
func sumPlaneAsm[T Float](g Pool, y, x, memory []T) bool {
	if !hasWindowKernels() {
		return false
	}
	padded, wide := g.padded(), g.wide()
	pitch := g.Columns.Size + 2*g.Columns.Padding
	if padded > 0 {
		padColumns(memory, x, g.Columns.Size, g.Rows.Size, g.Columns.Size, g.Columns.Padding, 0)
		x = memory
	}
	sums := y
	if wide > 0 {
		sums = memory[padded:][:wide]
	}
	columns := g.Columns.between()
	g.Rows.runs(func(i, top, height, n int) {
		sumWindows(sums[i*columns:], x[top*pitch:], columns, g.Rows.Stride*pitch, pitch, n, columns, height, g.Columns.Kernel)
	})
	if wide > 0 {
		pickColumns(y, sums, columns, g.Columns.Stride)
	}
	return true
}

// sumWindows calls the kernel windowSums, with distances in elements.
func sumWindows[T Float](y, x []T, yRow, xRow, pitch, rows, columns, height, width int) {
	size := unsafe.Sizeof(T(0))
	windowSumsAsm(y, x, uintptr(yRow)*size, uintptr(xRow)*size, uintptr(pitch)*size, rows, columns, height, width)
}

// sumPlaneBackwardAsm sets each element of dx to the sum of those of dy, divided by size,
// in whose windows it is. Along a row of dx these are windows too, which move by one: of a
// row of dy, with zeros between its elements if its windows lie apart. Rows of dx that lie
// a stride apart meet rows of dy that are neighbours. It reports whether there is a kernel.
func sumPlaneBackwardAsm[T Float](g Pool, dx, dy []T, size T, memory []T) bool {
	if !hasWindowKernels() {
		return false
	}
	rows, columns := g.Rows, g.Columns
	out, count := rows.Out(), columns.Out()
	margin, pitch := columns.Kernel-1-columns.Padding, columns.Size+columns.Kernel-1
	placed, quotients := memory[:out*pitch], memory[out*pitch:][:len(dy)]
	divide(quotients, dy, size)
	clear(placed)
	if columns.Stride == 1 {
		copyRows(placed[margin:], pitch, quotients, count, out, count)
	} else {
		for i := range out {
			row := placed[i*pitch+margin:]
			for j, v := range quotients[i*count:][:count] {
				row[j*columns.Stride] = v
			}
		}
	}
	// meets returns the first row of dy whose windows have row r of dx, and how many do.
	meets := func(r int) (first, n int) {
		first = max(0, r+rows.Padding-rows.Kernel+rows.Stride) / rows.Stride
		return first, min((r+rows.Padding)/rows.Stride, out-1) + 1 - first
	}
	for rest := range min(rows.Stride, rows.Size) {
		for r, n := rest, 0; r < rows.Size; r += n * rows.Stride {
			first, height := meets(r)
			for n = 1; r+n*rows.Stride < rows.Size; n++ {
				if f, h := meets(r + n*rows.Stride); f != first+n || h != height {
					break
				}
			}
			if height > 0 {
				sumWindows(dx[r*columns.Size:], placed[first*pitch:], rows.Stride*columns.Size, pitch, pitch, n, columns.Size, height, columns.Kernel)
				continue
			}
			for i := range n {
				clear(dx[(r+i*rows.Stride)*columns.Size:][:columns.Size])
			}
		}
	}
	return true
}
