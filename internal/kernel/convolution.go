package kernel

import (
	"fmt"
	"sync/atomic"
)

// An Axis says how a kernel moves along one axis of an image: the element of the
// result at place i meets the elements i·Stride + t·Dilation - Padding of the image, for
// t from 0 to Kernel-1. Those outside of it are 0.
type Axis struct {
	Size, Kernel, Stride, Padding, Dilation int
}

// reach is how far the last element of the kernel lies from the first.
func (a Axis) reach() int { return (a.Kernel - 1) * a.Dilation }

// Out is the length of the result, 0 if the kernel does not fit.
func (a Axis) Out() int {
	if room := a.Size + 2*a.Padding - a.reach() - 1; room >= 0 {
		return room/a.Stride + 1
	}
	return 0
}

// A Convolution says what a convolution computes: of In planes of an image, Out planes,
// in Groups that have nothing to do with each other.
type Convolution struct {
	Groups, In, Out int
	Rows, Columns   Axis
}

func (g Convolution) inputs() int  { return g.In * g.Rows.Size * g.Columns.Size }
func (g Convolution) pixels() int  { return g.Rows.Out() * g.Columns.Out() }
func (g Convolution) outputs() int { return g.Out * g.pixels() }

// terms is how many products an element of the result is the sum of.
func (g Convolution) terms() int { return g.In / g.Groups * g.Rows.Kernel * g.Columns.Kernel }

// Convolve computes y = x∗w + bias for images x (N, In, rows, columns), weights w (Out,
// In/Groups, kernel rows, kernel columns) and a bias for each plane of y.
//
// Every element of y starts from its bias and takes its terms in the order of w, each
// by one fused multiply-add; an element that ends as -0 becomes +0. The padding takes
// part as zeros. The threads share out the elements of y.
func Convolve[T Float](threads int, g Convolution, y, x, w, bias []T) {
	convolve(threads, g, y, x, w, bias, T(negInf), Pool{}, nil)
}

// ConvolveReLU computes max(x∗w + bias, 0): [Convolve] and [ReLU] in one pass, to the
// same bits.
func ConvolveReLU[T Float](threads int, g Convolution, y, x, w, bias []T) {
	convolve(threads, g, y, x, w, bias, 0, Pool{}, nil)
}

// ConvolveReLUMaxPool is [ConvolveReLU] and a [MaxPool] of its planes in one pass, to the
// same bits.
func ConvolveReLUMaxPool[T Float](threads int, g Convolution, pool Pool, y, x, w, bias []T, choices []int32) {
	convolve(threads, g, y, x, w, bias, 0, pool, choices)
}

func convolve[T Float](threads int, g Convolution, y, x, w, bias []T, floor T, pool Pool, choices []int32) {
	c := keptOf[T]().convolutions.borrow(0)
	c.Convolution, c.y, c.x, c.w, c.bias, c.floor, c.pool, c.choices = g, y, x, w, bias, floor, pool, choices
	if c.mustFit("Convolve"); c.n > 0 {
		c.run(threads)
	}
	c.giveBack()
}

// ConvolveBackward adds the gradients of [Convolve] to dw and dbias, and sets dx unless
// it is nil.
//
// An element of dx takes its terms by planes of y, and for each from the last element of
// the kernel to the first; a place between elements of y takes part as 0. An element of dw
// is a sum over up to 16 parts of the batch, in their order, of sums over the images of a
// part and the pixels of an image, in theirs. So is one of dbias, but for an image it is a
// [Sum].
func ConvolveBackward[T Float](threads int, g Convolution, dx, dw, dbias, dy, x, w []T) {
	convolveBackward(threads, g, Pool{}, dx, dw, dbias, dy, x, w, nil, nil)
}

// ConvolveReLUBackward is [ReLUBackward] and [ConvolveBackward]: dy is the gradient of y.
func ConvolveReLUBackward[T Float](threads int, g Convolution, dx, dw, dbias, dy, x, w, y []T) {
	convolveBackward(threads, g, Pool{}, dx, dw, dbias, dy, x, w, y, nil)
}

