package kernel

import "unsafe"

// The pools of a plane by kernels in vectors. They compute windows of neighboring columns
// together, from rows that are padded if the windows are. If the windows lie more than one
// column apart, those between them are computed too, and left out in the end: that takes
// less time than to bring elements together that lie apart.

// between is how many columns there are with those between the windows.
func (a Axis) between() int { return (a.Out()-1)*a.Stride + 1 }

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

// pickColumns copies every stride-th column of x, which has so many, to y. It may read
// some elements beyond them.
func pickColumns[T Float](y, x []T, columns, stride int) {
	out := (columns-1)/stride + 1
	if size := unsafe.Sizeof(T(0)); size == 4 && stride == 2 {
		evensAsm(y, x, uintptr(out)*size, uintptr(columns)*size, len(y)/out, out)
		return
	}
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
	const beyond = 32 // what [pickColumns] may read
	return max(g.padded()+2*g.wide()+beyond, backward)
}

// maxPlaneAsm is maxPlane by a kernel. It reports whether there is one for x.
func maxPlaneAsm[T Float](g Pool, y, x []T, pitch int, choices []int32, memory []T) bool {
	size := unsafe.Sizeof(T(0))
	if size != 4 || !hasWindowKernels() {
		return false
	}
	if m := Max(x[:(g.Rows.Size-1)*pitch+g.Columns.Size]); m != m {
		return false // the kernel finds no NaN
	}
	padded, wide := g.padded(), 2*g.wide()
	if padded > 0 {
		width := g.Columns.Size + 2*g.Columns.Padding
		copyPlanes(memory[g.Columns.Padding:], 0, width, x, 0, pitch, 1, g.Rows.Size, g.Columns.Size)
		x, pitch = memory, width
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
		pickColumns(unsafe.Slice((*T)(unsafe.Pointer(&choices[0])), len(choices)), memory[padded+wide/2:], columns, g.Columns.Stride)
	}
	return true
}

// averagePlaneAsm is averagePlane by a kernel, with the size of a window. It reports
// whether there is one.
func averagePlaneAsm[T Float](g Pool, y, x []T, size T, memory []T) bool {
	if !hasWindowKernels() {
		return false
	}
	padded, wide := g.padded(), g.wide()
	pitch := g.Columns.Size + 2*g.Columns.Padding
	if padded > 0 {
		copyPlanes(memory[g.Columns.Padding:], 0, pitch, x, 0, g.Columns.Size, 1, g.Rows.Size, g.Columns.Size)
		x = memory
	}
	sums, divisor := y, size
	if wide > 0 {
		sums, divisor = memory[padded:][:wide], 1 // those between need no division
	}
	columns := g.Columns.between()
	g.Rows.runs(func(i, top, height, n int) {
		sumWindows(sums[i*columns:], x[top*pitch:], columns, g.Rows.Stride*pitch, pitch, n, columns, height, g.Columns.Kernel, divisor)
	})
	if wide > 0 {
		pickColumns(y, sums, columns, g.Columns.Stride)
		divide(y, y, size)
	}
	return true
}

// sumWindows calls the kernel windowSums, with distances in elements.
func sumWindows[T Float](y, x []T, yRow, xRow, pitch, rows, columns, height, width int, divisor T) {
	size := unsafe.Sizeof(T(0))
	windowSumsAsm(y, x, uintptr(yRow)*size, uintptr(xRow)*size, uintptr(pitch)*size, rows, columns, height, width, divisor)
}

// averagePlaneBackwardAsm sets each element of dx to the sum of those of dy, divided by size,
// in whose windows it is. Along a row of dx these are windows too, which move by one: of a
// row of dy, with zeros between its elements if its windows lie apart. Rows of dx that lie
// a stride apart meet rows of dy that are neighbors. It reports whether there is a kernel.
func averagePlaneBackwardAsm[T Float](g Pool, dx, dy []T, size T, memory []T) bool {
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
				sumWindows(dx[at:], placed[first*pitch:], rows.Stride*columns.Size, pitch, pitch, n, columns.Size, last+1-first, columns.Kernel, 1)
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
