package data

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// Brightness sets x[i] = T(pixels[i])/255, rounded once: the bytes of an image as
// numbers from 0 (black, MNIST's background) to 1 (white, its ink). It panics if
// the lengths differ.
//
// This is the one conversion of pixels: what a network is trained on, tested with
// and asked about has the same bits.
func Brightness[T tensor.Float](x []T, pixels []byte) { kernel.Pixels(x, pixels) }
