package kernel

// triples are pixels of a rectangle of the result, three by three. A vector is of the channels
// of a pixel, and each element of x meets a vector of weights, so that no image is copied to
// a padded place. All pixels of the rectangle meet the same terms, and no padding: its terms
// are left out. They are ±0, as the weights are finite, and change no bit. All other terms are
// taken in the order of [Convolve].
type triples[T Float] struct {
	stage   *stage[T]
	kernels *imageKernels[T]
	y, x    []T
	lo      int // the first row of y
	floor   T

	taps         [][2]int // where the terms of a channel lie in x and in the weights, in bytes
	xs, ys       []int    // where each triple begins in x and in y, in bytes
	xStep, yStep int      // from a pixel of a triple to the next
	tiles        *[3]channelTile[T]
}

// channelKernels compute vectors of channels. The tiles are by the number of vectors. The
// generated kernels say how.
type channelKernels[T Float] struct {
	tiles [3]channelTile[T]
	rows  [3]channelTile[T] // of three terms side by side, nil if there are none
	max   func(y, x *T, xStep uintptr, taps *[2]int, count, n, vectors int)
}

type channelTile[T Float] func(x *T, xs *int, xStep uintptr, w *T, wStep, wColumn uintptr, taps *[2]int, count, k int, y *T, ys *int, yStep uintptr, from *T, triples int, floor T)

// strip returns how many channels, of so many, are computed at a time: two vectors, or one.
func (k *imageKernels[T]) strip(channels int) int {
	if channels%(2*k.lanes) == 0 {
		return 2 * k.lanes
	}
	return k.lanes
}

// rectangle computes a rectangle. The triples lie along its rows, or along its columns if the
// rows are shorter than a triple.
func (t *triples[T]) rectangle(rows, columns span) {
	s, size := t.stage, size[T]()
	xRow, yRow, strip := s.Columns.Size*s.In*size, s.Columns.Out()*s.Out*size, s.weights.strip*size
	across, along := rows.hi-rows.lo, columns.hi-columns.lo
	x, y := s.Rows.Stride*xRow, yRow // from a row of triples to the next
	t.xStep, t.yStep = s.Columns.Stride*s.In*size, s.Out*size
	t.tiles = &t.kernels.channels.tiles
	terms := 1 // in a tap
	if along >= 3 && columns.end-columns.first == 3 && s.Columns.Stride == s.Columns.Dilation && t.kernels.channels.rows[1] != nil {
		t.tiles, terms = &t.kernels.channels.rows, 3
	} else if along < 3 {
		across, along = along, across
		x, t.xStep, y, t.yStep = t.xStep, x, t.yStep, y
	}
	t.taps = t.taps[:0]
	for a := rows.first; a < rows.end; a++ {
		for b := columns.first; b < columns.end; b += terms {
			t.taps = append(t.taps, [2]int{a*s.Rows.Dilation*xRow + b*s.Columns.Dilation*s.In*size, (a*s.Columns.Kernel + b) * strip})
		}
	}
	atX := (rows.lo*s.Rows.Stride-s.Rows.Padding)*xRow + (columns.lo*s.Columns.Stride-s.Columns.Padding)*s.In*size
	atY := (rows.lo-t.lo)*yRow + columns.lo*s.Out*size
	step := 3
	if along < 3 { // three times the same pixel
		step = 1
	}
	t.xs, t.ys = t.xs[:0], t.ys[:0]
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
	s, size, strip := t.stage, size[T](), t.stage.weights.strip
	tile, wStep := t.tiles[strip/t.kernels.lanes], uintptr(s.Rows.Kernel*s.Columns.Kernel*strip*size)
	most := max(callSize/(3*strip*s.terms()), 1) * 4
	for i := 0; i < len(t.xs); i += most {
		n := min(most, len(t.xs)-i)
		for o := 0; o < s.Out; o += strip {
			tile(&t.x[0], &t.xs[i], uintptr(t.xStep), &s.weights.data[o*s.terms()], wStep, uintptr(strip*size), &t.taps[0], len(t.taps), s.In,
				&t.y[o], &t.ys[i], uintptr(t.yStep), &s.Bias[o], n, t.floor)
		}
	}
}
