// Package tensor holds the data type that all other packages use: a [Tensor], which
// is a shape and the elements in row-major order, without strides, views of columns
// or gradients.
//
// It is generic over float32 and float64, so that the same code that trains in
// float32 can be checked in float64.
package tensor
