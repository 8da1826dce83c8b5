// Package data reads data sets and divides them into batches.
//
// [LoadMNIST] finds the handwritten digits of MNIST, in a folder, in the user's
// cache, in a Go module or on a public mirror, and checks their SHA-256 wherever
// they come from. [ReadIDX] reads the format they come in,
// an [IDXReader] piece by piece; docs/LIMITS.md says what they take at most.
// [Brightness] converts the bytes of an image to numbers, for every use.
//
// A [Set] is a tensor of samples and their labels. [Set.Batches] ranges over it
// in shuffled batches; a [Batcher] does the same without allocating and with a
// position that can be saved, so that an interrupted training can continue where
// it stopped. Neither copies the set. [Pixels], from [LoadMNISTPixels], stay bytes until
// they are copied into a batch, which takes less memory and less time.
package data