// ConvolveReLUMaxPoolBackward is [MaxPoolBackward] and [ConvolveReLUBackward]: y are the
// maxima, and dy their gradient.
func ConvolveReLUMaxPoolBackward[T Float](threads int, g Convolution, pool Pool, dx, dw, dbias, dy, x, w, y []T, choices []int32) {
	convolveBackward(threads, g, pool, dx, dw, dbias, dy, x, w, y, choices)
}

func convolveBackward[T Float](threads int, g Convolution, pool Pool, dx, dw, dbias, dy, x, w, y []T, choices []int32) {
	c := keptOf[T]().convolutions.borrow(0)
	c.Convolution, c.y, c.x, c.w, c.bias, c.dx, c.dw, c.dy, c.pool, c.choices = g, y, x, w, dbias, dx, dw, dy, pool, choices
	if c.mustFit("ConvolveBackward"); c.n > 0 {
		c.forward.of(g, 0, g.Rows.Out())
		c.skip = c.canSkip()
		c.backward()
		if c.run(threads); c.notFinite.Swap(false) {
			c.skip = false
			c.backward()
			c.run(threads)
		}
		c.addSums()
	}
	c.giveBack()
}

// convolution is one convolution, computed in parts. It and its memory are used again.
type convolution[T Float] struct {
	Convolution
	y, x, w, bias []T
	floor         T // the least that an element of y may be
	dx, dw, dy    []T
	pool          Pool    // of the planes of y
	choices       []int32 // of it, nil if there is none

	n, parts int // images, and parts of the batch
	slices   int // parts of each image of y: of its planes,
	rows     int // or of so many of its rows, or of the pool's, if not 0

	forward, back correlation   // of y, and of dx
	ofParts       []correlation // of y for each part, if the slices are of rows
	flipped       []T           // the weights of dx
	sums          []T           // dw and dbias, transposed, of each part

	skip      bool        // most terms of the gradients: they are 0
	notFinite atomic.Bool // found while they were left out
}

func (c *convolution[T]) mustFit(op string) {
	y := c.y
	if c.dy != nil {
		y = c.dy
	}
	c.n = len(c.x) / max(1, c.inputs())
	outputs := c.outputs()
	if c.choices != nil {
		outputs = c.Out * c.pool.outputs()
	}
	if outputs < 1 || c.n*c.inputs() != len(c.x) || c.n*outputs != len(y) || len(c.w) != c.Out*c.terms() || len(c.bias) != c.Out ||
		c.choices != nil && (len(c.choices) != len(y) || c.pool.inputs() != c.pixels()) ||
		c.y != nil && len(c.y) != len(y) || c.dx != nil && len(c.dx) != len(c.x) || c.dy != nil && len(c.dw) != len(c.w) {
		panic(fmt.Sprintf("kernel.%s: %+v and %+v with y, x, w, bias, dx, dw of %d, %d, %d, %d, %d, %d elements",
			op, c.Convolution, c.pool, len(y), len(c.x), len(c.w), len(c.bias), len(c.dx), len(c.dw)))
	}
}

// ofImage returns the part of a that belongs to image n.
func (c *convolution[T]) ofImage(a []T, n int) []T {
	size := len(a) / c.n
	return a[n*size:][:size]
}

// run computes all parts on so many threads.
func (c *convolution[T]) run(threads int) {
	work := c.n * c.outputs() * c.terms()
	c.slices, c.rows = 1, 0
	if c.dy != nil {
		c.parts = sumParts(c.n)
	} else {
		if c.parts = min(c.n, 8*threads); threads > c.n {
			c.slice(threads)
		}
		if c.rows == 0 {
			c.forward.of(c.Convolution, 0, c.Rows.Out())
		}
	}
	if threads > 1 && work >= thresholds.tiles && run(threads, c.parts*c.slices, work >= thresholds.wake, c) {
		return
	}
	for part := range c.parts * c.slices {
		c.Do(part)
	}
}

