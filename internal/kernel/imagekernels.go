package kernel

import "unsafe"

// imageKernels are the kernels of convolutions and pools with the instructions of one kind
// of processor. The strips and products are by the number of vectors they are wide.
type imageKernels[T Float] struct {
	lanes       int
	strips      [5]tapStrip[T]    // of the widths there are
	products    [4]productTile[T] // of the widths there are
	productRows int

	patches  patchKernels[T]
	channels *channelKernels[T] // of chains, nil if there are none

	copyPlanes func(dst *float32, dstPlane, dstRow uintptr, src *float32, srcPlane, srcRow uintptr, planes, rows, columns int)

	// Of pools with windows of 2 by 2, nil if there are none.
	maxOfFour    func(y *float32, choices *int32, gap uintptr, x *float32, plane, row uintptr, planes, rows, n, width, first int)
	spreadToFour func(dx, dy, y *float32, choices *int32, plane, row uintptr, planes, rows, n, width int)
}

// imageKernelsOf returns the kernels that there are here, nil if none.
func imageKernelsOf[T Float]() *imageKernels[T] {
	if t := tilingOf[T](); t != nil {
		return t.images
	}
	return nil
}

// A tapStrip computes a strip of some planes, and a productTile adds to a tile of dwᵀ.
// The generated kernels say how.
type (
	tapStrip[T Float]    func(a *T, aRow uintptr, b *T, taps *int, c *T, cRow uintptr, from *T, fromRow uintptr, rows, k int, floor T)
	productTile[T Float] func(x *T, taps *int, y *T, yStep uintptr, c *T, cRow uintptr, lines int, line, between, pitch uintptr)
)

// next returns how many vectors wide the next strip is, if so many are left: three, unless
// one would be left alone.
func (k *imageKernels[T]) next(left int) int {
	if left == 4 && k.strips[4] != nil {
		return 4
	}
	return nextOfThree(left)
}

// nextProduct is the same of the tiles of dwᵀ.
func (k *imageKernels[T]) nextProduct(left int) int {
	if k.products[3] == nil {
		return 2
	}
	return nextOfThree(left)
}

func nextOfThree(left int) int {
	if left == 4 {
		return 2
	}
	return min(left, 3)
}

// correlate computes the planes lo to hi of a group, which lie next elements apart; y begins
// with lo. The last strip begins before the end of the one before, if the planes are not of
// whole vectors.
func (k *imageKernels[T]) correlate(c *correlation, y []T, next int, placed, w, bias []T, lo, hi int, floor T) {
	size := unsafe.Sizeof(T(0))
	from, fromRow := zerosOf[T](), uintptr(0)
	if bias != nil {
		from, fromRow = &bias[lo], size
	}
	terms, vectors := len(c.taps), 0
	for j := 0; j < c.wide; j += vectors * k.lanes {
		vectors = min(k.next(ceil(c.wide-j, k.lanes)), c.wide/k.lanes)
		j = min(j, c.wide-vectors*k.lanes)
		most := max(callSize/(terms*vectors*k.lanes*8), 1) * 8
		for p := lo; p < hi; p += most {
			k.strips[vectors](&w[p*terms], uintptr(terms)*size, &placed[j], &c.taps[0], &y[(p-lo)*next+j], uintptr(next)*size,
				below(from, p-lo, fromRow), fromRow, min(most, hi-p), terms, floor)
		}
	}
}

// addProducts adds to dwᵀ of a group, of so many columns, the products of lines of pixels
// of x and dyᵀ.
func (k *imageKernels[T]) addProducts(c *correlation, sums, placed, dy []T, terms, columns, lines, line int) {
	size := unsafe.Sizeof(T(0))
	if line == c.pitch { // they are one
		lines, line = 1, lines*line
	}
	most := max(callSize/(line*k.productRows*3*k.lanes), 1)
	for r := 0; r < terms; r += k.productRows {
		left := columns / k.lanes
		for j, vectors := 0, 0; left > 0; j, left = j+vectors*k.lanes, left-vectors {
			vectors = k.nextProduct(left)
			for i := 0; i < lines; i += most {
				k.products[vectors](&placed[i*c.pitch], &c.taps[r], &dy[i*line*columns+j], uintptr(columns)*size,
					&sums[r*columns+j], uintptr(columns)*size, min(most, lines-i), uintptr(line)*size, uintptr(c.pitch-line)*size, uintptr(c.pitch)*size)
			}
		}
	}
}

// words is where a slice begins, seen as float32: a float64 is two of them.
func words[T Float](x []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(x))) }
