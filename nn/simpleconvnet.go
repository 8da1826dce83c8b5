package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/tensor"
)

// NewSimpleConvNet returns the SimpleConvNet of section 7.5 of the book for images of the
// given shape (channels, height, width), with its initial weights of the standard deviation
// 0.01. In a line of layers it is
//
//	conv 30x5x5 init=0.01, relu, maxpool 2, flatten, affine 100 init=0.01, relu, affine 10 init=0.01
//
// It panics if the images are too small.
func NewSimpleConvNet[T tensor.Float](image []int, classes int, rng *rand.Rand) *Sequential[T] {
	return mustParse[T](simpleConvNet(classes), image, rng)
}

func simpleConvNet(classes int) string {
	return fmt.Sprintf("conv 30x5x5 init=0.01, relu, maxpool 2, flatten, affine 100 init=0.01, relu, affine %d init=0.01", classes)
}