// slice cuts images for so many threads: into rows, of which each thread then has the same
// in the next layer, or into planes if there would be few elements in a slice.
func (c *convolution[T]) slice(threads int) {
	rows, can := c.Rows.Out(), imageKernelsOf[T]() != nil
	if c.choices != nil {
		rows, can = c.pool.Rows.Out(), can && squares[T](c.pool) != nil
	}
	if threads = min(threads, 16); can && rows >= threads && c.pixels()/threads >= 2*vectors {
		c.slices, c.rows = threads, rows
		for len(c.ofParts) < c.parts*c.slices {
			c.ofParts = append(c.ofParts, correlation{})
		}
		return
	}
	c.slices = min(threads, ceil(c.Out, 8))
}

// sumParts is how many parts of a batch of n images dw is the sum of.
func sumParts(n int) int { return min(n, 16) }

func (c *convolution[T]) giveBack() {
	c.y, c.x, c.w, c.bias, c.dx, c.dw, c.dy, c.choices = nil, nil, nil, nil, nil, nil, nil, nil // keep no caller's memory alive
	keptOf[T]().convolutions.giveBack(0, c)
}

func (c *convolution[T]) Do(part int) {
	all, slice := part, part%c.slices
	part /= c.slices
	first, end := part*c.n/c.parts, (part+1)*c.n/c.parts
	if c.dy != nil {
		c.backwardPart(part, first, end)
		return
	}
	if c.rows == 0 {
		c.forwardPart(&c.forward, first, end, slice*c.Out/c.slices, (slice+1)*c.Out/c.slices, 0, c.pool)
		return
	}
	lo, hi := slice*c.rows/c.slices, (slice+1)*c.rows/c.slices
	pool := c.pool
	if c.choices != nil {
		lo, hi = lo*pool.Rows.Stride, hi*pool.Rows.Stride
		pool.Rows.Size = hi - lo
	}
	f := &c.ofParts[all] // no other part's, which runs at the same time
	f.of(c.Convolution, lo, hi)
	c.forwardPart(f, first, end, 0, c.Out, lo, pool)
}

// forwardPart computes the planes lo to hi of y for some images: the rows of f, from row on.
func (c *convolution[T]) forwardPart(f *correlation, first, end, lo, hi, row int, pool Pool) {
	size, pooled := f.size()+whole(together*f.wide), 0
	if c.choices != nil {
		pooled = pool.memory()
	}
	slot := first + lo + row // of its own for each slice
	memory := borrow[T](slot, size+pooled)
	defer keptOf[T]().buffers.giveBack(slot, memory)
	placed, wide, rest := memory.data[:f.size()], memory.data[f.size():size], memory.data[size:]
	clear(placed)
	fill(rest, T(negInf))
	for n := first; n < end; n++ {
		place(f, placed, c.ofImage(c.x, n), 0, c.In)
		y := c.ofImage(c.y, n)
		if c.choices == nil {
			correlateTo(f, y[lo*c.pixels()+row*c.Columns.Out():], c.pixels(), wide, placed, c.w, c.bias, lo, hi, c.floor)
			continue
		}
		next, choices := c.pool.outputs(), c.choices[n*len(y):][:len(y)]
		at := row / c.pool.Rows.Stride * c.pool.Columns.Out() // of the first result in a plane
		for p := lo; p < hi; p += together {
			end := min(p+together, hi)
			correlate(f, wide, f.wide, placed, c.w, c.bias, p, end, c.floor)
			from, to := p*next+at, (end-1)*next+at+pool.outputs()
			maxPlanes(pool, y[from:to], choices[from:to], next, row*c.Columns.Out(), wide, f.wide, f.pitch, rest)
		}
	}
}
