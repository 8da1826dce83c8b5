package kernel

import (
	"bytes"
	"fmt"
	"unsafe"
)

// A Stage is a convolution of a chain.
type Stage[T Float] struct {
	Convolution
	W, Bias []T
	ReLU    bool
	Pool    Pool // of the planes after that: the largest of each window; or none
}

// A Chain is convolutions of which each has the result of the one before. To predict, it is
// computed image by image, so that what lies between the stages stays in the caches, and
// pixel by pixel: the channels of a pixel are neighbors in memory ([triples]). The result is
// that of [Convolve], [ReLU] and [MaxPool] one by one, to the same bits.
//
// A Chain is used again and again: [Chain.Clear], [Chain.Add], [Chain.Ready], [Chain.Run].
type Chain[T Float] struct {
	stages  []stage[T]
	length  int
	kernels *imageKernels[T]
	n       int // images
	y, x    []T
	images  [2][]T // what the stages have and result in, in turn, if a part is of one stage
	at      int    // that stage, or -1 if a part is of all stages
	parts   int
}

// stage is a Stage with what follows from it.
type stage[T Float] struct {
	Stage[T]
	placed        geometry // of which the next three are
	rows, columns []span   // empty if a result meets only padding
	windows       [][2]int // where the terms of a window of the pool lie, in bytes
	weights       arranged[T]
}

// geometry is all of a Stage that places depend on.
type geometry struct {
	Convolution
	pool Pool
}

// Clear takes all stages out. The memory is kept, and so are the weights: see [Chain.Ready].
func (c *Chain[T]) Clear() { c.length = 0 }

// Add appends a stage.
func (c *Chain[T]) Add(s Stage[T]) {
	if c.length == len(c.stages) {
		c.stages = append(c.stages, stage[T]{})
	}
	c.stages[c.length].Stage = s
	c.length++
}

// Ready arranges the weights, and reports whether the chain can be computed, and pays: not if
// there are no kernels for these stages, if the weights or the images are too large, or if a
// weight is not finite, as it would meet the padding. Weights that are those of the last time, which is
// seen by comparing them all, are not arranged again.
func (c *Chain[T]) Ready() bool {
	c.kernels = imageKernelsOf[T]()
	if c.kernels == nil || c.kernels.channels == nil {
		return false
	}
	most := mostWeights
	for i := range c.length {
		s := &c.stages[i]
		if i > 0 && c.stages[i-1].result() != s.inputs() || len(s.W) != s.Out*s.terms() || len(s.Bias) != s.Out || s.pooled() && s.Pool.inputs() != s.pixels() {
			panic(fmt.Sprintf("kernel.Chain: stage %d, %+v and %+v with w and bias of %d and %d elements", i, s.Convolution, s.Pool, len(s.W), len(s.Bias)))
		}
		if most -= len(s.W); most < 0 || !s.fits(c.kernels.lanes) {
			return false
		}
	}
	if c.length == 0 || c.memory() > mostMemory {
		return false
	}
	for i := range c.length {
		s := &c.stages[i]
		if !s.weights.arrange(s.W, s.terms(), c.kernels.strip(s.Out)) {
			return false
		}
	}
	return true
}

// mostWeights is the most weights of a chain, and mostMemory the most elements that a part
// has of images and results: what is larger does not stay in the caches of a core, and to
// compare more weights takes much of the time of an image.
const mostWeights, mostMemory = 1 << 18, 1 << 20

// Run computes y, the result of the last stage for the images x, of a chain that is ready.
func (c *Chain[T]) Run(threads int, y, x []T) {
	first, last := &c.stages[0], &c.stages[c.length-1]
	c.n, c.y, c.x = len(x)/first.inputs(), y, x
	if c.n*first.inputs() != len(x) || c.n*last.result() != len(y) {
		panic(fmt.Sprintf("kernel.Chain: x and y of %d and %d elements, from %+v to %+v", len(x), len(y), first.Convolution, last.Convolution))
	}
	if threads == 1 || threads <= c.n {
		c.at, c.parts = -1, min(c.n, 8*threads)
		work := 0
		for i := range c.length {
			work += c.n * c.work(i)
		}
		c.share(threads, work)
	} else {
		c.rowsOnThreads(threads)
	}
	c.y, c.x = nil, nil
}

// Bytes returns the number of bytes of the weights and images that the chain keeps.
func (c *Chain[T]) Bytes() int64 {
	n := cap(c.images[0]) + cap(c.images[1])
	for i := range c.stages {
		w := &c.stages[i].weights
		n += cap(w.data) + cap(w.from)
	}
	return int64(n * size[T]())
}

