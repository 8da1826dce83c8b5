package kernel

import (
	"bytes"
	"fmt"
	"unsafe"
)

// To predict, convolutions one after the other are computed image by image, which stays in
// the caches, and pixel by pixel: its channels are neighbors in memory. A vector is of the
// channels of a pixel of the result, and each element of x meets a vector of weights.
// Pixels for which the same part of the kernel lies in the image are computed together, and
// the padding is left out. Every sum takes its other terms in the order of [Convolve]; what
// is left out is ±0 if the weights are finite, and changes no bit.

// A Stage is a convolution of a chain.
type Stage[T Float] struct {
	Convolution
	W, Bias []T
	ReLU    bool
	Pool    Pool // of the planes after that, if Pooled is set: the largest of each window
	Pooled  bool
}

// A Chain is convolutions of which each has the result of the one before.
type Chain[T Float] struct {
	stages    []stage[T]
	length    int
	y, x      []T
	n         int
	kernels   *channelKernels[T]
	images    [2][]T // the results of stages, if a part is of one stage
	part      func(*Chain[T], int)
	at, parts int // that stage, and how many parts it has
}

// stage is a Stage with what follows from it.
type stage[T Float] struct {
	Stage[T]
	rows, columns []span
	of            int // how many channels w is of, 0 if it holds none
	w, from       []T // for each term the weights of all channels, and the W of which they are
	windows       [][2]int
}

// A span is results of an axis for which the same elements of the kernel lie in the image.
type span struct{ lo, hi, first, end int }

// channelKernels compute vectors of channels. The tiles are by the number of vectors. The
// generated kernels say how.
type channelKernels[T Float] struct {
	tiles [3]channelTile[T]
	rows  [3]channelTile[T] // of three terms side by side, nil if there are none
	max   func(y, x *T, xStep uintptr, taps *[2]int, count, n, vectors int)
}

type channelTile[T Float] func(x *T, xs *int, xStep uintptr, w *T, wStep, wColumn uintptr, taps *[2]int, count, k int, y *T, ys *int, yStep uintptr, from *T, triples int, floor T)

// spans appends the spans of a to s. It reports whether every result has some.
func (a Axis) spans(s []span) ([]span, bool) {
	for i := range a.Out() {
		at := i*a.Stride - a.Padding
		first := ceil(max(-at, 0), a.Dilation)
		end := min(ceil(max(a.Size-at, 0), a.Dilation), a.Kernel)
		if first >= end {
			return s, false
		}
		if last := len(s) - 1; last >= 0 && s[last].first == first && s[last].end == end {
			s[last].hi++
		} else {
			s = append(s, span{i, i + 1, first, end})
		}
	}
	return s, true
}

// NewChain returns a chain without stages. It is used again after [Chain.Run].
func NewChain[T Float]() *Chain[T] {
	c := keptOf[T]().chains.borrow(0)
	c.length = 0
	return c
}

// Add appends a stage.
func (c *Chain[T]) Add(s Stage[T]) {
	if c.length == len(c.stages) {
		c.stages = append(c.stages, stage[T]{})
	}
	c.stages[c.length].Stage = s
	c.length++
}

// Run computes y, the result of the last stage for the images x, to the bits of
// [Convolve], [ReLU] and [MaxPool] one by one. It reports whether it did: not if there are
// no kernels for these stages, or a weight is not finite.
func (c *Chain[T]) Run(threads int, y, x []T) bool {
	defer c.giveBack()
	c.y, c.x, c.kernels = y, x, nil
	if k := imageKernelsOf[T](); k != nil {
		c.kernels = k.channels
	}
	if c.kernels == nil || len(x) == 0 || !c.prepare() {
		return false
	}
	for i := range c.length {
		if !c.stages[i].arrange() {
			return false
		}
	}
	if threads <= c.n {
		c.part, c.parts = (*Chain[T]).imagesPart, min(c.n, 8*threads)
		work := 0
		for i := range c.length {
			work += c.n * c.work(i)
		}
		c.share(threads, work)
		return true
	}
	c.alone(threads)
	return true
}

func (c *Chain[T]) giveBack() {
	for i := range c.stages {
		s := &c.stages[i]
		s.W, s.Bias = nil, nil
	}
	c.y, c.x = nil, nil
	keptOf[T]().chains.giveBack(0, c)
}

