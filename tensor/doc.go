// Package tensor holds the one data type everything else passes around: a
// [Tensor], which is a shape and the elements in row-major order, without
// strides, views of columns or gradients.
//
// It is generic over float32 and float64, so that the very code that trains in
// float32 can be proved in float64.
package tensor