// work is the number of products of stage i for an image.
func (c *Chain[T]) work(i int) int { return c.stages[i].outputs() * c.stages[i].terms() }

// share computes the parts, of so much work, on so many threads.
func (c *Chain[T]) share(threads, work int) {
	if c.parts > 1 && threads > 1 && work >= thresholds.tiles && run(threads, c.parts, work >= thresholds.wake, c) {
		return
	}
	for part := range c.parts {
		c.Do(part)
	}
}

func (c *Chain[T]) Do(part int) {
	if c.at < 0 {
		c.imagesPart(part)
	} else {
		c.rowsPart(part)
	}
}

// imagesPart computes all stages for some images.
func (c *Chain[T]) imagesPart(part int) {
	first, end := part*c.n/c.parts, (part+1)*c.n/c.parts
	most, memory := c.most(), borrow[T](first, c.memory())
	defer keptOf[T]().buffers.giveBack(first, memory)
	images := [2][]T{memory.data[:most], memory.data[most : 2*most]}
	for n := first; n < end; n++ {
		c.begin(images[0], n)
		for i := range c.length {
			s := &c.stages[i]
			s.compute(c.kernels, images[(i+1)%2], images[i%2], 0, s.height(), memory.data[2*most:])
		}
		c.end(images[c.length%2], n)
	}
}

// rowsOnThreads computes image after image, and for each stage after stage, of which each
// thread computes some rows.
func (c *Chain[T]) rowsOnThreads(threads int) {
	for i := range c.images {
		c.images[i] = grown(c.images[i], c.most())
	}
	for n := range c.n {
		c.begin(c.images[0], n)
		for c.at = range c.length {
			c.parts = min(threads, c.stages[c.at].height())
			c.share(threads, c.work(c.at))
		}
		c.end(c.images[c.length%2], n)
	}
}

// rowsPart computes some rows of the result of a stage.
func (c *Chain[T]) rowsPart(part int) {
	s := &c.stages[c.at]
	lo, hi := part*s.height()/c.parts, (part+1)*s.height()/c.parts
	var wide []T
	if s.pooled() {
		from, to := s.before(lo, hi)
		memory := borrow[T](part, (to-from)*s.Columns.Out()*s.Out)
		defer keptOf[T]().buffers.giveBack(part, memory)
		wide = memory.data
	}
	s.compute(c.kernels, c.images[(c.at+1)%2], c.images[c.at%2], lo, hi, wide)
}

// most returns how many elements an image or a result has at most.
func (c *Chain[T]) most() int {
	most := c.stages[0].inputs()
	for i := range c.length {
		most = max(most, c.stages[i].result())
	}
	return whole(most)
}

// memory returns how many elements a part of all stages needs: of what a stage has and
// results in, and of what is pooled.
func (c *Chain[T]) memory() int {
	wide := 0
	for i := range c.length {
		if s := &c.stages[i]; s.pooled() {
			wide = max(wide, s.outputs())
		}
	}
	return 2*c.most() + wide
}

// begin sets dst to image n, pixel by pixel.
func (c *Chain[T]) begin(dst []T, n int) {
	s := &c.stages[0]
	pixels := s.inputs() / s.In
	transpose(dst, s.In, c.x[n*s.inputs():], pixels, s.In, pixels)
}

// end sets the result for image n, plane by plane.
func (c *Chain[T]) end(src []T, n int) {
	s := &c.stages[c.length-1]
	pixels := s.result() / s.Out
	transpose(c.y[n*s.result():], pixels, src, s.Out, pixels, s.Out)
}

// arranged are the weights of a convolution as they are read: strips of so many channels,
// and in a strip the weights of a term side by side.
type arranged[T Float] struct {
	data         []T
	from         []T // what they were arranged from
	terms, strip int
}

// arrange arranges w, unless it was w the last time: to compare takes less time. It reports
// whether the weights are finite.
func (a *arranged[T]) arrange(w []T, terms, strip int) bool {
	if a.terms == terms && a.strip == strip && bytes.Equal(bytesOf(a.from), bytesOf(w)) {
		return true
	}
	if a.terms = 0; !Finite(w) {
		return false
	}
	a.data, a.from = grown(a.data, len(w)), grown(a.from, len(w))
	for at := 0; at < len(w); at += terms * strip {
		transpose(a.data[at:], strip, w[at:], terms, strip, terms)
	}
	copy(a.from, w)
	a.terms, a.strip = terms, strip
	return true
}

// bytesOf returns the memory of x.
func bytesOf[T Float](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*size[T]())
}

// size is the number of bytes of an element.
func size[T Float]() int { return int(unsafe.Sizeof(T(0))) }

// grown returns a slice of n elements, whatever they hold: s if it is long enough.
func grown[T Float](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