// prepare prepares the stages. It reports whether they can be computed.
func (c *Chain[T]) prepare() bool {
	lanes := imageKernelsOf[T]().lanes
	for i := range c.length {
		s := &c.stages[i]
		var rows, columns bool
		s.rows, rows = s.Rows.spans(s.rows[:0])
		s.columns, columns = s.Columns.spans(s.columns[:0])
		if !rows || !columns || s.Groups != 1 || s.Out%lanes > 0 || s.Pooled && s.Pool.Rows.Padding+s.Pool.Columns.Padding > 0 {
			return false
		}
		s.windows = s.windows[:0]
		if s.Pooled {
			for a := range s.Pool.Rows.Kernel {
				for b := range s.Pool.Columns.Kernel {
					s.windows = append(s.windows, [2]int{(a*s.Pool.Columns.Size + b) * s.Out * size[T]()})
				}
			}
		}
	}
	first, last := &c.stages[0], &c.stages[c.length-1]
	c.n = len(c.x) / first.inputs()
	if c.n*first.inputs() != len(c.x) || c.n*last.result() != len(c.y) {
		panic(fmt.Sprintf("kernel.Chain: x and y of %d and %d elements, from %+v to %+v", len(c.x), len(c.y), first.Convolution, last.Convolution))
	}
	for i := range c.length {
		s := &c.stages[i]
		if i > 0 && c.stages[i-1].result() != s.inputs() || len(s.W) != s.Out*s.terms() || len(s.Bias) != s.Out || s.Pooled && s.Pool.inputs() != s.pixels() {
			panic(fmt.Sprintf("kernel.Chain: stage %d, %+v and %+v with w and bias of %d and %d elements", i, s.Convolution, s.Pool, len(s.W), len(s.Bias)))
		}
	}
	return true
}

// size is the number of bytes of an element.
func size[T Float]() int { return int(unsafe.Sizeof(T(0))) }

// height is how many rows the result has.
func (s *stage[T]) height() int {
	if s.Pooled {
		return s.Pool.Rows.Out()
	}
	return s.Rows.Out()
}

// row is how many elements a row of the result has, with all channels.
func (s *stage[T]) row() int {
	if s.Pooled {
		return s.Pool.Columns.Out() * s.Out
	}
	return s.Columns.Out() * s.Out
}

func (s *stage[T]) result() int { return s.height() * s.row() }

// before returns the rows of the convolution that the rows lo to hi of the result need.
func (s *stage[T]) before(lo, hi int) (int, int) {
	if a := s.Pool.Rows; s.Pooled {
		return lo * a.Stride, (hi-1)*a.Stride + a.Kernel
	}
	return lo, hi
}

// arrange transposes the weights, unless they are those of the last time: to compare them
// takes less time. It reports whether they are finite.
func (s *stage[T]) arrange() bool {
	if len(s.w) == len(s.W) && s.of == s.Out && bytes.Equal(bytesOf(s.from), bytesOf(s.W)) {
		return true
	}
	s.of = 0
	if !Finite(s.W) {
		return false
	}
	s.w, s.from, s.of = grown(s.w, len(s.W)), grown(s.from, len(s.W)), s.Out
	copy(s.from, s.W)
	transpose(s.w, s.Out, s.W, s.terms(), s.Out, s.terms())
	return true
}

// bytesOf returns the memory of x.
func bytesOf[T Float](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*size[T]())
}

