package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/tensor"
)

// NewDeepConvNet returns the DeepConvNet of section 8.1 of the book, for images of the given
// shape (channels, height, width). As a line of layers it is
//
//	conv 16x3x3 padding=1, relu, conv 16x3x3 padding=1, relu, maxpool 2,
//	conv 32x3x3 padding=1, relu, conv 32x3x3 padding=2, relu, maxpool 2,
//	conv 64x3x3 padding=1, relu, conv 64x3x3 padding=1, relu, maxpool 2,
//	flatten, affine 50, relu, dropout 0.5, affine 10, dropout 0.5
//
// Weights are drawn with the standard deviation of [He]. As in the book, dropout is applied to
// the logits too. It panics if the images are too small.
func NewDeepConvNet[T tensor.Float](image []int, classes int, rng *rand.Rand) *Sequential[T] {
	return mustParse[T](deepConvNet(classes), image, rng)
}

func deepConvNet(classes int) string {
	return fmt.Sprintf(`conv 16x3x3 padding=1, relu, conv 16x3x3 padding=1, relu, maxpool 2,
conv 32x3x3 padding=1, relu, conv 32x3x3 padding=2, relu, maxpool 2,
conv 64x3x3 padding=1, relu, conv 64x3x3 padding=1, relu, maxpool 2,
flatten, affine 50, relu, dropout 0.5, affine %d, dropout 0.5`, classes)
}
