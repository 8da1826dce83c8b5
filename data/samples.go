package data

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Samples are samples of one shape with their targets, numbered from 0: a [Set] or [Pixels], for
// example. Any number of goroutines may call Gather at once.
type Samples[T tensor.Float] interface {
	Len() int
	SampleShape() []int // a copy; (784) for a row of 784 numbers

	// TargetShape returns the shape of a sample's target values. ok is false if the target
	// is a label, the index of a class.
	TargetShape() (shape []int, ok bool)

	// Gather copies the samples with the given numbers into the rows of x, and their targets
	// into labels or values; the other one is nil. Each slice has exactly the needed length.
	Gather(x []T, labels []int, values []T, samples []int)
}

// Pixels are labeled images, kept as the bytes of their file. A pixel becomes a number from 0
// (background) to 1 (ink), exactly T(byte)/255, only when its image is copied into a batch.
// Copying mostly waits for memory, and this reads a quarter of the memory that a Set of float32
// would.
type Pixels[T tensor.Float] struct {
	X     []byte // the images, one after another
	T     []int  // (N), their classes
	Shape []int  // the shape of a sample, such as (1, 28, 28); nil: a row of pixels
}

// Len returns the number of images.
func (s Pixels[T]) Len() int { return len(s.T) }

// SampleShape returns Shape; if that is nil, the shape of an image as a row of pixels. It panics
// with a *[tensor.ShapeError] if X is not one image of that size for each label in T.
func (s Pixels[T]) SampleShape() []int {
	if n := len(s.T); n == 0 && len(s.X) > 0 || n > 0 && len(s.X)%n != 0 {
		panic(&tensor.ShapeError{Op: "Pixels.SampleShape", Want: fmt.Sprintf("%d images of one size", n), Got: []int{len(s.X)}})
	}
	if s.Shape == nil {
		return []int{s.row()}
	}
	if n, ok := tensor.Size(s.Shape...); len(s.T) > 0 && (!ok || n != s.row()) {
		panic(&tensor.ShapeError{Op: "Pixels.SampleShape", Want: fmt.Sprintf("a Shape of %d pixels", s.row()), Got: slices.Clone(s.Shape)})
	}
	return slices.Clone(s.Shape)
}

// TargetShape implements [Samples]: the targets are labels.
func (s Pixels[T]) TargetShape() (shape []int, ok bool) { return nil, false }

// row returns the number of pixels in an image.
func (s Pixels[T]) row() int { return len(s.X) / max(len(s.T), 1) }

// Gather implements [Samples].
func (s Pixels[T]) Gather(x []T, labels []int, _ []T, samples []int) {
	row := s.row()
	image := func(i int) []byte { return s.X[samples[i]*row:][:row] }
	for i, sample := range samples {
		if i+1 < len(samples) {
			kernel.Prefetch(image(i + 1)) // in shuffled order it may be anywhere in memory
		}
		Brightness(x[i*row:][:row], image(i))
		labels[i] = s.T[sample]
	}
}

// Split divides the images into two parts; part is the given share of each class. Which images
// are in it depends on the seed and on the images, not on their order.
func (s Pixels[T]) Split(share float64, seed uint64) (rest, part Pixels[T]) {
	of := split(s.Len(), seed, share, 0, func() []uint64 { return hashPixels(s.Len(), s.X) }, s.T, nil)
	return s.pick(of, trainPart), s.pick(of, validationPart)
}

// pick returns the images of a part.
func (s Pixels[T]) pick(part []uint8, wanted uint8) Pixels[T] {
	row := s.row()
	some := Pixels[T]{Shape: s.Shape}
	for i, label := range s.T {
		if part[i] == wanted {
			some.X = append(some.X, s.X[i*row:][:row]...)
			some.T = append(some.T, label)
		}
	}
	return some
}

// Set returns the images as numbers.
func (s Pixels[T]) Set() Set[T] {
	shape := append([]int{s.Len()}, s.SampleShape()...)
	x := tensor.New[T](shape...)
	Brightness(x.Data, s.X)
	return Set[T]{X: x, T: s.T}
}