// grown returns a slice of n elements, whatever they hold: s if it is long enough.
func grown[T Float](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
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

func (c *Chain[T]) Do(part int) { c.part(c, part) }

// imagesPart computes all stages for some images.
func (c *Chain[T]) imagesPart(part int) {
	first, end := part*c.n/c.parts, (part+1)*c.n/c.parts
	most, wide := c.sizes()
	memory := borrow[T](first, 2*most+wide)
	defer keptOf[T]().buffers.giveBack(first, memory)
	var images [2][]T
	images[0], images[1] = memory.data[:most], memory.data[most:2*most]
	for n := first; n < end; n++ {
		c.begin(images[0], n)
		for i := range c.length {
			s := &c.stages[i]
			s.compute(c.kernels, images[(i+1)%2], images[i%2], 0, s.height(), memory.data[2*most:])
		}
		c.end(images[c.length%2], n)
	}
}

// sizes returns how many elements an image or a result has at most, and what is pooled.
func (c *Chain[T]) sizes() (most, wide int) {
	most = c.stages[0].inputs()
	for i := range c.length {
		s := &c.stages[i]
		most = max(most, s.result())
		if s.Pooled {
			wide = max(wide, s.outputs())
		}
	}
	return whole(most), whole(wide)
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

// alone computes each image, stage after stage, each on so many threads.
func (c *Chain[T]) alone(threads int) {
	most, _ := c.sizes()
	for i := range c.images {
		c.images[i] = grown(c.images[i], most)
	}
	c.part = (*Chain[T]).rowsPart
	for n := range c.n {
		c.begin(c.images[0], n)
		for c.at = range c.length {
			c.parts = min(threads, c.stages[c.at].height())
			c.share(threads, c.work(c.at))
		}
		c.end(c.images[c.length%2], n)
	}
}

// rowsPart computes some rows of a stage.
func (c *Chain[T]) rowsPart(part int) {
	s := &c.stages[c.at]
	lo, hi := part*s.height()/c.parts, (part+1)*s.height()/c.parts
	var wide []T
	if s.Pooled {
		from, to := s.before(lo, hi)
		memory := borrow[T](part, (to-from)*s.Columns.Out()*s.Out)
		defer keptOf[T]().buffers.giveBack(part, memory)
		wide = memory.data
	}
	s.compute(c.kernels, c.images[(c.at+1)%2], c.images[c.at%2], lo, hi, wide)
}

// compute computes the rows lo to hi of the result, with memory for the rows before a pool.
func (s *stage[T]) compute(k *channelKernels[T], y, x []T, lo, hi int, wide []T) {
	if !s.Pooled {
		s.convolve(k, y[lo*s.row():], x, lo, hi)
		return
	}
	from, to := s.before(lo, hi)
	s.convolve(k, wide, x, from, to)
	line := s.Columns.Out() * s.Out
	for i := lo; i < hi; i++ {
		k.max(&y[i*s.row()], &wide[(i*s.Pool.Rows.Stride-from)*line], uintptr(s.Pool.Columns.Stride*s.Out*size[T]()),
			&s.windows[0], len(s.windows), s.Pool.Columns.Out(), s.Out/imageKernelsOf[T]().lanes)
	}
}

// convolve computes the rows lo to hi of the convolution; y begins with the first.
func (s *stage[T]) convolve(k *channelKernels[T], y, x []T, lo, hi int) {
	t := keptOf[T]().triples.borrow(lo)
	defer keptOf[T]().triples.giveBack(lo, t)
	t.stage, t.kernels, t.y, t.x, t.lo = s, k, y, x, lo
	t.floor = T(negInf)
	if s.ReLU {
		t.floor = 0
	}
	for _, rows := range s.rows {
		if rows.lo, rows.hi = max(rows.lo, lo), min(rows.hi, hi); rows.lo >= rows.hi {
			continue
		}
		for _, columns := range s.columns {
			t.rectangle(rows, columns)
		}
	}
	t.y, t.x = nil, nil
}

// triples are pixels of a rectangle, three by three, in which all meet the same terms.
type triples[T Float] struct {
	stage   *stage[T]
	kernels *channelKernels[T]
	y, x    []T
	lo      int // the first row of y
	floor   T

	taps         [][2]int // where the terms of a channel lie in x and w
	xs, ys       []int
	xStep, yStep int
	tiles        *[3]channelTile[T]
	wColumn      uintptr
}

// rectangle computes a rectangle: along its rows, or its columns if they are too short.
func (t *triples[T]) rectangle(rows, columns span) {
	s, size := t.stage, size[T]()
	xRow, yRow, wColumn := s.Columns.Size*s.In*size, s.Columns.Out()*s.Out*size, s.Out*size
	across, along := rows.hi-rows.lo, columns.hi-columns.lo
	x, y := s.Rows.Stride*xRow, yRow // from a row of triples to the next
	t.xStep, t.yStep = s.Columns.Stride*s.In*size, s.Out*size
	t.tiles, t.wColumn = &t.kernels.tiles, uintptr(wColumn)
	width := 1
	if along >= 3 && columns.end-columns.first == 3 && s.Columns.Stride == s.Columns.Dilation && t.kernels.rows[1] != nil {
		t.tiles, width = &t.kernels.rows, 3
	} else if along < 3 {
		across, along = along, across
		x, t.xStep, y, t.yStep = t.xStep, x, t.yStep, y
	}
	t.taps = t.taps[:0]
	for a := rows.first; a < rows.end; a++ {
		for b := columns.first; b < columns.end; b += width {
			t.taps = append(t.taps, [2]int{a*s.Rows.Dilation*xRow + b*s.Columns.Dilation*s.In*size, (a*s.Columns.Kernel + b) * wColumn})
		}
	}
	t.xs, t.ys = t.xs[:0], t.ys[:0]
	atX := (rows.lo*s.Rows.Stride-s.Rows.Padding)*xRow + (columns.lo*s.Columns.Stride-s.Columns.Padding)*s.In*size
	atY := (rows.lo-t.lo)*yRow + columns.lo*s.Out*size
	step := 3
	if along < 3 { // three times the same pixel
		step = 1
	}
	for i := range across {
		for j := 0; j < along; j += step {
			j := min(j, along-step) // the last triple begins before the end of the one before
			t.xs, t.ys = append(t.xs, atX+i*x+j*t.xStep), append(t.ys, atY+i*y+j*t.yStep)
		}
	}
	if step == 1 {
		t.xStep, t.yStep = 0, 0
	}
	t.compute()
}

// compute computes all channels of the triples.
func (t *triples[T]) compute() {
	s, lanes := t.stage, imageKernelsOf[T]().lanes
	most := max(callSize/(3*2*lanes*s.terms()), 1) * 4
	for i := 0; i < len(t.xs); i += most {
		n := min(most, len(t.xs)-i)
		for o, vectors := 0, 0; o < s.Out; o += vectors * lanes {
			vectors = min(2, (s.Out-o)/lanes)
			t.tiles[vectors](&t.x[0], &t.xs[i], uintptr(t.xStep), &s.w[o], uintptr(s.Rows.Kernel*s.Columns.Kernel*s.Out*size[T]()), t.wColumn, &t.taps[0], len(t.taps), s.In,
				&t.y[o], &t.ys[i], uintptr(t.yStep), &s.Bias[o], n, t.floor)
		}
	}
}
