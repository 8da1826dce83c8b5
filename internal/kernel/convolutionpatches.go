package kernel

import "unsafe"

// Of the gradient behind a pool few elements are not 0: one of four at most, and less with
// a ReLU between. If the kernel is of three by three, each of them meets a patch of nine
// pixels of x, and one of dx. So here images lie pixel by pixel, and only those elements
// are computed with that are not 0. Every sum takes its terms in the same order as without
// that: for dw by pixels of dy, and for dx by planes of dy and then by pixels, which is
// from the last element of the kernel to the first. What is left out is ±0 if x and w are
// finite, and changes no bit; else all is computed again with it.

// patchKernels are the kernels for patches of so many channels. sums adds to patches, one
// for each plane, those of x, and add adds them to x. The generated kernels say how.
type patchKernels[T Float] struct {
	channels  int
	sums, add func(sums, x *T, row uintptr, values *T, places, counts *int32, planes int)
}

// patch is the number of pixels of a patch.
const patch = 9

// patchesPay returns the kernels if it pays to compute a gradient with them, else nil.
func (c *convolution[T]) patchesPay() *patchKernels[T] {
	k := imageKernelsOf[T]()
	if k == nil || c.choices == nil || c.pool.size() < 4 || c.Groups > 1 || !c.Rows.isOfThree() || !c.Columns.isOfThree() || c.dx != nil && !Finite(c.w) {
		return nil
	}
	for i := range k.patches {
		p := &k.patches[i]
		if size := c.frame() * p.channels * int(unsafe.Sizeof(T(0))); c.In%p.channels == 0 && size <= blocks.size/2 {
			return p
		}
	}
	return nil
}

// isOfThree reports whether the kernel has three elements side by side and moves by one.
func (a Axis) isOfThree() bool { return a.Kernel == 3 && a.Stride == 1 && a.Dilation == 1 }

// A frame is an image with its padding. What pads a row on the right also pads the next on
// the left. Blocks of channels have a frame each.
func (g Convolution) framePitch() int { return max(g.Columns.Size+g.Columns.Padding, g.Columns.Out()) }

// frame is the number of pixels of a frame.
func (g Convolution) frame() int {
	return (g.Rows.Size+2*g.Rows.Padding)*g.framePitch() + g.Columns.Padding + g.Columns.reach()
}

// framed calls f for each row of each block of channels: it begins there in a frame and in
// an image.
func (c *convolution[T]) framed(f func(frame, image int)) {
	channels := c.patches.channels
	for block := range c.In / channels {
		for i := range c.Rows.Size {
			pixel := block*c.frame() + (i+c.Rows.Padding)*c.framePitch() + c.Columns.Padding
			f(pixel*channels, (block*channels*c.Rows.Size+i)*c.Columns.Size)
		}
	}
}

// weightsOfPatches sets the weights of dx: a patch for each plane of y and each block.
func (c *convolution[T]) weightsOfPatches() {
	channels := c.patches.channels
	for p := range c.Out {
		for block := range c.In / channels {
			transpose(c.flipped[(block*c.Out+p)*patch*channels:], channels, c.w[(p*c.In+block*channels)*patch:], patch, channels, patch)
		}
	}
}

// addSumsOfPatches adds the sum of all parts to dw.
func (c *convolution[T]) addSumsOfPatches(total, memory []T) {
	channels := c.patches.channels
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
	k, lists, size := c.patches, tilingOf[T]().sparse.rowTerms, unsafe.Sizeof(T(0))
	pixels, width, pitch, plane := c.pixels(), c.Columns.Out(), c.framePitch(), c.Rows.Size*c.Columns.Size
	spread := c.Rows.Out() * pitch // a plane of dy with the pitch of a frame
	sizes := [6]int{c.In * c.frame(), 0, eight * pixels, eight * spread, eight*spread + 8, c.Columns.Size * k.channels}
	if c.dx != nil {
		sizes[1] = sizes[0]
	}
	memory, buffers := cleared[T](part, sizes)
	defer keptOf[T]().buffers.giveBack(part, memory)
	x, dx, planes, spaced, values, zeros := buffers[0], buffers[1], buffers[2], buffers[3], buffers[4], buffers[5]
	memory.lists.room(len(values), eight, 0)
	places, counts := memory.lists.index, memory.lists.counts
	sums := c.sums[part*c.sumSize():][:c.sumSize()]
	clear(sums)
	dbias := sums[len(sums)-c.Out:]

	for n := first; n < end; n++ {
		image := c.ofImage(c.x, n)
		if !Finite(image) {
			c.notFinite.Store(true)
			return
		}
		c.framed(func(frame, at int) {
			transpose(x[frame:], k.channels, image[at:], plane, k.channels, c.Columns.Size)
		})
		clear(dx)
		for p := 0; p < c.Out; p += eight {
			have := min(eight, c.Out-p)
			dy := c.gradient(planes, n, p, have)
			for i := range have {
				dbias[p+i] += Sum(dy[i*pixels:][:pixels])
			}
			if pitch != width {
				copyPlanes(spaced, spread, pitch, dy, pixels, width, have, c.Rows.Out(), width)
				dy = spaced
			}
			lists(&values[0], &places[0], &counts[0], &dy[0], uintptr(spread)*size, have, spread, k.channels*int(size))
			for block := range c.In / k.channels {
				at, frame := (block*c.Out+p)*patch*k.channels, block*c.frame()*k.channels
				k.sums(&sums[at], &x[frame], uintptr(pitch*k.channels)*size, &values[0], &places[0], &counts[0], have)
				if c.dx != nil {
					k.add(&c.flipped[at], &dx[frame], uintptr(pitch*k.channels)*size, &values[0], &places[0], &counts[0], have)
				}
			}
		}
		if c.dx == nil {
			continue
		}
		image = c.ofImage(c.dx, n)
		c.framed(func(frame, at int) {
			row := dx[frame:][:len(zeros)]
			add(row, row, zeros) // -0 becomes +0
			transpose(image[at:], plane, row, k.channels, c.Columns.Size, k.channels)
		})
	}
}
