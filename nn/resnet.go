package nn

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/chainrule-go/chainrule/tensor"
)

// NewResNet20 returns the ResNet with 20 layers that have weights, for images of the given
// shape (channels, height, width), such as 32x32 in CIFAR-10 or 28x28 in MNIST. It has a
// convolution, three stages of three residual blocks with 16, 32 and 64 channels, the mean of
// each channel, and an Affine. A block is
//
//	residual(conv 16x3x3 padding=1, batchnorm, relu, conv 16x3x3 padding=1, batchnorm), relu
//
// The first block of the second and third stage halves the height and width by a stride of 2;
// its shortcut is a convolution of 1x1 and a batch norm (option B of the paper). It panics if
// the samples are not images. (He, Zhang, Ren and Sun, "Deep residual learning for image
// recognition", CVPR 2016, section 4.2, which uses option A, a shortcut without weights.)
func NewResNet20[T tensor.Float](image []int, classes int, rng *rand.Rand) *Sequential[T] {
	return mustParse[T](resNet20(classes), image, rng)
}

func resNet20(classes int) string {
	var b strings.Builder
	b.WriteString("conv 16x3x3 padding=1, batchnorm, relu,\n")
	block := func(channels, stride int) {
		first, shortcut := "", ""
		if stride > 1 {
			first = fmt.Sprint(" stride=", stride)
			shortcut = fmt.Sprintf(";\n  conv %dx1x1 stride=%d, batchnorm", channels, stride)
		}
		fmt.Fprintf(&b, "residual(conv %[1]dx3x3%[2]s padding=1, batchnorm, relu, conv %[1]dx3x3 padding=1, batchnorm%[3]s), relu,\n", channels, first, shortcut)
	}
	for stage, channels := range []int{16, 32, 64} {
		block(channels, min(stage, 1)+1)
		block(channels, 1)
		block(channels, 1)
	}
	fmt.Fprintf(&b, "globalaveragepool, affine %d", classes)
	return b.String()
}
