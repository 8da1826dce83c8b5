package kernel

import "unsafe"

// Of the gradient before a pool few elements are not 0: one of four at most, and less with
// a ReLU between. Before a ReLU alone it is half of them. If the kernel is of three by
// three, each of them meets a patch of nine pixels of x, and one of dx. So here images lie
// pixel by pixel, and only those elements are computed with that are not 0. Every sum takes its terms in the same order as without
// that: for dw by pixels of dy, and for dx by planes of dy and then by pixels, which is
// from the last element of the kernel to the first. What is left out is ±0 if x and w are
// finite, and changes no bit; else all is computed again with it.

// patchKernels are the kernels for patches. sums adds to patches, one for each plane, those
// of x, and add adds them to x. The generated kernels say how.
type patchKernels[T Float] struct {
	nonzeros  func(values *T, places, counts *int32, x *T, planes, rows, columns, step, row int)
	sums, add func(sums, x *T, row uintptr, values *T, places, counts *int32, planes int)
}

// patch is the number of pixels of a patch.
const patch = 9

// canSkip reports whether a gradient can be computed with patches, and whether that seems
// to pay.
func (c *convolution[T]) canSkip() bool {
	k := imageKernelsOf[T]()
	return k != nil && k.patches.sums != nil && c.y != nil && c.Groups == 1 && c.In%k.lanes == 0 &&
		c.Rows.isOfThree() && c.Columns.isOfThree() && c.frame().size*k.lanes*int(unsafe.Sizeof(T(0))) <= blocks.size/2 &&
		c.mostlyZero() && (c.dx == nil || Finite(c.w))
}

// mostlyZero reports whether so many elements of the gradient before ReLU and pool seem to
// be 0 that it pays to leave them out. It looks at 64 places of y.
func (c *convolution[T]) mostlyZero() bool {
	const looks, percent = 64, 70 // of elements that may be other than 0
	above := 0
	for i := range looks {
		if !(c.y[i*len(c.y)/looks] <= 0) {
			above++
		}
	}
	return 100*above*len(c.y) <= percent*looks*c.n*c.outputs()
}

// isOfThree reports whether the kernel has three elements side by side and moves by one.
func (a Axis) isOfThree() bool { return a.Kernel == 3 && a.Stride == 1 && a.Dilation == 1 }

// A frame is an image with its padding, so many pixels with so many from a row to the next.
// What pads a row on the right also pads the next on the left. Each block of channels has a
// frame.
type frame struct{ size, pitch int }

func (g *Convolution) frame() frame {
	pitch := max(g.Columns.Size+g.Columns.Padding, g.Columns.Out())
	return frame{(g.Rows.Size+2*g.Rows.Padding)*pitch + g.Columns.Padding + g.Columns.reach(), pitch}
}

// framed calls f for each row of each block of channels: where it begins in frames and in
// an image.
func (c *convolution[T]) framed(f func(frame, image int)) {
	frame, channels, rows := c.frame(), imageKernelsOf[T]().lanes, c.Rows.Size
	first := c.Rows.Padding*frame.pitch + c.Columns.Padding
	for block := range c.In / channels {
		for i := range rows {
			f((block*frame.size+first+i*frame.pitch)*channels, (block*channels*rows+i)*c.Columns.Size)
		}
	}
}

// weightsOfPatches sets the weights of dx: a patch for each plane of y and each block.
func (c *convolution[T]) weightsOfPatches() {
	channels := imageKernelsOf[T]().lanes
	for p := range c.Out {
		for block := range c.In / channels {
			transpose(c.flipped[(block*c.Out+p)*patch*channels:], channels, c.w[(p*c.In+block*channels)*patch:], patch, channels, patch)
		}
	}
}

// addSumsOfPatches adds the sum of all parts to dw.
func (c *convolution[T]) addSumsOfPatches(total, memory []T) {
	channels := imageKernelsOf[T]().lanes
	for p := range c.Out {
		for block := range c.In / channels {
			transpose(memory[block*channels*patch:], patch, total[(block*c.Out+p)*patch*channels:], channels, patch, channels)
		}
		dw := c.dw[p*c.terms():][:c.terms()]
		add(dw, dw, memory[:len(dw)])
	}
}

// patchesPart is backwardPart with patches.
func (c *convolution[T]) patchesPart(part, first, end int) {
	k, channels, frame := &imageKernelsOf[T]().patches, imageKernelsOf[T]().lanes, c.frame()
	pixels, plane, width := c.pixels(), c.Rows.Size*c.Columns.Size, c.Columns.Size
	step := channels * int(unsafe.Sizeof(T(0)))
	row := frame.pitch * step
	sizes := [5]int{c.In * frame.size, 0, eight * pixels, eight*pixels + vectors, width * channels}
	if c.dx != nil {
		sizes[1] = sizes[0]
	}
	memory, buffers := cleared[T](part, sizes)
	defer keptOf[T]().buffers.giveBack(part, memory)
	x, dx, planes, values, zeros := buffers[0], buffers[1], buffers[2], buffers[3], buffers[4]
	memory.lists.room(len(values), eight)
	places, counts := &memory.lists.index[0], &memory.lists.counts[0]
	sums := c.sums[part*c.sumSize():][:c.sumSize()]
	clear(sums)
	dbias := sums[len(sums)-c.Out:]

	for n := first; n < end; n++ {
		image := c.ofImage(c.x, n)
		if !Finite(image) {
			c.notFinite.Store(true)
			return
		}
		c.framed(func(to, at int) { transpose(x[to:], channels, image[at:], plane, channels, width) })
		clear(dx)
		for p := 0; p < c.Out; p += eight {
			have := min(eight, c.Out-p)
			dy := c.gradient(planes, n, p, have)
			for i := range have {
				dbias[p+i] += Sum(dy[i*pixels:][:pixels])
			}
			k.nonzeros(&values[0], places, counts, &dy[0], have, c.Rows.Out(), c.Columns.Out(), step, row)
			for block := range c.In / channels {
				at, of := (block*c.Out+p)*patch*channels, block*frame.size*channels
				k.sums(&sums[at], &x[of], uintptr(row), &values[0], places, counts, have)
				if c.dx != nil {
					k.add(&c.flipped[at], &dx[of], uintptr(row), &values[0], places, counts, have)
				}
			}
		}
		if c.dx == nil {
			continue
		}
		image = c.ofImage(c.dx, n)
		c.framed(func(from, at int) {
			pixels := dx[from:][:len(zeros)]
			add(pixels, pixels, zeros) // -0 becomes +0
			transpose(image[at:], plane, pixels, channels, width, channels)
		})
	}
}
